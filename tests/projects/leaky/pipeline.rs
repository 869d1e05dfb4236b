//! Steps that put a secret wherever they can: what a run prints and keeps is searched for it.

use std::collections::BTreeMap;

use gopythongo::{
    event::Event,
    prelude::*,
    run::{EffectClass, Failure, Inputs, Nature, Probe, Receipt, Step, Work, process::Command},
};
use serde::{Deserialize, Serialize};

/// What a team sets.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
struct Settings {
    token: SecretFrom,
    retries: u16,
}

impl Default for Settings {
    fn default() -> Self {
        Self { token: SecretFrom::file("token.txt"), retries: 2 }
    }
}

/// Where a step puts the secret.
#[derive(Debug, Clone, Copy, Serialize)]
enum Way {
    Output,
    Outcome,
    Failure,
    Command,
    Panic,
    Receipt,
    Found,
}

#[derive(Debug, Serialize)]
struct Leak {
    way: Way,
    token: SecretFrom,
}

impl Step for Leak {
    const KIND: &'static str = "leak";
    const VERSION: u32 = 1;

    fn label(&self) -> Option<String> {
        Some(format!("{:?}", self.way).to_lowercase())
    }

    fn nature(&self) -> Nature {
        match self.way {
            Way::Receipt | Way::Found => Nature::Effect(EffectClass::Keyed),
            _ => Nature::Pure,
        }
    }

    fn inputs(&self) -> Inputs {
        Inputs::source().secret("token", self.token.clone())
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let secret = work.secret("token")?;
        let secret = secret.expose();
        let shell = |script: &str| Command::new("/bin/sh").args(["-c", script, "sh", secret]).env("SECRET", secret);
        match self.way {
            Way::Output => {
                work.say(&format!("said: {secret}"));
                work.emit(Event::Warning { message: format!("warned: {secret}") });
                work.run(&shell("echo \"printed: $SECRET\"; echo \"complained: $1\" >&2; printf \"$SECRET\" | base64"))
            }
            Way::Outcome => {
                work.fact("token", secret);
                work.summary(format!("summed up: {secret}"));
                Ok(())
            }
            Way::Failure => Err(Failure::new(format!("failed: {secret}")).hint(format!("try {secret}"))),
            Way::Command => work.run(&shell("echo \"last words: $SECRET\"; exit 3")),
            Way::Panic => panic!("panicked: {secret}"),
            Way::Receipt | Way::Found => {
                work.receipt(receipt(secret));
                Ok(())
            }
        }
    }

    fn probe(&self, work: &mut Work<'_>) -> Probe {
        match (self.way, work.secret("token")) {
            (Way::Found, Ok(secret)) => Probe::Done(receipt(secret.expose())),
            _ => Probe::NotDone,
        }
    }
}

fn receipt(secret: &str) -> Receipt {
    Receipt { target: secret.to_owned(), identifier: secret.to_owned(), digests: BTreeMap::new(), found: false }
}

fn pipeline(settings: Settings) -> Pipeline {
    let ways =
        [Way::Output, Way::Outcome, Way::Failure, Way::Command, Way::Panic, Way::Receipt, Way::Found].into_iter();
    let leak = |job: Library, way| match way {
        // effects come when all else has passed
        Way::Receipt | Way::Found => job,
        _ => job.step(Leak { way, token: settings.token.clone() }),
    };
    let leaky = ways.fold(library("leaky").source("."), leak);
    let printing = CommandStep::new("printing", ["sh", "-c", "echo $TOKEN"]).secret("TOKEN", settings.token.clone());
    let effects = library("effects")
        .source(".")
        .step(printing)
        .step(Leak { way: Way::Receipt, token: settings.token.clone() })
        .step(Leak { way: Way::Found, token: settings.token.clone() });
    Pipeline::new("leaky").default_kind(Develop).job(leaky).job(effects)
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
