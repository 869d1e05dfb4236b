//! Which files a source has: git knows, and without git a list of well-known litter has to do. The package of a pipeline that
//! is inside of a source is no part of it.

use std::{
    collections::{BTreeSet, HashMap},
    ffi::OsStr,
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use walkdir::{DirEntry, WalkDir};

use super::{Repositories, git::toplevel};

/// Directories and files that tools leave behind, at any depth.
const LITTER: [&str; 12] = [
    ".coverage",
    ".eggs",
    ".git",
    ".gopythongo",
    ".hg",
    ".mypy_cache",
    ".nox",
    ".pytest_cache",
    ".ruff_cache",
    ".tox",
    "__pycache__",
    "node_modules",
];

/// Directories that build back ends write, at the top only: packages may be called so too.
const BUILT: [&str; 2] = ["build", "dist"];

/// The files of several sources: git is asked once a repository, and not at all where there is none.
#[derive(Debug, Default)]
pub(crate) struct Listings(HashMap<PathBuf, Listing>);

#[derive(Debug)]
struct Listing {
    paths: Vec<PathBuf>,
    /// The top of the work tree whose repository had been asked, and said it.
    told: Option<PathBuf>,
}

impl Listings {
    /// Lists sources by their absolute paths. What cannot be listed with others is listed when it is asked for, and then
    /// says why.
    ///
    /// What a repository has said before is not asked again.
    pub(crate) fn of(sources: &[PathBuf], asked: &Repositories) -> Self {
        let mut repositories: HashMap<PathBuf, BTreeSet<&PathBuf>> = HashMap::new();
        let mut listings = HashMap::new();
        for source in sources {
            match asked.top(source) {
                Some(top) => {
                    repositories.entry(top).or_default().insert(source);
                }
                None if source.is_dir() => {
                    let listing = |paths| Listing { paths: of_source(paths), told: None };
                    listings.extend(walk(source).ok().map(|paths| (source.clone(), listing(paths))));
                }
                None => {}
            }
        }
        for (top, sources) in repositories {
            let (all, paths, told) = match asked.files(&top) {
                Some((tracked, repository)) => {
                    let litter = |path: &&PathBuf| path.iter().any(|name| is_litter(name, false));
                    let untracked = repository.untracked.iter().filter(|path| !litter(path)).cloned();
                    (top.clone(), tracked.into_iter().chain(untracked).collect(), Some(top))
                }
                None => {
                    let Some(all) = common(&sources) else { continue };
                    let Ok(Some(paths)) = of_git(&all) else { continue };
                    (all, paths, None)
                }
            };
            let paths = sorted(paths);
            for source in sources {
                let Ok(below) = source.strip_prefix(&all) else { continue };
                let inside = below_of(&paths, below);
                // nothing at all is an ignored directory, and whether egg-info is litter is an unpacked release's own
                // matter: such sources are listed by themselves
                if !inside.is_empty() && !is_unpacked_sdist(source) {
                    listings.insert(source.clone(), Listing { paths: of_source(inside), told: told.clone() });
                }
            }
        }
        Self(listings)
    }

    /// The paths of a source's files, relative to it, sorted by bytes. Some may be missing or be directories.
    ///
    /// # Errors
    /// When the source cannot be listed.
    pub(super) fn get(&self, source: &Path) -> io::Result<Vec<PathBuf>> {
        self.0.get(source).map_or_else(|| list(source), |listing| Ok(listing.paths.clone()))
    }

    /// The top of the work tree whose repository told the files of a source.
    pub(crate) fn told_by(&self, source: &Path) -> Option<&Path> {
        self.0.get(source)?.told.as_deref()
    }
}

/// The directory that all sources are in, or are.
fn common(sources: &BTreeSet<&PathBuf>) -> Option<PathBuf> {
    let mut sources = sources.iter();
    let mut all = (*sources.next()?).clone();
    for source in sources {
        while !source.starts_with(&all) {
            all.pop();
        }
    }
    Some(all)
}

/// Of sorted paths, those below a directory, relative to it: sorted by bytes, they stand together.
fn below_of(paths: &[PathBuf], below: &Path) -> Vec<PathBuf> {
    if below.as_os_str().is_empty() {
        return paths.to_vec();
    }
    let prefix = [below.as_os_str().as_bytes(), b"/"].concat();
    let begin = paths.partition_point(|path| path.as_os_str().as_bytes() < &prefix[..]);
    let inside = paths[begin..].iter().map_while(|path| path.as_os_str().as_bytes().strip_prefix(&prefix[..]));
    inside.map(|path| PathBuf::from(OsStr::from_bytes(path))).collect()
}

/// The paths of a source in their order, without what is no part of it.
fn of_source(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    leave_out_pipelines(&mut paths);
    sorted(paths)
}

/// A pipeline beside what it delivers is no part of that: editing it rebuilds nothing, and a back end that looks for packages
/// finds none in it.
fn leave_out_pipelines(paths: &mut Vec<PathBuf>) {
    let named = |name: &str| -> BTreeSet<PathBuf> {
        let found = paths.iter().filter(|path| path.file_name() == Some(OsStr::new(name)));
        found.filter_map(|path| path.parent()).filter(|parent| *parent != "").map(Path::to_owned).collect()
    };
    let pipelines: Vec<PathBuf> = named("pipeline.rs").intersection(&named("Cargo.toml")).cloned().collect();
    paths.retain(|path| !pipelines.iter().any(|pipeline| path.starts_with(pipeline)));
}

fn sorted(mut paths: Vec<PathBuf>) -> Vec<PathBuf> {
    paths.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    // A path that is being merged is there once a side.
    paths.dedup();
    paths
}

/// The paths of a source's files, relative to it, sorted by bytes. Some may be missing or be directories.
pub(crate) fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
    // git need not be asked where there is no repository
    let of_git = if toplevel(directory).is_some() || !directory.exists() { of_git(directory)? } else { None };
    Ok(of_source(match of_git {
        Some(paths) if !paths.is_empty() => paths,
        // Nothing at all: an ignored directory of some repository, such as one for fetched sources.
        _ => walk(directory)?,
    }))
}

