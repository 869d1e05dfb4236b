//! A project's own configuration, read once: `pyproject.toml`, `setup.cfg`, and whether there is a `setup.py`.

use std::{
    cell::{OnceCell, RefCell},
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs, io,
    path::{Component, Path, PathBuf},
    rc::Rc,
};

use toml::{Table, Value};

use crate::python::name::normalize;
use crate::support::Ini;

/// What a project's configuration files say. Nothing is executed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Project {
    /// The directory.
    pub(crate) directory: PathBuf,
    /// `pyproject.toml`; empty where it is missing or unreadable.
    pub(crate) pyproject: Table,
    /// `setup.cfg`; empty where it is missing.
    pub(crate) setup_cfg: Ini,
    /// The text of `setup.py`.
    pub(crate) setup_py: Option<String>,
    /// What cannot be read, a sentence each.
    pub(crate) problems: Vec<String>,
    /// What [`packages`](super::packages::packages) found.
    pub(super) packages: OnceCell<Vec<PathBuf>>,
    /// What is in the directories that were listed, by their paths: the hundreds of files that a project could have are not
    /// looked for one by one.
    listings: RefCell<BTreeMap<PathBuf, Option<Rc<Listing>>>>,
    /// What was looked at.
    looked: RefCell<BTreeSet<PathBuf>>,
}

/// What is in a directory, by its names.
pub(crate) type Listing = BTreeMap<OsString, Listed>;

/// One name in a directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Whether it is a directory, through links.
    pub(crate) is_directory: bool,
    /// Whether it is a symbolic link.
    pub(crate) is_link: bool,
}

impl Project {
    /// Reads the files. What cannot be read is among its problems.
    pub(crate) fn read(directory: &Path) -> Self {
        let mut project = Self { directory: directory.to_owned(), ..Self::default() };
        let _ = project.listing(Path::new(""));
        if let Some(text) = project.text("pyproject.toml") {
            match text.parse::<Table>() {
                Ok(table) => project.pyproject = table,
                Err(error) => project.problems.push(unreadable_toml(&directory.join("pyproject.toml"), &text, &error)),
            }
        }
        project.setup_cfg = project.ini("setup.cfg").unwrap_or_default();
        project.setup_py = project.text("setup.py");
        project
    }

    /// The text of a file of the project; `None` if there is none. One that cannot be read is a problem.
    pub(crate) fn text(&mut self, file: impl AsRef<Path>) -> Option<String> {
        if !self.may_have(file.as_ref()) {
            return None;
        }
        let path = self.looks_at(file.as_ref());
        match fs::read(&path) {
            Ok(bytes) => Some(String::from_utf8(bytes).unwrap_or_else(|error| {
                self.problems.push(format!("{} is not UTF-8", path.display()));
                String::from_utf8_lossy(error.as_bytes()).into_owned()
            })),
            Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => None,
            Err(error) => {
                self.problems.push(format!("cannot read {}: {error}", path.display()));
                None
            }
        }
    }

    /// An INI file of the project; `None` if there is none.
    pub(crate) fn ini(&mut self, file: &str) -> Option<Ini> {
        self.text(file).map(|text| Ini::parse(&text))
    }

    /// Whether the project has a file or directory.
    pub(crate) fn has(&self, path: impl AsRef<Path>) -> bool {
        self.may_have(path.as_ref()) && self.looks_at(path.as_ref()).exists()
    }

    /// Whether the project has a file.
    pub(crate) fn has_file(&self, path: &Path) -> bool {
        self.may_have(path) && self.looks_at(path).is_file()
    }

    /// What is in a file of the project, if it can be read.
    pub(crate) fn content(&self, file: &Path) -> Option<String> {
        if !self.may_have(file) {
            return None;
        }
        fs::read_to_string(self.looks_at(file)).ok()
    }

    /// Notes that it was asked whether something is there and what it is; gives the path. As long as all that was looked at stays
    /// what it is, through links, the project says the same.
    pub(crate) fn looks_at(&self, path: &Path) -> PathBuf {
        self.looked.borrow_mut().insert(path.to_owned());
        self.directory.join(path)
    }

    /// What was looked at, relative to the project, as a rule.
    pub(crate) fn looked(&self) -> BTreeSet<PathBuf> {
        self.looked.borrow().clone()
    }

