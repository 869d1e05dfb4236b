//! `.gate(..)`: what an application passes before a protected environment takes it.

use serde::Serialize;

use super::{Application, Diagnostic, Location};
use crate::{
    deploy::{Open, Protected, SigningKey},
    python::IntegrationTests,
};

/// What `.gate(..)` says of an application.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Gate {
    /// The tests, which run in every build.
    pub tests: IntegrationTests,
    /// Whose signature a version needs.
    pub key: SigningKey,
    /// The line.
    #[serde(skip)]
    pub location: Location,
}

/// What is wrong with a key, if anything.
pub(super) fn mistake(key: &SigningKey, location: &Location) -> Option<Diagnostic> {
    let message = format!("`{key}` is not the fingerprint of an OpenPGP key");
    let suggestion = "`gpg --list-keys --with-colons` says it: 40 or 64 hexadecimal digits, never the short key id";
    (!key.is_whole()).then(|| Diagnostic::error(message, location).suggest(suggestion))
}

/// An application that has no gate: what [`application`](super::application) begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ungated;

/// An application that went through [`.gate(tests, key)`](Application::gate).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Gated;

/// What `.gate(..)` takes as tests.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no test of the whole application, and a gate wants one",
    label = "expected integration tests: a directory or file of them, or `IntegrationTests` with options",
    note = "write `.gate(\"tests/integration\", SigningKey::fingerprint(\"…\"))`; lint and unit tests stay steps of the job"
)]
pub trait GateTests {
    /// The step.
    #[doc(hidden)]
    fn tests(self) -> IntegrationTests;
}

impl GateTests for IntegrationTests {
    fn tests(self) -> IntegrationTests {
        self
    }
}

impl GateTests for &str {
    fn tests(self) -> IntegrationTests {
        IntegrationTests::new(self)
    }
}

/// What `.gate(..)` takes as a key.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no key of a gate",
    label = "expected `SigningKey::fingerprint(\"…\")`",
    note = "a pipeline names the key of whoever lets versions in by its fingerprint, and holds no key itself"
)]
pub trait GateKey {
    /// The key.
    #[doc(hidden)]
    fn key(self) -> SigningKey;
}

impl GateKey for SigningKey {
    fn key(self) -> SigningKey {
        self
    }
}

/// An application to which a gate can be added: one without.
#[diagnostic::on_unimplemented(
    message = "the application has a gate already, and a second one would take the place of its tests",
    label = "this is the second `.gate(…)`",
    note = "leave one `.gate(tests, key)`; more tests are steps: `.step(Pytest::new())`, `.command(…)`"
)]
pub trait WithoutGate {}

impl WithoutGate for Ungated {}

/// An application that a protected environment takes.
#[diagnostic::on_unimplemented(
    message = "the application did not go through `.gate(tests, key)`, and a protected environment takes no other",
    label = "an environment that is `.protected()` goes to an application without a gate",
    note = "add `.gate(\"tests/integration\", SigningKey::fingerprint(\"…\"))` to the chain of the application that `deployment(name, &application)` is given, outside of any `.on`; a function that gives it returns `Application<Gated>`"
)]
pub trait PassedGate {}

impl PassedGate for Gated {}

/// What a protected environment takes: an application, if it passed its gate. A deployment that knows the name alone has a
/// `String` here.
#[diagnostic::on_unimplemented(
    message = "a protected environment takes the application itself, and this deployment knows only its name",
    label = "an environment that is `.protected()` goes to an application that is named by a `{Self}`",
    note = "write `deployment(\"shop-live\", &shop)`, where `shop` is the application with its `.gate(tests, key)`"
)]
pub trait ApplicationItself {}

impl<G: PassedGate> ApplicationItself for Application<G> {}

/// What an environment takes, by its type. The bound for protected ones is on what is deployed, so that the compiler reports what
/// [`ApplicationItself`] and [`PassedGate`] say.
pub trait Takes<A> {}

impl<A> Takes<A> for Open {}

impl<A: ApplicationItself> Takes<A> for Protected {}

/// What `deployment(name, ..)` takes: an application's name, or the application.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be deployed",
    label = "expected the name of an application, `\"shop\"`, or the application itself, `&shop`",
    note = "libraries are uploaded, applications are deployed; `.job(shop)` takes the application, so a deployment borrows it: `&shop`"
)]
pub trait Deployable {
    /// What the deployment knows of it.
    type Known;

    /// The name of its job.
    #[doc(hidden)]
    fn job(&self) -> String;

    /// Its gate.
    #[doc(hidden)]
    fn gate(&self) -> Option<Gate> {
        None
    }
}

impl Deployable for &str {
    type Known = String;

    fn job(&self) -> String {
        (*self).to_owned()
    }
}

impl Deployable for &String {
    type Known = String;

    fn job(&self) -> String {
        (*self).clone()
    }
}

impl Deployable for String {
    type Known = Self;

    fn job(&self) -> String {
        self.clone()
    }
}

impl<G> Deployable for &Application<G> {
    type Known = Application<G>;

    fn job(&self) -> String {
        self.draft.job.name.clone()
    }

    fn gate(&self) -> Option<Gate> {
        self.draft.job.gate.clone()
    }
}
