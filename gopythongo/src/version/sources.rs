//! Where a project says its version. Files are read; nothing is executed.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{
    Stamp, Version, VersionError,
    place::{Assignment, Place},
};
use crate::python::{packages::packages, project::Project};

/// Where the base version comes from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum VersionSource {
    /// Said in `pipeline.rs`.
    Pipeline(String),
    /// `[project] version` of `pyproject.toml`, `metadata.version` of `setup.cfg` or the like.
    Static(String),
    /// `__version__ = "…"` in a module.
    Attribute {
        /// The file, relative to the source.
        file: PathBuf,
        /// The attribute's name.
        attribute: String,
        /// The version found.
        version: String,
    },
    /// What a regular expression of `pipeline.rs` finds in a file.
    Search {
        /// The file, relative to the source.
        file: PathBuf,
        /// The version found.
        version: String,
    },
    /// `current_version` in the configuration of bumpversion.
    Bumpversion(String),
    /// What comes after the newest release in an apt repository.
    Apt {
        /// The package there.
        package: String,
        /// The version that comes next.
        version: String,
    },
    /// What comes after the newest release in the upstream index.
    Index {
        /// The project there.
        project: String,
        /// The version that comes next.
        version: String,
    },
    /// Tags, read by setuptools-scm, hatch-vcs or the like.
    GitTags,
}

impl VersionSource {
    /// The version that is said; `None` for tags.
    #[must_use]
    pub fn version(&self) -> Option<&str> {
        match self {
            Self::Pipeline(version)
            | Self::Static(version)
            | Self::Attribute { version, .. }
            | Self::Search { version, .. }
            | Self::Bumpversion(version)
            | Self::Apt { version, .. }
            | Self::Index { version, .. } => Some(version),
            Self::GitTags => None,
        }
    }
}

/// What is found in a project: the place of its version, or the tool that makes one from tags.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// The version is written somewhere.
    Written(Place, String),
    /// A tool makes it of tags; this environment variable gives it another.
    Tags(String),
}

/// Finds where the project in `directory` says its version.
///
/// # Errors
/// When it says none, or in a way that cannot be read without running its code.
pub fn find(directory: &Path) -> Result<VersionSource, VersionError> {
    look(&Project::read(directory)).map(Found::into_source)
}

/// The same of a project that was read, with how builds are given their version.
///
/// # Errors
/// As [`find`].
pub(crate) fn find_with_stamp(project: &Project) -> Result<(VersionSource, Stamp), VersionError> {
    let found = look(project)?;
    let stamp = Stamp::of(project, &found);
    Ok((found.into_source(), stamp))
}

impl Found {
    fn into_source(self) -> VersionSource {
        match self {
            Self::Written(Place { file, assignment: Assignment::Attribute(attribute) }, version) => {
                VersionSource::Attribute { file, attribute, version }
            }
            Self::Written(_, version) => VersionSource::Static(version),
            Self::Tags(_) => VersionSource::GitTags,
        }
    }
}

/// Tools that make a version of tags, and the variable by which they are told one.
const TAG_TOOLS: [(&[&str], &str); 4] = [
    (&["setuptools-scm", "hatch-vcs", "flit-scm"], "SETUPTOOLS_SCM_PRETEND_VERSION"),
    (&["pbr"], "PBR_VERSION"),
    (&["poetry-dynamic-versioning"], "POETRY_DYNAMIC_VERSIONING_BYPASS"),
    (&["uv-dynamic-versioning"], "UV_DYNAMIC_VERSIONING_BYPASS"),
];

/// Modules, by the names of their files, in which a package keeps its version.
pub(super) const VERSION_MODULES: [&str; 5] =
    ["__init__.py", "__about__.py", "_version.py", "version.py", "__version__.py"];