    /// What is in a directory of the project, listed once; `None` where it is none, or cannot be listed.
    pub(crate) fn listing(&self, directory: &Path) -> Option<Rc<Listing>> {
        if let Some(known) = self.listings.borrow().get(directory) {
            return known.clone();
        }
        let listing = self.may_have(directory).then(|| list(&self.looks_at(directory)).ok().map(Rc::new)).flatten();
        for (name, _) in listing.iter().flat_map(|listing| listing.iter()).filter(|(_, listed)| listed.is_link) {
            self.looks_at(&directory.join(name));
        }
        self.listings.borrow_mut().insert(directory.to_owned(), listing.clone());
        listing
    }

    /// Whether a path may be there, as far as the directories that were listed tell: that of the project, and the path's own.
    pub(crate) fn may_have(&self, path: &Path) -> bool {
        let mut components = path.components();
        let (Some(Component::Normal(first)), listings) = (components.next(), self.listings.borrow()) else {
            return true;
        };
        let is_listed = |directory: &Path, name: &OsStr| {
            listings.get(directory).and_then(Option::as_ref).is_none_or(|listing| listing.contains_key(name))
        };
        let is_there = || path.parent().zip(path.file_name()).is_none_or(|(parent, name)| is_listed(parent, name));
        is_listed(Path::new(""), first) && (components.next().is_none() || is_there())
    }

    /// A value of `pyproject.toml` by its keys.
    pub(crate) fn value(&self, keys: &[&str]) -> Option<&Value> {
        let (first, rest) = keys.split_first()?;
        rest.iter().try_fold(self.pyproject.get(*first)?, |value, key| value.as_table()?.get(*key))
    }

    /// A text of `pyproject.toml` by its keys.
    pub(crate) fn str(&self, keys: &[&str]) -> Option<&str> {
        self.value(keys)?.as_str()
    }

    /// A table of `pyproject.toml` by its keys.
    pub(crate) fn table(&self, keys: &[&str]) -> Option<&Table> {
        self.value(keys)?.as_table()
    }

    /// The texts of an array of `pyproject.toml`; none where there is no array.
    pub(crate) fn strings(&self, keys: &[&str]) -> Vec<String> {
        texts(self.value(keys))
    }

    /// The name that `[project]`, `[tool.poetry]`, `[metadata]` or `setup.py` says, as written.
    pub(crate) fn name(&self) -> Option<String> {
        let written = self
            .str(&["project", "name"])
            .or_else(|| self.str(&["tool", "poetry", "name"]))
            .or_else(|| self.str(&["tool", "flit", "metadata", "module"]))
            .or_else(|| self.setup_cfg.get("metadata", "name"));
        written.map(ToOwned::to_owned).or_else(|| argument(self.setup_py.as_deref()?, "name"))
    }

    /// `[build-system] requires`; what PEP 517 falls back to where there is no build system.
    pub(crate) fn build_requires(&self) -> Vec<String> {
        match self.table(&["build-system"]) {
            Some(table) => texts(table.get("requires")),
            None => vec!["setuptools>=40.8.0".to_owned()],
        }
    }

    /// Whether one of `names` is required for building, by `[build-system]` or by `setup_requires`.
    pub(crate) fn is_built_with(&self, names: &[&str]) -> bool {
        let setup_requires = self.setup_cfg.get("options", "setup_requires").unwrap_or_default();
        let required = |line: &str| {
            let end = line.find(|c: char| !c.is_ascii_alphanumeric() && !"-_.".contains(c)).unwrap_or(line.len());
            names.contains(&normalize(&line[..end]).as_str())
        };
        self.build_requires().iter().map(String::as_str).chain(setup_requires.lines()).any(|line| required(line.trim()))
    }
}

fn list(directory: &Path) -> io::Result<Listing> {
    let listed = |entry: io::Result<fs::DirEntry>| {
        let entry = entry?;
        let kind = entry.file_type()?;
        let is_directory = kind.is_dir() || (kind.is_symlink() && entry.path().is_dir());
        Ok((entry.file_name(), Listed { is_directory, is_link: kind.is_symlink() }))
    };
    fs::read_dir(directory)?.map(listed).collect()
}

/// The texts in an array; none where it is no array.
pub(crate) fn texts(value: Option<&Value>) -> Vec<String> {
    let items = value.and_then(Value::as_array).into_iter().flatten();
    items.filter_map(|item| item.as_str().map(ToOwned::to_owned)).collect()
}