/// What git tracks, or would if told to; `None` without git or outside of a work tree.
fn of_git(directory: &Path) -> io::Result<Option<Vec<PathBuf>>> {
    let output = Command::new("git")
        // A checkout may belong to another user: nothing of its configuration is executed by this.
        .args(["-c", "safe.directory=*", "-c", "core.fsmonitor=false"])
        .args(["ls-files", "-z", "-t", "--cached", "--others", "--exclude-standard"])
        .current_dir(directory)
        .env("LC_ALL", "C")
        .env("GIT_OPTIONAL_LOCKS", "0")
        // Within a hook they point at the repository of the hook.
        .env_remove("GIT_DIR")
        .env_remove("GIT_WORK_TREE")
        .env_remove("GIT_INDEX_FILE")
        .env_remove("GIT_PREFIX")
        .stdin(Stdio::null())
        .output();
    let output = match output {
        Ok(output) => output,
        Err(error) if error.kind() == io::ErrorKind::NotFound && directory.is_dir() => return Ok(None),
        Err(error) => return Err(io::Error::new(error.kind(), format!("`{}`: {error}", directory.display()))),
    };
    if !output.status.success() {
        let message = String::from_utf8_lossy(&output.stderr);
        if message.contains("not a git repository") || message.contains("must be run in a work tree") {
            return Ok(None);
        }
        let message = message.trim().trim_start_matches("fatal: ");
        return Err(io::Error::other(format!("`git ls-files` in `{}`: {message}", directory.display())));
    }
    let unpacked = is_unpacked_sdist(directory);
    let paths = output.stdout.split(|byte| *byte == 0).filter_map(|line| {
        let (tag, path) = (line.first()?, Path::new(OsStr::from_bytes(line.get(2..)?)));
        let untracked = *tag == b'?';
        let litter = untracked && path.iter().any(|name| is_litter(name, unpacked));
        (!litter).then(|| path.to_owned())
    });
    Ok(Some(paths.collect()))
}

