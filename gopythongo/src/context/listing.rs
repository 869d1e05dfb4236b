//! Which files a source has: git knows, and without git a list of well-known litter has to do.

use std::{
    ffi::OsStr,
    io,
    os::unix::ffi::OsStrExt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use walkdir::{DirEntry, WalkDir};

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

/// The paths of a source's files, relative to it, sorted by bytes. Some may be missing or be directories.
pub(super) fn list(directory: &Path) -> io::Result<Vec<PathBuf>> {
    let mut paths = match of_git(directory)? {
        Some(paths) if !paths.is_empty() => paths,
        // Nothing at all: an ignored directory of some repository, such as one for fetched sources.
        _ => walk(directory)?,
    };
    paths.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    // A path that is being merged is there once a side.
    paths.dedup();
    Ok(paths)
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
        let environment = entry.file_type().is_dir() && entry.path().join("pyvenv.cfg").is_file();
        entry.depth() == 0 || !(is_litter(name, unpacked) || built || environment)
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