/// Where a keyword argument of `setup()` stands, if it is a plain text: the text's range, without its quotes.
pub(crate) fn argument_span(setup_py: &str, name: &str) -> Option<std::ops::Range<usize>> {
    let start = setup_py.find("setup(")?;
    setup_py[start..].match_indices(name).find_map(|(at, _)| {
        let at = start + at;
        let line = setup_py[..at].rfind('\n').map_or(0, |end| end + 1);
        let before = &setup_py[line..at];
        if before.trim_start().starts_with('#')
            || before.ends_with(|c: char| c.is_alphanumeric() || "_.'\"".contains(c))
        {
            return None;
        }
        let rest = setup_py[at + name.len()..].trim_start().strip_prefix('=')?.trim_start();
        quoted_span(rest).map(|span| {
            let offset = setup_py.len() - rest.len();
            offset + span.start..offset + span.end
        })
    })
}

/// A keyword argument of `setup()`, if it is a plain text.
pub(crate) fn argument(setup_py: &str, name: &str) -> Option<String> {
    argument_span(setup_py, name).map(|span| setup_py[span].to_owned())
}

/// The range of the text in the quotes with which `text` starts: one line, without escapes.
pub(crate) fn quoted_span(text: &str) -> Option<std::ops::Range<usize>> {
    let quote = text.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let end = 1 + text[1..].find(quote)?;
    let inside = &text[1..end];
    (!inside.is_empty() && !inside.contains(['\n', '\\'])).then_some(1..end)
}

/// A sentence about TOML that cannot be read, with its line.
pub(crate) fn unreadable_toml(path: &Path, text: &str, error: &toml::de::Error) -> String {
    let line = error.span().map(|span| text[..span.start.min(text.len())].matches('\n').count() + 1);
    let line = line.map(|line| format!(" line {line}")).unwrap_or_default();
    format!("{}{line}: {}", path.display(), error.message().trim_end_matches('.').replace('\n', ", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_of_setup_are_read_without_running_it() {
        let setup = "version = '0'\nsetup(\n    # version='1',\n    name = 'shop', python_version='2',\n    version=\"1.5.0\",\n)\n";
        assert_eq!(argument(setup, "version").as_deref(), Some("1.5.0"));
        assert_eq!(argument(setup, "name").as_deref(), Some("shop"));
        assert_eq!(argument("setup(version=read())", "version"), None);
        assert_eq!(argument("setup(use_scm_version=True)", "version"), None);
    }

    #[test]
    fn what_cannot_be_read_is_a_problem_with_its_line() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        fs::write(directory.path().join("pyproject.toml"), "[project]\nname = shop\n")?;
        let project = Project::read(directory.path());
        let problem = project.problems.first().map(String::as_str).unwrap_or_default();
        assert!(problem.contains("pyproject.toml line 2: "), "{problem}");
        assert!(Project::read(&directory.path().join("missing")).problems.is_empty());
        Ok(())
    }

    #[test]
    fn directories_are_listed_once_and_tell_what_is_not_there() -> io::Result<()> {
        let directory = crate::support::trees::tree(&[("src/x/a.py", ""), ("pyproject.toml", "")]);
        std::os::unix::fs::symlink("src", directory.path().join("lib"))?;
        let project = Project::read(directory.path());
        let top = project.listing(Path::new("")).expect("it is there");
        let kinds = ["lib", "pyproject.toml", "src"].map(|name| top.get(OsStr::new(name)).copied());
        let listed = |is_directory, is_link| Some(Listed { is_directory, is_link });
        assert_eq!(kinds, [listed(true, true), listed(false, false), listed(true, false)]);
        assert!(project.has("src/x/a.py") && project.has("lib/x/a.py") && !project.has("src/x/b.py"));
        assert!(project.listing(Path::new("src/x")).is_some_and(|listing| listing.len() == 1));
        fs::write(directory.path().join("src/x/b.py"), "")?;
        assert!(project.has("lib/x/b.py") && !project.has("src/x/b.py"), "only of what was listed it is known");
        assert!(
            ["missing", "missing/x", "pyproject.toml"].iter().all(|name| project.listing(Path::new(name)).is_none())
        );
        Ok(())
    }
}
