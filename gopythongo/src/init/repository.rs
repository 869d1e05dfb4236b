//! A repository as `init` sees it: its projects, in the order in which they stand on each other. Nothing of it is executed.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::{Path, PathBuf},
};

use super::{InitError, found::Found};
use crate::{
    context::{git, list_files},
    python::name::normalize,
    support::words,
};

/// What makes a directory worth a look.
const MARKERS: [&str; 5] = ["pyproject.toml", "setup.py", "setup.cfg", "manage.py", "requirements.txt"];
/// Where projects are shown, not delivered.
const SHOWN: [&str; 6] = ["demo", "doc", "docs", "example", "examples", "samples"];
/// Where projects are neither.
const NEITHER: [&str; 12] = [
    "_vendor",
    "bench",
    "benchmarks",
    "fixtures",
    "node_modules",
    "site-packages",
    "templates",
    "test",
    "testdata",
    "tests",
    "third_party",
    "vendor",
];
/// What build servers are told, by file or directory.
const CI: [&str; 9] = [
    ".buildkite",
    ".circleci/config.yml",
    ".drone.yml",
    ".github/workflows",
    ".gitlab-ci.yml",
    ".travis.yml",
    "Jenkinsfile",
    "azure-pipelines.yml",
    "bitbucket-pipelines.yml",
];

/// By the name of each project, the names of those that it needs.
type Edges = BTreeMap<String, BTreeSet<String>>;

/// What there is in a repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Repository {
    /// Its top directory, absolute.
    pub(super) top: PathBuf,
    /// Its projects; each stands after those that it needs.
    pub(super) projects: Vec<Found>,
    /// Who needs whom.
    pub(super) needs: Edges,
    /// Needs that would make a circle, and are left out: who needs whom.
    pub(super) circles: Vec<(String, String)>,
    /// Directories of projects that are shown and not delivered.
    pub(super) shown: Vec<PathBuf>,
    /// Configurations of build servers that are there.
    pub(super) ci: Vec<&'static str>,
    /// Names of branches; empty without git.
    pub(super) branches: Vec<String>,
}

impl Repository {
    /// Looks at everything below a directory that git does not ignore.
    ///
    /// # Errors
    /// When it cannot be read, or there is no project in it.
    pub(crate) fn look(top: &Path) -> Result<Self, InitError> {
        let top = top.canonicalize().map_err(InitError::io("read", top))?;
        let files = list_files(&top).map_err(InitError::io("list", &top))?;
        let (mut projects, shown) = projects(&top, &files);
        if projects.is_empty() {
            let message = format!("there is no Python project in `{}`", top.display());
            return Err(InitError::usage(message).hint("one has a `pyproject.toml`, a `setup.py` or a `manage.py`"));
        }
        tell_apart(&mut projects);
        let (needs, circles) = edges(&projects);
        let ci = CI.into_iter().filter(|path| top.join(path).exists());
        Ok(Self {
            projects: in_order(projects, &needs),
            needs,
            circles,
            shown,
            ci: ci.collect(),
            branches: branches(&top),
            top,
        })
    }

    /// Its top directory, absolute.
    pub(crate) fn top(&self) -> &Path {
        &self.top
    }

