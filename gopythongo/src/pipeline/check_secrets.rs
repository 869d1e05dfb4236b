//! Secrets that would not be kept: a variable that holds one, seen by a step as any other.

use super::{Declaration, Diagnostic, Job, Pipeline};
use crate::context::SecretFrom;

/// A variable that holds a secret of one step must not be one that decides for another: its value would be in a key.
pub(super) fn check_secrets(pipeline: &Pipeline, found: &mut Vec<Diagnostic>) {
    let all = || pipeline.jobs.iter().flat_map(|job| job.steps.iter().map(move |step| (job, step)));
    let mut held: Vec<(String, &Job, &Declaration)> = Vec::new();
    for (job, declaration) in all() {
        let secrets = declaration.step.inputs().secrets.into_values();
        held.extend(secrets.filter_map(|from| match from {
            SecretFrom::Env(variable) => Some((variable, job, declaration)),
            _ => None,
        }));
    }
    for (job, declaration) in all().filter(|_| !held.is_empty()) {
        for variable in declaration.step.inputs().environment {
            let Some((_, owner, secret)) = held.iter().find(|(name, ..)| *name == variable) else { continue };
            let step = format!("{}/{}", job.name, declaration.name());
            let message = format!("`{step}` sees `{variable}`, which is a secret, as an ordinary variable");
            let of = format!("it is a secret of `{}/{}`", owner.name, secret.name());
            found.push(Diagnostic::error(message, &declaration.location).and(of, &secret.location).suggest(format!(
                "let it have the secret too: `.secret(\"{variable}\", SecretFrom::env(\"{variable}\"))`"
            )));
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::{
        context::SecretFrom,
        pipeline::{CommandStep, JobBuilder as _, Pipeline, library},
    };

    #[test]
    fn a_variable_that_holds_a_secret_is_nobodys_ordinary_one() {
        let push = CommandStep::new("push", ["true"]).secret("KEY", SecretFrom::env("TOKEN"));
        let pipeline = |other: CommandStep| Pipeline::new("p").job(library("money").step(push.clone()).step(other));
        let other = || CommandStep::new("other", ["true"]);
        assert!(pipeline(other().env("KEY")).is_valid());
        assert!(pipeline(other().env("TOKEN").secret("TOKEN", SecretFrom::env("TOKEN"))).is_valid());
        let mistake = pipeline(other().env("TOKEN")).diagnostics().remove(0).to_string();
        assert!(mistake.contains("`money/command:other` sees `TOKEN`, which is a secret"), "{mistake}");
        assert!(mistake.contains("it is a secret of `money/command:push`"), "{mistake}");
    }
}
