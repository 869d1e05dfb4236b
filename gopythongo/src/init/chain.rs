//! What `pipeline.rs` says of one project: a chain of calls, and what is unsure of it.

use std::{fs, path::Path};

use super::{
    found::Found,
    repository::Repository,
    web::{Interface, Web},
};
use crate::support::words;

/// How long a call on a line of its own may be: rustfmt's `max_width` without what stands before and after it.
const CALL: usize = 90;

/// A job, as text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Chain {
    /// The variable that holds it.
    pub(super) variable: String,
    /// The job's name.
    pub(super) name: String,
    /// What is unsure, a sentence each.
    pub(super) remarks: Vec<String>,
    /// `library("money")`, and the calls of its chain.
    pub(super) calls: Vec<String>,
    /// The step that tests it with what the run has built: `pytest`, `tox`.
    pub(super) tested_by: Option<&'static str>,
    /// Whether other jobs get something from it: `upload` or `publish`.
    pub(super) effect: Option<&'static str>,
    /// Whether `ERRORS` is used.
    pub(super) looks_for_errors: bool,
    /// What a deployment of it needs: a package with a service in it.
    pub(super) service: Option<Web>,
}

impl Chain {
    /// Declares a project.
    pub(super) fn of(project: &Found, repository: &Repository) -> Self {
        let is_library = repository.is_library(project);
        let builder = if is_library { "library" } else { "application" };
        let mut chain = Self {
            variable: variable(&project.name),
            name: project.name.clone(),
            remarks: Vec::new(),
            calls: vec![format!("{builder}({:?})", project.name), format!("source({:?})", source(&project.directory))],
            tested_by: None,
            effect: None,
            looks_for_errors: false,
            service: None,
        };
        chain.remark_on(project, repository);
        chain.check(project);
        if is_library {
            chain.test_library(project);
            chain.call("upload()");
            chain.effect = Some("upload");
            let users: Vec<String> =
                repository.users(&project.name).iter().map(|user| format!("{:?}", user.name)).collect();
            if !users.is_empty() {
                chain.call(format!("downstream([{}])", users.join(", ")));
            }
        } else {
            chain.test_application(project, &repository.top);
            chain.pack(project);
        }
        chain
    }

    fn call(&mut self, call: impl Into<String>) {
        self.calls.push(call.into());
    }

    fn remark(&mut self, remark: impl Into<String>) {
        self.remarks.push(remark.into());
    }

    fn remark_on(&mut self, project: &Found, repository: &Repository) {
        let top = format!("{}/", repository.top.display());
        for problem in project.survey.problems.iter().chain(&project.survey.version_problem) {
            self.remark(problem.replace(&top, ""));
        }
        for (_, other) in repository.circles.iter().filter(|(name, _)| *name == project.name) {
            self.remark(format!("it needs `{other}`, which stands on it: `.downstream(..)` cannot say a circle"));
        }
        if project.discovers_packages && project.directory.as_os_str().is_empty() {
            self.remark(
                "setuptools looks for packages by itself and would take `pipeline/` and `target/` for some outside of this \
                 pipeline: name yours, `[tool.setuptools] packages = [..]`",
            );
        }
    }

    fn check(&mut self, project: &Found) {
        let survey = &project.survey;
        if survey.ruff.is_some() {
            self.call("ruff()");
        }
        if survey.flake8.is_some() {
            self.call("flake8()");
        }
        if survey.ruff.is_none() && survey.flake8.is_none() {
            self.call("step(Flake8::new().select(ERRORS))");
            self.looks_for_errors = true;
        }
        if survey.mypy.is_some() {
            self.call("mypy()");
        }
    }

    fn test_library(&mut self, project: &Found) {
        let survey = &project.survey;
        let others = project.other_environments.as_deref().unwrap_or_default();
        if survey.tox.is_some() && others.is_empty() {
            self.tested("tox()", "tox");
            self.call("coverage_ratchet()");
        } else if survey.nox.is_some() && survey.tests.is_empty() {
            self.tested("nox()", "nox");
        } else if survey.tests.is_empty() {
            self.remark("no tests were found: `.pytest()` runs them when there are some");
        } else {
            if !others.is_empty() {
                self.remark(format!(
                    "tox runs {} too: `.tox()` instead of `.pytest()` runs all of it",
                    words::list(others)
                ));
            }
            self.tested("pytest()", "pytest");
            self.call("coverage_ratchet()");
        }
    }

    fn test_application(&mut self, project: &Found, top: &Path) {
        let survey = &project.survey;
        match survey.tests.as_slice() {
            _ if survey.manage_py.is_some() => self.tested("pytest()", "pytest"),
            [] => self.remark("no tests were found: `.integration_tests(\"tests\")` runs them when there are some"),
            [tests] => {
                let integration = tests.join("integration");
                let is_all = is_all(&top.join(&project.directory).join(tests), "integration");
                let tests = if is_all { &integration } else { tests };
                self.tested(format!("integration_tests({:?})", tests.display().to_string()), "integration-tests");
            }
            _ => self.tested("pytest()", "pytest"),
        }
    }

