//! What a team declares of a Debian package.

use std::{any::Any, path::PathBuf};

use serde::{Deserialize, Serialize};

use crate::{
    package::{Directory, Service},
    run::AnyStep,
};

/// A configuration file: which file of the source it is made from, and where it goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct ConfigurationFile {
    /// Relative to the job's source.
    pub(super) source: PathBuf,
    /// Its absolute path on the host, below `/etc`.
    pub(super) path: String,
}

/// A symbolic link that the package ships.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Link {
    pub(super) path: String,
    pub(super) to: String,
}

/// A Debian package of an application's virtual environment.
///
/// ```no_run
/// use gopythongo::prelude::*;
///
/// let shop = application("shop").source("apps/shop").virtualenv("/opt/shop").deb(
///     Deb::new()
///         .description("the storefront\nPages, a cart, and a till.")
///         .maintainer("The Shop Team <shop@example.com>")
///         .depends("libc6")
///         .service(Service::gunicorn("shop:app"))
///         .directory("/var/lib/shop")
///         .configuration_file("etc/shop.toml", "/etc/shop/shop.toml"),
/// );
/// ```
///
/// The package has no scripts of its own but what its user, its directories and its service need. The same inputs give the
/// same bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
#[serde(default)]
pub struct Deb {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) package: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) maintainer: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) section: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) homepage: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) depends: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) recommends: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) service: Option<Service>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) user: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) directories: Vec<Directory>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) configuration: Vec<ConfigurationFile>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) links: Vec<Link>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub(super) changelog: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) copyright: Option<PathBuf>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) gzip: bool,
}

impl Deb {
    /// A package of the job's name with nothing but the virtual environment.
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the package's name (Debian Policy 5.6.7); the job's by default.
    pub fn package(mut self, name: impl Into<String>) -> Self {
        self.package = Some(name.into());
        self
    }

    /// Sets the description: a line of at most 80 characters that completes "is …", and after it, if you like, paragraphs for
    /// whoever wonders whether to install it. Names the application by default.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = Some(text.into());
        self
    }

    /// Sets who answers for the package, `The Shop Team <shop@example.com>`; a stand-in by default.
    pub fn maintainer(mut self, name_and_address: impl Into<String>) -> Self {
        self.maintainer = Some(name_and_address.into());
        self
    }

    /// Sets the section of the archive (Policy 2.4); `python` by default.
    pub fn section(mut self, section: impl Into<String>) -> Self {
        self.section = Some(section.into());
        self
    }

    /// Sets the project's page, a URL; none by default.
    pub fn homepage(mut self, url: impl Into<String>) -> Self {
        self.homepage = Some(url.into());
        self
    }

    /// Adds a package that must be installed with this one, `libpq5 (>= 15)` (Policy 7.1). The interpreter's package is there
    /// by default.
    pub fn depends(mut self, relation: impl Into<String>) -> Self {
        self.depends.push(relation.into());
        self
    }

    /// Adds a package that is installed with this one unless somebody objects. None by default.
    pub fn recommends(mut self, relation: impl Into<String>) -> Self {
        self.recommends.push(relation.into());
        self
    }

    /// Sets what the package runs; nothing by default.
    pub fn service(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Sets the system user that the service runs as, made when the package is installed; the package's name by default, and
    /// no user without a service.
    pub fn user(mut self, name: impl Into<String>) -> Self {
        self.user = Some(name.into());
        self
    }

    /// Adds a directory that the service writes to, a path or a [`Directory`]; none by default.
    pub fn directory(mut self, directory: impl Into<Directory>) -> Self {
        self.directories.push(directory.into());
        self
    }

    /// Adds a configuration file: a file of the source, and where below `/etc` it goes. What the administrator changed there
    /// is kept by an upgrade (Policy 10.7). None by default.
    pub fn configuration_file(mut self, source: impl Into<PathBuf>, path: impl Into<String>) -> Self {
        self.configuration.push(ConfigurationFile { source: source.into(), path: path.into() });
        self
    }

    /// Adds a symbolic link at `path` to an absolute path: for an application that writes below its own tree, which belongs to
    /// root and is read-only in a slot. None by default.
    ///
    /// ```
    /// # use gopythongo::prelude::*;
    /// let deb = Deb::new()
    ///     .service(Service::gunicorn("flaskr:create_app()"))
    ///     .directory("/var/lib/flaskr")
    ///     .link("/opt/flaskr/var/flaskr-instance", "/var/lib/flaskr");
    /// ```
    pub fn link(mut self, path: impl Into<String>, to: impl Into<String>) -> Self {
        self.links.push(Link { path: path.into(), to: to.into() });
        self
    }

    /// Adds an entry to the changelog of this version; it says by default what it was built from.
    pub fn changelog(mut self, entry: impl Into<String>) -> Self {
        self.changelog.push(entry.into());
        self
    }

    /// Sets the file of the source that says whose work it is and under which licence: `LICENSE`. By default the package says
    /// that the packages in it say so themselves.
    pub fn copyright(mut self, file: impl Into<PathBuf>) -> Self {
        self.copyright = Some(file.into());
        self
    }

    /// Compresses with gzip, for a tool that cannot read zstd (dpkg before 1.21.18, Debian 11); zstd by default.
    pub fn gzip(mut self) -> Self {
        self.gzip = true;
        self
    }

    /// The package that a step makes, if it is one that does.
    pub(crate) fn of(step: &AnyStep) -> Option<&Self> {
        let any: &dyn Any = step.as_ref();
        any.downcast_ref()
    }

    /// The package's name in a job: the one that was set, else the job's own as Debian would write it.
    #[must_use]
    pub fn package_name(&self, job: &str) -> String {
        self.package.clone().unwrap_or_else(|| job.replace('_', "-"))
    }

    /// Whether it has something to run.
    pub(crate) fn has_service(&self) -> bool {
        self.service.is_some()
    }

    /// What the virtual environment needs for the package's service, beside the application: `gunicorn==23.0.0`.
    #[must_use]
    pub fn requirement(&self) -> Option<String> {
        self.service.as_ref().and_then(Service::requirement)
    }

    /// The user that the service runs as; none without a service, unless one is declared.
    pub(super) fn user_name(&self, package: &str) -> Option<String> {
        let own = || {
            let name = package.replace(['.', '+'], "-");
            if name.starts_with(|c: char| c.is_ascii_digit()) { format!("_{name}") } else { name }
        };
        self.user.clone().or_else(|| self.service.as_ref().map(|_| own()))
    }
}