fn walk(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let unpacked = is_unpacked_sdist(directory);
    let kept = |entry: &DirEntry| {
        let name = entry.file_name();
        let built = entry.depth() == 1 && entry.file_type().is_dir() && BUILT.iter().any(|built| name == *built);
        // an environment; a cache that says so itself, as cargo's `target` does (the Cache Directory Tagging Specification)
        let marked = ["pyvenv.cfg", "CACHEDIR.TAG"].iter().any(|marker| entry.path().join(marker).is_file());
        let made = entry.file_type().is_dir() && marked;
        entry.depth() == 0 || !(is_litter(name, unpacked) || built || made)
    };
    let mut paths = Vec::new();
    for entry in WalkDir::new(directory).into_iter().filter_entry(kept) {
        let entry = entry.map_err(|error| {
            let path = error.path().unwrap_or(directory).display().to_string();
            match error.into_io_error() {
                Some(error) => io::Error::new(error.kind(), format!("`{path}`: {error}")),
                None => io::Error::other(format!("`{path}`: a directory within itself")),
            }
        })?;
        if !entry.file_type().is_dir() {
            paths.push(entry.path().strip_prefix(directory).map_err(io::Error::other)?.to_owned());
        }
    }
    Ok(paths)
}

/// An unpacked source distribution: its `*.egg-info` names the files that setuptools packs without git.
fn is_unpacked_sdist(directory: &Path) -> bool {
    directory.join("PKG-INFO").is_file()
}