pub(super) fn look(project: &Project) -> Result<Found, VersionError> {
    if let Some(problem) = project.problems.first() {
        return Err(VersionError(problem.clone()));
    }
    let written = |place: Place| place.of_project(project).map(|version| (place, version));
    if let Some((place, version)) = written(Place::toml(&["project", "version"])) {
        return checked(project, place, version);
    }
    if project.value(&["project", "version"]).is_some() {
        return Err(VersionError(format!(
            "`version` under `[project]` of {} is not a text",
            file(project, "pyproject.toml")
        )));
    }
    if project.table(&["project"]).is_none()
        && let Some((place, version)) = written(Place::toml(&["tool", "poetry", "version"]))
        && !project.is_built_with(&["poetry-dynamic-versioning"])
    {
        return checked(project, place, version);
    }
    if let Some(found) = from_tags(project) {
        return Ok(found);
    }
    match from_back_end(project) {
        Some(place) => in_place(project, place),
        None => Err(nowhere(project)),
    }
}

fn from_tags(project: &Project) -> Option<Found> {
    let tagged = |variable: &str| Some(Found::Tags(variable.to_owned()));
    if project.str(&["tool", "pdm", "version", "source"]) == Some("scm") {
        return tagged("PDM_BUILD_SCM_VERSION");
    }
    // `hatch-vcs` and the others may be required for something else: where a file is named, that counts.
    if project.value(&["tool", "hatch", "version", "path"]).is_some()
        || project.value(&["tool", "setuptools", "dynamic", "version"]).is_some()
    {
        return None;
    }
    let setup_py = project.setup_py.as_deref().unwrap_or_default();
    if project.table(&["tool", "setuptools_scm"]).is_some() || setup_py.contains("use_scm_version") {
        return tagged("SETUPTOOLS_SCM_PRETEND_VERSION");
    }
    if setup_py.contains("pbr=True") {
        return tagged("PBR_VERSION");
    }
    TAG_TOOLS.iter().find(|(names, _)| project.is_built_with(names)).and_then(|(_, variable)| tagged(variable))
}

/// The place to which the build back end's configuration points.
fn from_back_end(project: &Project) -> Option<Place> {
    let attribute = |file: PathBuf, name: &str| Place::new(file, Assignment::Attribute(name.to_owned()));
    let module_or_line = |path: &str| {
        if path.ends_with(".py") { attribute(path.into(), "__version__") } else { Place::new(path, Assignment::Line) }
    };
    if let Some(path) = project.str(&["tool", "hatch", "version", "path"]) {
        return Some(attribute(path.into(), "__version__"));
    }
    if let Some(path) = project.str(&["tool", "pdm", "version", "path"]) {
        return Some(module_or_line(path));
    }
    let dynamic = |key| project.str(&["tool", "setuptools", "dynamic", "version", key]).map(ToOwned::to_owned);
    let mut attr = dynamic("attr");
    let mut line = dynamic("file")
        .or_else(|| project.strings(&["tool", "setuptools", "dynamic", "version", "file"]).into_iter().next());
    let metadata = project.setup_cfg.get("metadata", "version").map(str::trim).unwrap_or_default();
    if let Some(written) = metadata.strip_prefix("attr:") {
        attr = attr.or_else(|| Some(written.trim().to_owned()));
    } else if let Some(written) = metadata.strip_prefix("file:") {
        line = line.or_else(|| Some(written.trim().to_owned()));
    } else if !metadata.is_empty() {
        return Some(Place::new("setup.cfg", Assignment::Ini("metadata".into(), "version".into())));
    }
    if let Some((module, name)) = attr.as_deref().and_then(|attr| attr.rsplit_once('.')) {
        let file = module_file(project, module);
        return Some(attribute(file.unwrap_or_else(|| format!("{}.py", module.replace('.', "/")).into()), name));
    }
    if let Some(path) = line {
        return Some(Place::new(path, Assignment::Line));
    }
    let argument = Place::new("setup.py", Assignment::Argument);
    if argument.of_project(project).is_some() {
        return Some(argument);
    }
    // flit's way, and what a `setup.py` usually computes its version from.
    version_attributes(project)
        .into_iter()
        .find(|place| place.of_project(project).is_some_and(|text| is_version(&text)))
}