    /// What was found, a line each.
    pub(crate) fn told(&self) -> String {
        let line = |project: &Found| {
            let what = if self.is_library(project) { "library" } else { "application" };
            let served = project.web.as_ref().map(|web| format!(", served as `{}`", web.object)).unwrap_or_default();
            let needs: Vec<String> =
                self.needs.get(&project.name).into_iter().flatten().map(|name| format!("`{name}`")).collect();
            let needs = if needs.is_empty() { String::new() } else { format!(", needs {}", words::list(&needs)) };
            format!("{what} `{}` in {}{needs}{served}", project.name, project.place())
        };
        self.projects.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    /// What the pipeline is called: as the repository's directory.
    pub(super) fn name(&self) -> String {
        let last = self.top.file_name().map(|name| normalize(&name.to_string_lossy())).unwrap_or_default();
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
        let name = last.chars().map(plain).collect::<String>();
        let name = name.trim_matches('-');
        if name.is_empty() { "delivery".to_owned() } else { name.to_owned() }
    }

    /// Whether a project is declared as a library: others stand on it, or it does not look like an application.
    pub(super) fn is_library(&self, project: &Found) -> bool {
        let is_needed = self.needs.values().any(|names| names.contains(&project.name));
        project.survey.distribution.is_some() && (is_needed || !project.is_application())
    }

    /// Projects that need another one, in order.
    pub(super) fn users(&self, name: &str) -> Vec<&Found> {
        let uses = |project: &&Found| self.needs.get(&project.name).is_some_and(|names| names.contains(name));
        self.projects.iter().filter(uses).collect()
    }
}

/// The projects, and the directories of those that are only shown.
fn projects(top: &Path, files: &[PathBuf]) -> (Vec<Found>, Vec<PathBuf>) {
    let is_marker = |path: &&PathBuf| path.file_name().is_some_and(|name| MARKERS.iter().any(|marker| name == *marker));
    let directories: BTreeSet<&Path> = files.iter().filter(is_marker).filter_map(|path| path.parent()).collect();
    let (mut found, mut shown) = (Vec::new(), Vec::new());
    for directory in &directories {
        let is_in = |names: &[&str]| directory.iter().any(|part| names.iter().any(|name| part == *name));
        if is_in(&NEITHER) {
            continue;
        }
        // files of a project within this one are that one's
        let is_own = |path: &&PathBuf| {
            let nearest = path.ancestors().skip(1).find(|parent| directories.contains(parent));
            nearest == Some(*directory)
        };
        let own = files.iter().filter(is_own).filter_map(|path| path.strip_prefix(directory).ok().map(Path::to_owned));
        let Some(project) = Found::look(top, directory, &own.collect::<Vec<_>>()) else { continue };
        if is_in(&SHOWN) {
            shown.push(project.directory);
        } else {
            found.push(project);
        }
    }
    (found, shown)
}

/// Gives projects of one name that of their directories.
fn tell_apart(projects: &mut [Found]) {
    let mut seen = BTreeSet::new();
    for project in projects {
        if !seen.insert(project.name.clone()) {
            project.name = normalize(&project.directory.display().to_string().replace('/', "-"));
            seen.insert(project.name.clone());
        }
    }
}

/// Who needs whom, without what would make a circle.
fn edges(projects: &[Found]) -> (Edges, Vec<(String, String)>) {
    let mut needs: Edges = projects.iter().map(|project| (project.name.clone(), BTreeSet::new())).collect();
    let mut circles = Vec::new();
    let is_named = |other: &Found, name: &String| {
        other.name == *name
            || other.directory.file_name().is_some_and(|last| normalize(&last.to_string_lossy()) == *name)
    };
    // what is needed to run comes first: a circle is then cut where only a test closes it
    for kind in [|found: &Found| found.requires.run.clone(), |found: &Found| found.requires.test.clone()] {
        for project in projects {
            for other in kind(project).iter().filter_map(|name| projects.iter().find(|other| is_named(other, name))) {
                if other.name == project.name {
                    continue;
                }
                if reaches(&needs, &other.name, &project.name) {
                    circles.push((project.name.clone(), other.name.clone()));
                } else if let Some(names) = needs.get_mut(&project.name) {
                    names.insert(other.name.clone());
                }
            }
        }
    }
    (needs, circles)
}

/// Whether one project needs another, be it through others.
fn reaches(needs: &Edges, from: &str, to: &str) -> bool {
    let mut seen = BTreeSet::new();
    let mut next = vec![from];
    while let Some(name) = next.pop() {
        if name == to {
            return true;
        }
        if seen.insert(name) {
            next.extend(needs.get(name).into_iter().flatten().map(String::as_str));
        }
    }
    false
}

/// Each after those that it needs, else by their directories.
fn in_order(mut projects: Vec<Found>, needs: &Edges) -> Vec<Found> {
    let mut ordered: Vec<Found> = Vec::new();
    while !projects.is_empty() {
        let is_ready = |project: &Found| {
            let missing = |name: &String| projects.iter().any(|other| other.name == *name);
            !needs.get(&project.name).into_iter().flatten().any(missing)
        };
        let next = projects.iter().position(is_ready).unwrap_or(0);
        ordered.push(projects.remove(next));
    }
    ordered
}

/// Local and remote branches; none where git does not answer.
fn branches(top: &Path) -> Vec<String> {
    let repository = git::toplevel(top).and_then(|toplevel| git::Repository::open(&toplevel).ok());
    repository.and_then(|repository| repository.branches().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    fn pyproject(name: &str, needs: &str, groups: &str) -> String {
        format!(
            "[project]\nname = '{name}'\nversion = '1.0'\ndependencies = [{needs}]\n[dependency-groups]\ntest = [{groups}]\n"
        )
    }

    fn look(files: &[(&str, &str)]) -> Result<Repository, InitError> {
        Repository::look(tree(files).path())
    }

    #[test]
    fn projects_stand_after_what_they_need() {
        let (shop, money, till) = (
            pyproject("shop", "'money>=1', 'flask'", ""),
            pyproject("money", "", "'till'"),
            pyproject("till", "'money'", ""),
        );
        let found = look(&[
            ("apps/shop/pyproject.toml", &shop),
            ("libs/money/pyproject.toml", &money),
            ("libs/till/pyproject.toml", &till),
            ("libs/till/tests/fixtures/x/setup.py", "setup(name='x')"),
            ("docs/examples/y/setup.py", "setup(name='y')"),
            ("tools/requirements.txt", "black\n"),
            ("Jenkinsfile", ""),
        ])
        .expect("projects");
        let names: Vec<&str> = found.projects.iter().map(|project| project.name.as_str()).collect();
        assert_eq!(names, ["money", "shop", "till"]);
        let libraries: Vec<bool> = found.projects.iter().map(|project| found.is_library(project)).collect();
        assert_eq!(libraries, [true, false, true]);
        assert_eq!(found.users("money").iter().map(|user| user.name.as_str()).collect::<Vec<_>>(), ["shop", "till"]);
        assert_eq!(found.circles, [("money".to_owned(), "till".to_owned())]);
        assert_eq!((found.shown, found.ci), (vec![PathBuf::from("docs/examples/y")], vec!["Jenkinsfile"]));
    }

    #[test]
    fn two_projects_of_one_name_are_told_apart() {
        let one = pyproject("shop", "", "");
        let found = look(&[("a/shop/pyproject.toml", &one), ("b/shop/pyproject.toml", &one)]).expect("projects");
        assert_eq!(found.projects.iter().map(|project| project.name.as_str()).collect::<Vec<_>>(), ["shop", "b-shop"]);
    }

    #[test]
    fn the_top_itself_may_be_the_project() {
        let found = look(&[("pyproject.toml", &pyproject("flask", "'werkzeug'", "")), ("src/flask/app.py", "")]);
        let found = found.expect("a project");
        assert_eq!(found.projects[0].directory, Path::new(""));
        assert!(found.is_library(&found.projects[0]));
        let error = look(&[("README", "")]).expect_err("no project");
        assert!(error.message.starts_with("there is no Python project in `"), "{error}");
    }

    #[test]
    fn a_tree_with_a_manage_py_is_an_application() {
        let found = look(&[
            ("manage.py", "import django"),
            ("requirements.txt", "django\n"),
            ("desk/wsgi.py", "application = f()\n"),
        ]);
        let found = found.expect("a project");
        assert!(!found.is_library(&found.projects[0]));
        assert_eq!(found.projects[0].web.as_ref().map(|web| web.object.as_str()), Some("desk.wsgi:application"));
    }
}
