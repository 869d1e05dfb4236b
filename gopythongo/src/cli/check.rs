//! `check`: what is wrong with the sources, and what this machine lacks, all at once.

use std::path::Path;

use clap::Args;
use pep440_rs::VersionSpecifiers;

use super::{Error, Exit, Session, arguments::Wanted, host, print, problems::problems};
use crate::{
    context::{Context, Interpreter, Redactor, SecretError},
    plan::{self, Action, Plan, Selection},
    run::Step as _,
    shared::SharedIn,
    store::Publish,
    support::words,
};

/// `check`
#[derive(Debug, Args)]
pub(super) struct Check {
    #[command(flatten)]
    wanted: Wanted,
}

/// Something that is wrong or missing, and what to do about it.
pub(super) struct Finding {
    pub(super) exit: Exit,
    pub(super) what: String,
    pub(super) todo: String,
}

impl Check {
    pub(super) fn execute(self, session: &Session) -> Result<Exit, Error> {
        let context = session.context(&self.wanted)?;
        let plan = session.plan(&context, &Selection::default()).plan;
        let mut findings = sources(&context, &plan);
        findings.extend(tools(&context, &plan));
        findings.extend(pythons(session, &context));
        findings.extend(secrets(session, &plan));
        findings.extend(host::findings(session, &plan)?);
        plan::doubts(&session.pipeline, &context).iter().for_each(|doubt| print::note(doubt.to_string()));
        host::doubts(&plan).iter().for_each(print::warning);
        // without git, that is what is found
        context.doubts.iter().filter(|_| which::which("git").is_ok()).for_each(print::warning);
        if let Some(doubt) = unshared(session, &context) {
            print::warning(doubt);
        }
        if let Some(doubt) = signing(&plan) {
            print::warning(doubt);
        }
        for finding in &findings {
            print::note(format!("error: {}\n  hint: {}", finding.what, finding.todo));
        }
        let exit = if findings.iter().any(|finding| finding.exit == Exit::Usage) { Exit::Usage } else { Exit::Lacking };
        if findings.is_empty() {
            let steps = plan.steps.iter().filter(|step| step.action == Action::Run).count();
            print::result(format!(
                "{}: {} and {} of a {} build; nothing is missing",
                session.pipeline.name,
                words::count(session.pipeline.jobs.len(), "job"),
                words::count(steps, "step"),
                context.kind,
            ));
            return Ok(Exit::Done);
        }
        Err(Error::new(exit, format!("{} to see to first", words::count(findings.len(), "thing"))))
    }
}

fn sources(context: &Context, plan: &Plan) -> Vec<Finding> {
    let problems = problems(context, plan).into_iter();
    problems.map(|problem| Finding { exit: Exit::Usage, what: problem.to_string(), todo: problem.todo }).collect()
}

/// Programs that planned steps name, and git.
fn tools(context: &Context, plan: &Plan) -> Vec<Finding> {
    let mut programs: Vec<(&str, String)> = Vec::new();
    let versioned = |root: &Path| root.ancestors().any(|directory| directory.join(".git").exists());
    if versioned(&context.root) {
        programs.push(("git", "every version that is built here".to_owned()));
    }
    for step in plan.steps.iter().filter(|step| step.action == Action::Run) {
        programs.extend(step.inputs.executables.iter().map(|program| (program.as_str(), format!("`{}`", step.id))));
    }
    let missing = programs.into_iter().filter(|(program, _)| which::which(program).is_err());
    missing
        .map(|(program, user)| Finding {
            exit: Exit::Lacking,
            what: format!("`{program}` is not on PATH; {user} needs it"),
            todo: format!("install {program}"),
        })
        .collect()
}

/// Secrets that planned steps need, and that are not where they are said to be. None is fetched.
fn secrets(session: &Session, plan: &Plan) -> Vec<Finding> {
    let secrets = session.secrets(Redactor::default());
    let running = plan.steps.iter().filter(|step| step.action == Action::Run);
    let sources = running.flat_map(|step| step.inputs.secrets.values().map(move |from| (step, from)));
    let missing = sources.filter_map(|(step, from)| Some((step, secrets.missing(from)?)));
    let finding = |(user, error): (String, SecretError)| Finding {
        exit: Exit::Lacking,
        what: format!("{}; {user} needs it", error.message),
        todo: error.hint.unwrap_or_default(),
    };
    let missing = missing.map(|(step, error)| (format!("`{}`", step.id), error));
    let shared = session.shared.iter().flat_map(SharedIn::secrets);
    let shared = shared.filter_map(|from| Some(("shared state".to_owned(), secrets.missing(from)?)));
    missing.chain(shared).map(finding).collect()
}

