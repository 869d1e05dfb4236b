//! A project that was found in a repository, and what it seems to be.

use std::path::{Path, PathBuf};

use super::{
    needs::Needs,
    tox,
    web::{self, Web},
};
use crate::{
    context::{self, Survey},
    python::{name::normalize, project::Project},
};

/// Directories of applications, by custom.
const APPLICATIONS: [&str; 6] = ["applications", "apps", "services", "sites", "web", "webapps"];
/// What serves applications: who requires one of these is one.
const SERVERS: [&str; 9] =
    ["cheroot", "daphne", "granian", "gunicorn", "hypercorn", "mod-wsgi", "uvicorn", "uwsgi", "waitress"];

/// A project: the source of a job.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    /// Its directory, relative to the top of the repository; empty for the top itself.
    pub(super) directory: PathBuf,
    /// The distribution's name, else the directory's; normalised.
    pub(super) name: String,
    /// What it says of itself.
    pub(super) survey: Survey,
    /// What a server serves of it.
    pub(super) web: Option<Web>,
    /// Programs that it installs.
    pub(super) has_scripts: bool,
    /// Environments of its tox that are no tests; `None` where it does not list its environments.
    pub(super) other_environments: Option<Vec<String>>,
    /// Whether setuptools looks for its packages by itself, beside `pyproject.toml`.
    pub(super) discovers_packages: bool,
    pub(super) requires: Needs,
}

impl Found {
    /// Looks at the project in a directory below `top`, whose files are given, relative to it. `None` where there is
    /// nothing to build and nothing to serve.
    pub(super) fn look(top: &Path, directory: &Path, files: &[PathBuf]) -> Option<Self> {
        let source = top.join(directory);
        let survey = context::survey(&source);
        let requires = Needs::read(&source, &survey);
        let packages = survey.distribution.as_ref().map(|distribution| distribution.packages.as_slice());
        let is_code = |path: &&PathBuf| {
            let is_python = path.extension().is_some_and(|extension| extension == "py");
            let is_test = path.iter().any(|part| part == "tests" || part == "test") || survey.tests.contains(path);
            let is_inside = packages.is_none_or(|packages| packages.iter().any(|package| path.starts_with(package)));
            is_python && !is_test && is_inside
        };
        let code: Vec<PathBuf> = files.iter().filter(is_code).cloned().collect();
        let web = web::find(&source, &code, &requires.all());
        if survey.distribution.is_none() && survey.manage_py.is_none() && web.is_none() {
            return None;
        }
        let distribution = survey.distribution.as_ref().map(|distribution| distribution.name.clone());
        let last = std::path::absolute(&source).ok()?.file_name().map(|name| normalize(&name.to_string_lossy()));
        let project = Project::read(&source);
        Some(Self {
            directory: directory.to_owned(),
            name: distribution.or(last).filter(|name| !name.is_empty()).unwrap_or_else(|| "project".to_owned()),
            has_scripts: ["scripts", "gui-scripts"].iter().any(|table| project.table(&["project", table]).is_some()),
            other_environments: tox::other_environments(&source),
            discovers_packages: discovers_packages(&project, &survey),
            survey,
            web,
            requires,
        })
    }

    /// Whether it looks like what is delivered, and not like what others stand on.
    pub(super) fn is_application(&self) -> bool {
        let place = self.directory.parent().and_then(Path::file_name);
        let is_among_them = place.is_some_and(|place| APPLICATIONS.iter().any(|name| place == *name));
        let is_served = self.requires.run.iter().any(|name| SERVERS.contains(&name.as_str()));
        self.survey.distribution.is_none() || is_among_them || is_served || self.web.is_some()
    }

    /// What the source is called in a sentence: `libs/money`, or the repository's top.
    pub(super) fn place(&self) -> String {
        if self.directory.as_os_str().is_empty() { ".".to_owned() } else { self.directory.display().to_string() }
    }
}

/// Whether setuptools takes every directory beside `pyproject.toml` for a package, `pipeline/` and `target/` among them.
fn discovers_packages(project: &Project, survey: &Survey) -> bool {
    let Some(distribution) = &survey.distribution else { return false };
    let told = project.value(&["tool", "setuptools", "packages"]).is_some()
        || project.value(&["tool", "setuptools", "py-modules"]).is_some()
        || ["packages", "py_modules"].iter().any(|key| project.setup_cfg.get("options", key).is_some())
        || project.setup_py.as_deref().is_some_and(|text| text.contains("packages") || text.contains("py_modules"));
    distribution.build_backend.starts_with("setuptools.") && distribution.layout == context::Layout::Flat && !told
}