    fn tested(&mut self, call: impl Into<String>, step: &'static str) {
        self.call(call);
        self.tested_by = Some(step);
    }

    fn pack(&mut self, project: &Found) {
        if project.survey.distribution.is_none() {
            self.remark("it is no distribution (no `[project]` in a `pyproject.toml`): tested here, but not packed");
            return;
        }
        self.call(format!("virtualenv({:?})", format!("/opt/{}", project.name)));
        // what is built from the stage is a test of it, too
        self.tested_by = self.tested_by.or(Some("virtualenv"));
        if let Some(web) = &project.web {
            let service = service(web, project);
            let call = format!("deb(Deb::new().service({service}))");
            let is_long = call.len() > CALL;
            self.call(if is_long {
                format!("deb(Deb::new().service(\n            {service},\n        ))")
            } else {
                call
            });
            self.service = Some(web.clone());
        } else {
            if !project.has_scripts {
                self.remark("neither a web application nor a program was found: `.service(..)` of `Deb` takes one");
            }
            self.call("deb(Deb::new())");
        }
        self.call("publish()");
        self.effect = Some("publish");
    }
}

/// What runs a web application: gunicorn, or uvicorn for ASGI.
fn service(web: &Web, project: &Found) -> String {
    if web.interface == Interface::Wsgi {
        return format!("Service::gunicorn({:?})", web.object);
    }
    let (object, factory) = match web.object.strip_suffix("()") {
        Some(object) => (object, "\"--factory\", "),
        None => (web.object.as_str(), ""),
    };
    let command = format!("Service::command([\"bin/uvicorn\", \"--uds\", \"{{socket}}\", {factory}{object:?}])");
    let is_required = project.requires.run.contains("uvicorn");
    if is_required { command } else { format!("{command}.requires(\"uvicorn\")") }
}

/// From the pipeline's package to a directory of the repository.
fn source(directory: &Path) -> String {
    Path::new("..").join(directory).display().to_string().trim_end_matches('/').to_owned()
}

/// A name that Rust takes, and that hides nothing of the prelude.
fn variable(name: &str) -> String {
    const TAKEN: [&str; 43] = [
        "abstract",
        "application",
        "as",
        "async",
        "await",
        "become",
        "box",
        "break",
        "const",
        "continue",
        "crate",
        "deployment",
        "do",
        "dyn",
        "else",
        "enum",
        "extern",
        "fn",
        "for",
        "gopythongo",
        "if",
        "impl",
        "in",
        "let",
        "library",
        "loop",
        "macro",
        "match",
        "mod",
        "move",
        "mut",
        "pub",
        "ref",
        "return",
        "self",
        "static",
        "struct",
        "super",
        "trait",
        "try",
        "type",
        "use",
        "where",
    ];
    const MORE: [&str; 9] = ["final", "gen", "override", "priv", "typeof", "unsafe", "virtual", "while", "yield"];
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    if TAKEN.contains(&name.as_str()) || MORE.contains(&name.as_str()) {
        format!("{name}_job")
    } else if name.starts_with(|c: char| c.is_ascii_digit()) {
        format!("job_{name}")
    } else {
        name
    }
}

/// Whether all that is in a directory of tests is in one directory of it.
fn is_all(tests: &Path, name: &str) -> bool {
    let entries = fs::read_dir(tests).into_iter().flatten().flatten();
    let mut names = entries.map(|entry| entry.file_name().to_string_lossy().into_owned());
    tests.join(name).is_dir()
        && names.all(|found| found == name || !(found.starts_with("test") || found.ends_with("_test.py")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    #[test]
    fn asynchronous_applications_get_a_server_that_speaks_to_them() {
        let api = |needs: &str| {
            let text = format!("[project]\nname = 'api'\nversion = '1'\ndependencies = [{needs}]\n");
            let directory = tree(&[
                ("pyproject.toml", &text),
                ("src/api/__init__.py", "def create_app():\n    return FastAPI()\n"),
            ]);
            let files = ["src/api/__init__.py".into()];
            let project = Found::look(directory.path(), Path::new(""), &files).expect("a project");
            service(project.web.as_ref().expect("an application"), &project)
        };
        let command = r#"Service::command(["bin/uvicorn", "--uds", "{socket}", "--factory", "api:create_app"])"#;
        assert_eq!(api("'fastapi', 'uvicorn'"), command);
        assert_eq!(api("'fastapi'"), format!("{command}.requires(\"uvicorn\")"));
    }

    #[test]
    fn names_become_variables() {
        assert_eq!(variable("money-lib"), "money_lib");
        assert_eq!(variable("type"), "type_job");
        assert_eq!(variable("library"), "library_job");
        assert_eq!(variable("3scale"), "job_3scale");
        assert_eq!((source(Path::new("")), source(Path::new("libs/money"))), ("..".into(), "../libs/money".into()));
    }
}