fn is_litter(name: &OsStr, unpacked: bool) -> bool {
    let bytes = name.as_bytes();
    LITTER.iter().any(|litter| name == *litter)
        || bytes.ends_with(b".pyc")
        || bytes.starts_with(b".coverage.")
        || (bytes.ends_with(b".egg-info") && !unpacked)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    const FILES: [&str; 12] = [
        "src/x/__init__.py",
        "src/x/__pycache__/a.pyc",
        "src/x/build/b.py",
        "src/x.egg-info/PKG-INFO",
        "build/lib/x.py",
        "env/pyvenv.cfg",
        "env/bin/python",
        "ignored.txt",
        "removed.txt",
        ".coverage",
        ".coveragerc",
        "na\u{ef}ve name.py",
    ];

    fn source(directory: &Path) -> io::Result<()> {
        for path in FILES {
            let path = directory.join(path);
            fs::create_dir_all(path.parent().expect("it has one"))?;
            fs::write(path, "")?;
        }
        Ok(())
    }

    fn git(directory: &Path, arguments: &[&str]) {
        let status = Command::new("git")
            .args(["-c", "user.name=x", "-c", "user.email=x@x", "-c", "init.defaultBranch=master"])
            .args(arguments)
            .current_dir(directory)
            .env_remove("GIT_DIR")
            .env_remove("GIT_INDEX_FILE")
            .stdout(Stdio::null())
            .status();
        assert!(status.expect("git is installed").success());
    }

    fn names(directory: &Path) -> Vec<String> {
        let paths = list(directory).expect("it can be listed");
        paths.into_iter().map(|path| path.to_string_lossy().into_owned()).collect()
    }

    #[test]
    fn what_is_listed_together_is_what_is_listed_alone() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = fs::canonicalize(directory.path())?;
        for name in ["libs/a", "libs/a-b", "libs/ab", "apps/shop", "ignored/x"] {
            fs::create_dir_all(path.join(name))?;
            source(&path.join(name))?;
        }
        fs::create_dir_all(path.join("apps/shop/pipeline"))?;
        fs::write(path.join("apps/shop/pipeline/pipeline.rs"), "")?;
        fs::write(path.join("apps/shop/pipeline/Cargo.toml"), "")?;
        fs::write(path.join("libs/ab/PKG-INFO"), "")?;
        git(&path, &["init", "--quiet"]);
        fs::write(path.join(".gitignore"), "/ignored\n")?;
        git(&path, &["add", "libs/a", "apps"]);
        let outside = tempfile::tempdir()?;
        source(outside.path())?;
        let names = ["libs/a", "libs/a-b", "libs/ab", "apps/shop", "ignored/x", "", "libs"];
        let mut sources: Vec<PathBuf> = names.map(|name| path.join(name)).into();
        sources.push(fs::canonicalize(outside.path())?);
        sources.push(path.join("missing"));
        let asked = Repositories::default();
        let alone = Listings::of(&sources, &asked);
        assert!(asked.of(&path).is_some_and(|repository| repository.is_ok()));
        for together in [alone, Listings::of(&sources, &asked)] {
            for source in &sources[..sources.len() - 1] {
                assert_eq!(together.get(source)?, list(source)?, "{}", source.display());
            }
            assert!(together.get(&path.join("missing")).is_err());
        }
        Ok(())
    }

    #[test]
    fn without_git_litter_is_left_out() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        source(directory.path())?;
        let expected = [
            ".coveragerc",
            "ignored.txt",
            "na\u{ef}ve name.py",
            "removed.txt",
            "src/x/__init__.py",
            "src/x/build/b.py",
        ];
        assert_eq!(names(directory.path()), expected);
        fs::write(directory.path().join("PKG-INFO"), "")?;
        assert!(names(directory.path()).contains(&"src/x.egg-info/PKG-INFO".to_owned()));
        Ok(())
    }

    #[test]
    fn a_pipeline_and_what_cargo_makes_of_it_are_no_sources() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path();
        for file in
            ["pipeline/Cargo.toml", "pipeline/pipeline.rs", "target/CACHEDIR.TAG", "target/debug/x", "Cargo.toml"]
        {
            fs::create_dir_all(path.join(file).parent().expect("it has one"))?;
            fs::write(path.join(file), "")?;
        }
        assert_eq!(names(path), ["Cargo.toml"]);
        assert_eq!(names(&path.join("pipeline")), ["Cargo.toml", "pipeline.rs"]);
        git(path, &["init", "--quiet"]);
        fs::write(path.join(".gitignore"), "/target\n")?;
        assert_eq!(names(path), [".gitignore", "Cargo.toml"]);
        Ok(())
    }

    #[test]
    fn git_decides_where_it_can() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path();
        source(path)?;
        git(path, &["init", "--quiet"]);
        fs::write(path.join(".gitignore"), "ignored.txt\nenv\nfetched\n")?;
        git(path, &["add", "--force", "removed.txt", "src/x/__pycache__/a.pyc"]);
        let expected = [
            ".coveragerc",
            ".gitignore",
            "build/lib/x.py",
            "na\u{ef}ve name.py",
            "removed.txt",
            "src/x/__init__.py",
            "src/x/__pycache__/a.pyc",
            "src/x/build/b.py",
        ];
        assert_eq!(names(path), expected);
        assert_eq!(names(&path.join("src")), ["x/__init__.py", "x/__pycache__/a.pyc", "x/build/b.py"]);
        fs::create_dir(path.join("fetched"))?;
        fs::write(path.join("fetched/setup.py"), "")?;
        assert_eq!(names(&path.join("fetched")), ["setup.py"]);
        Ok(())
    }

    #[test]
    fn nested_repositories_and_deleted_files_are_no_sources() -> io::Result<()> {
        let directory = tempfile::tempdir()?;
        let path = directory.path();
        git(path, &["init", "--quiet"]);
        fs::create_dir(path.join("nested"))?;
        git(&path.join("nested"), &["init", "--quiet"]);
        fs::write(path.join("nested/a.py"), "")?;
        fs::write(path.join("gone.py"), "")?;
        fs::write(path.join("kept.py"), "")?;
        git(path, &["add", "gone.py"]);
        fs::remove_file(path.join("gone.py"))?;
        let tree = super::super::SourceTree::read(path)?;
        assert_eq!(tree.files.iter().map(|file| file.path.clone()).collect::<Vec<_>>(), [Path::new("kept.py")]);
        Ok(())
    }
}