/// The file of a module, in any of the places where setuptools looks.
fn module_file(project: &Project, module: &str) -> Option<PathBuf> {
    let path = module.replace('.', "/");
    let below = project.str(&["tool", "setuptools", "package-dir", ""]).unwrap_or("src");
    [below, "src", ""]
        .iter()
        .flat_map(|root| {
            let root = Path::new(root);
            [root.join(format!("{path}.py")), root.join(&path).join("__init__.py")]
        })
        .find(|file| project.has_file(file))
}

/// Where the project's packages may have a `__version__`.
pub(super) fn version_attributes(project: &Project) -> Vec<Place> {
    let place = |file: PathBuf| Place::new(file, Assignment::Attribute("__version__".to_owned()));
    packages(project)
        .into_iter()
        .flat_map(|path| {
            let is_module = path.extension().is_some();
            let files =
                if is_module { vec![path] } else { VERSION_MODULES.iter().map(|file| path.join(file)).collect() };
            files.into_iter().filter(|file| project.may_have(file)).map(place)
        })
        .collect()
}

fn in_place(project: &Project, place: Place) -> Result<Found, VersionError> {
    if let Some(version) = place.of_project(project) {
        return checked(project, place, version);
    }
    if let Some(imported) = imported(project, &place)
        && let Some(version) = imported.of_project(project)
    {
        return checked(project, imported, version);
    }
    let here = project.directory.join(&place.file);
    Err(VersionError(match &place.assignment {
        _ if !project.has(&place.file) => {
            format!("{} is missing: the project's configuration says that its version is there", here.display())
        }
        Assignment::Attribute(name) => {
            format!(
                "{} has no plain `{name} = \"1.0.0\"`: a version that is computed cannot be given to a build",
                here.display()
            )
        }
        _ => format!("{} has no plain version in one line", here.display()),
    }))
}