/// What is to be said on a build server whose machines keep nothing for each other.
fn unshared(session: &Session, context: &Context) -> Option<String> {
    let server = context.server.as_ref().filter(|_| session.shared.is_none())?.server;
    Some(format!(
        "nothing is shared between the machines of {server}: each does again what another has done\n  \
         hint: say where they share state, as in `.shared(S3::new(\"https://s3.example\", \"ci\"))`, or set GOPYTHONGO_SHARED"
    ))
}

/// What is to be said where an apt repository will be published that nothing can sign.
fn signing(plan: &Plan) -> Option<&'static str> {
    let publishes = plan.steps.iter().any(|step| step.action == Action::Run && step.kind == Publish::KIND);
    let doubt = "the apt repository will not be signed, as `gpg` is not on PATH: apt takes it only with `trusted=yes`\n  \
                 hint: install gnupg";
    (publishes && which::which("gpg").is_err()).then_some(doubt)
}

fn pythons(session: &Session, context: &Context) -> Vec<Finding> {
    let lacking = |what: String, todo: &str| Finding { exit: Exit::Lacking, what, todo: todo.to_owned() };
    let Some(python) = context.pythons.first() else {
        return vec![lacking("there is no Python on this machine".to_owned(), "install python3 and python3-venv")];
    };
    let mut findings = Vec::new();
    if which::which("uv").is_err() && !has_venv(python) {
        let what = format!("`{}` cannot make environments, and there is no uv", python.path.display());
        findings.push(lacking(what, "install uv, or python3-venv and python3-pip"));
    }
    for (job, found) in &context.jobs {
        let requires = found.survey.distribution.as_ref().and_then(|known| known.requires_python.as_deref());
        if let Some(requires) =
            requires.filter(|requires| !context.pythons.iter().any(|python| admits(requires, python)))
        {
            let what = format!("there is no Python {requires} on this machine; `{job}` requires it");
            findings.push(lacking(what, "install one, or put it on PATH"));
        }
    }
    for job in &session.pipeline.jobs {
        for wanted in job.pythons.iter().filter(|wanted| !context.pythons.iter().any(|found| is(found, wanted))) {
            let what = format!("there is no Python {wanted} on this machine; `{}` is tested on it", job.name);
            findings.push(lacking(what, "install it, or put it on PATH"));
        }
    }
    findings
}

/// Whether an interpreter is of the wanted version: `3.12`, `pypy3.9`.
fn is(found: &Interpreter, wanted: &str) -> bool {
    let (implementation, version) = match wanted.strip_prefix("pypy") {
        Some(version) => ("pypy", version),
        None => ("cpython", wanted),
    };
    let same = found.version == version || found.version.starts_with(&format!("{version}."));
    found.implementation == implementation && same
}

/// Whether an interpreter is one that `Requires-Python` admits; what cannot be read is for the build to complain about.
fn admits(requires: &str, python: &Interpreter) -> bool {
    match (requires.parse::<VersionSpecifiers>(), python.version.parse()) {
        (Ok(requires), Ok(version)) => requires.contains(&version),
        _ => true,
    }
}

fn has_venv(python: &Interpreter) -> bool {
    let probe = duct::cmd!(&python.path, "-c", "import venv, ensurepip").stdin_null().stdout_null().stderr_null();
    probe.run().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_means_its_patch_releases() {
        let python = |version: &str| Interpreter {
            path: "python".into(),
            version: version.into(),
            implementation: "cpython".into(),
        };
        assert!(is(&python("3.1.2"), "3.1"));
        assert!(is(&python("3.11.2"), "3.11.2"));
        assert!(!is(&python("3.11.2"), "3.1"));
        assert!(!is(&python("3.9.1"), "pypy3.9"));
        assert!(admits(">=3.9", &python("3.11.2")) && !admits(">=3.15", &python("3.11.2")));
    }
}