/// Where `from ._version import __version__` leads to, one step far.
fn imported(project: &Project, place: &Place) -> Option<Place> {
    let Assignment::Attribute(name) = &place.assignment else { return None };
    let text = project.content(&place.file)?;
    let words = |line: &str| {
        line.split(|c: char| !(c.is_alphanumeric() || c == '_')).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let module = text.lines().find_map(|line| {
        let (module, names) = line.strip_prefix("from ")?.split_once(" import ")?;
        words(names)
            .contains(name)
            .then(|| module.trim().trim_start_matches('.').rsplit('.').next().unwrap_or_default().to_owned())
    })?;
    let file = place.file.with_file_name(format!("{module}.py"));
    project.has(&file).then(|| Place::new(file, Assignment::Attribute(name.clone())))
}

fn is_version(text: &str) -> bool {
    text.parse::<Version>().is_ok()
}

fn checked(project: &Project, place: Place, version: String) -> Result<Found, VersionError> {
    if is_version(&version) {
        return Ok(Found::Written(place, version));
    }
    Err(VersionError(format!(
        "`{version}` is not a version (PEP 440): {}",
        file(project, &place.file.to_string_lossy())
    )))
}

fn nowhere(project: &Project) -> VersionError {
    let what = "a version is nowhere written: give it";
    VersionError(if project.table(&["project"]).is_some() || project.setup_py.is_none() {
        format!("{} has no version: write `version = \"1.0.0\"` under `[project]`", file(project, "pyproject.toml"))
    } else {
        format!("{}: {what} by `version=\"1.0.0\"` in the call of `setup`", file(project, "setup.py"))
    })
}

fn file(project: &Project, name: &str) -> String {
    project.directory.join(name).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    fn found(files: &[(&str, &str)]) -> String {
        let directory = tree(files);
        match find(directory.path()) {
            Ok(VersionSource::Attribute { file, attribute, version }) => {
                format!("{} {attribute} {version}", file.display())
            }
            Ok(VersionSource::GitTags) => "tags".to_owned(),
            Ok(source) => source.version().unwrap_or_default().to_owned(),
            Err(error) => error.to_string().replace(&format!("{}/", directory.path().display()), ""),
        }
    }

    #[test]
    fn static_versions_are_found() {
        assert_eq!(found(&[("pyproject.toml", "[project]\nname = 'x'\nversion = '1.5.0'\n")]), "1.5.0");
        assert_eq!(found(&[("pyproject.toml", "[tool.poetry]\nversion = '1.5.0'\n")]), "1.5.0");
        assert_eq!(found(&[("setup.cfg", "[metadata]\nversion = 1.5.0\n"), ("setup.py", "setup()")]), "1.5.0");
        assert_eq!(found(&[("setup.py", "setup(name='x', version='1.5.0')")]), "1.5.0");
        assert_eq!(found(&[("setup.cfg", "[metadata]\nversion = file: VERSION\n"), ("VERSION", "1.5.0\n")]), "1.5.0");
    }

    #[test]
    fn attributes_are_found() {
        let dynamic = "[project]\nname = 'x'\ndynamic = ['version']\n";
        let module = ("src/x/__init__.py", "__version__ = '1.5.0'\n");
        let here = "src/x/__init__.py __version__ 1.5.0";
        assert_eq!(found(&[("pyproject.toml", dynamic), module]), here);
        let attr = format!("{dynamic}[tool.setuptools.dynamic]\nversion = {{ attr = 'x.__version__' }}\n");
        assert_eq!(found(&[("pyproject.toml", &attr), module]), here);
        assert_eq!(found(&[("setup.cfg", "[metadata]\nversion = attr: x.__version__\n"), module]), here);
        assert_eq!(found(&[("setup.py", "setup(version=read())"), module]), here);
        let path = format!("{dynamic}[tool.hatch.version]\npath = 'src/x/__about__.py'\n");
        let about = ("src/x/__about__.py", "__version__ = '1.5.0'\n");
        assert_eq!(found(&[("pyproject.toml", &path), about]), "src/x/__about__.py __version__ 1.5.0");
        let import = ("src/x/__init__.py", "from .__about__ import __version__ as __version__\n");
        assert_eq!(found(&[("pyproject.toml", &attr), import, about]), "src/x/__about__.py __version__ 1.5.0");
    }

    #[test]
    fn tools_that_read_tags_are_found() {
        let with = |requires: &str| {
            format!("[build-system]\nrequires = ['{requires}']\n[project]\nname = 'x'\ndynamic = ['version']\n")
        };
        for requires in ["setuptools_scm[toml]>=8", "hatch-vcs", "pbr"] {
            assert_eq!(found(&[("pyproject.toml", &with(requires))]), "tags", "{requires}");
        }
        assert_eq!(found(&[("setup.py", "setup(use_scm_version=True)")]), "tags");
    }

    #[test]
    fn an_error_names_the_file_and_what_to_write() {
        assert_eq!(found(&[("pyproject.toml", "[project]\nname = 'x'\n")]), {
            "pyproject.toml has no version: write `version = \"1.0.0\"` under `[project]`"
        });
        assert_eq!(found(&[("pyproject.toml", "[project]\nversion = 'one'\n")]), {
            "`one` is not a version (PEP 440): pyproject.toml"
        });
        assert_eq!(found(&[("setup.py", "setup(version=compute())")]), {
            "setup.py: a version is nowhere written: give it by `version=\"1.0.0\"` in the call of `setup`"
        });
        let hatch = "[project]\nname = 'x'\n[tool.hatch.version]\npath = 'x.py'\n";
        assert_eq!(found(&[("pyproject.toml", hatch), ("x.py", "__version__ = compute()\n")]), {
            "x.py has no plain `__version__ = \"1.0.0\"`: a version that is computed cannot be given to a build"
        });
        assert_eq!(found(&[("pyproject.toml", hatch)]), {
            "x.py is missing: the project's configuration says that its version is there"
        });
    }
}
