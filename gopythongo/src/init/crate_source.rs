//! Where a pipeline gets this crate from: the checkout that the `gopythongo` command was installed from, or what is asked for.

use std::{
    env, fs,
    path::{Path, PathBuf},
};

use toml::Table;

use super::InitError;

/// Where the crate is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum CrateSource {
    /// In a directory.
    Path(PathBuf),
    /// In the registry, in versions that are compatible with this one.
    Version(String),
    /// In a git repository: its URL, and a commit.
    Git(String, Option<String>),
}

impl CrateSource {
    /// Reads what `--crate` says: the URL of a repository, a version, or a directory, which may be that of the whole checkout.
    ///
    /// # Errors
    /// When the directory is not this crate's.
    pub(crate) fn parse(text: &str) -> Result<Self, InitError> {
        if text.contains("://") || text.starts_with("git@") {
            return Ok(Self::Git(text.to_owned(), None));
        }
        let is_version = |text: &str| text.split('.').all(|part| part.parse::<u64>().is_ok());
        if is_version(text.split(['-', '+']).next().unwrap_or_default().trim_start_matches(['=', '^', '~'])) {
            return Ok(Self::Version(text.to_owned()));
        }
        let given = Path::new(text);
        let found = [given.to_owned(), given.join("gopythongo")].into_iter().find(|path| is_this_crate(path));
        let error = || {
            InitError::usage(format!("`{text}` is neither a version, nor a URL, nor the directory of this crate"))
                .hint("`--crate ../gopythongo/gopythongo`, `--crate 0.1` or `--crate URL`")
        };
        let found = found.ok_or_else(error)?;
        found.canonicalize().map(Self::Path).map_err(InitError::io("read", &found))
    }

    /// Where this program was built.
    ///
    /// # Errors
    /// When that directory is gone.
    pub(crate) fn installed() -> Result<Self, InitError> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR"));
        // `cargo install --git`: the directory is in cargo's own cache, and may be gone tomorrow
        if let Some(git) = cargo_home().filter(|home| directory.starts_with(home)).and_then(|home| git_source(&home)) {
            return Ok(git);
        }
        if is_this_crate(directory) {
            return Ok(Self::Path(directory.to_owned()));
        }
        let message = format!("`{}`, where this program was built, is gone", directory.display());
        Err(InitError::lacking(message).hint("say where the crate is with `--crate PATH|VERSION|URL`"))
    }

    /// The value for `[dependencies]`, in a package of a repository whose top is `top`: a path within it is relative.
    pub(super) fn dependency(&self, package: &Path, top: &Path) -> String {
        match self {
            Self::Version(version) => format!("{version:?}"),
            Self::Git(url, None) => format!("{{ git = {url:?} }}"),
            Self::Git(url, Some(commit)) => format!("{{ git = {url:?}, rev = {commit:?} }}"),
            Self::Path(path) => {
                let up = package.strip_prefix(top).map(|below| below.iter().count()).unwrap_or_default();
                let path = match path.strip_prefix(top) {
                    Ok(below) => [".."].repeat(up).iter().collect::<PathBuf>().join(below),
                    Err(_) => path.clone(),
                };
                format!("{{ path = {:?} }}", path.display().to_string())
            }
        }
    }

    /// The directory that only this machine has, if a repository at `top` would get the crate from one.
    pub(crate) fn elsewhere(&self, top: &Path) -> Option<&Path> {
        match self {
            Self::Path(path) if !path.starts_with(top) => Some(path),
            _ => None,
        }
    }

    /// The lock of the checkout: the versions that it is tested with.
    pub(super) fn lock(&self) -> Option<PathBuf> {
        match self {
            Self::Path(path) => path.parent().map(|top| top.join("Cargo.lock")).filter(|lock| lock.is_file()),
            Self::Version(_) | Self::Git(..) => None,
        }
    }
}

fn cargo_home() -> Option<PathBuf> {
    let home = || Some(PathBuf::from(env::var_os("HOME")?).join(".cargo"));
    env::var_os("CARGO_HOME").filter(|home| !home.is_empty()).map(PathBuf::from).or_else(home)
}

/// The repository that `cargo install` says it installed this program from: `gopythongo 0.1.0 (git+URL?branch=x#COMMIT)`.
fn git_source(cargo_home: &Path) -> Option<CrateSource> {
    let table: Table = fs::read_to_string(cargo_home.join(".crates.toml")).ok()?.parse().ok()?;
    let installed = table.get("v1")?.as_table()?.keys().find_map(|package| {
        package.strip_prefix(concat!(env!("CARGO_PKG_NAME"), " "))?.split_once("(git+")?.1.strip_suffix(')')
    })?;
    let (url, commit) = installed.split_once('#')?;
    Some(CrateSource::Git(url.split('?').next()?.to_owned(), Some(commit.to_owned())))
}

fn is_this_crate(directory: &Path) -> bool {
    super::manifest::Manifest::of(directory)
        .is_ok_and(|manifest| manifest.is_some_and(|manifest| manifest.package() == Some(env!("CARGO_PKG_NAME"))))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    #[test]
    fn versions_urls_and_directories_are_told_apart() {
        let git = CrateSource::Git("https://git.example/gopythongo".to_owned(), None);
        assert_eq!(CrateSource::parse("https://git.example/gopythongo"), Ok(git.clone()));
        assert_eq!(CrateSource::parse("0.1"), Ok(CrateSource::Version("0.1".to_owned())));
        let directory = tree(&[("gopythongo/Cargo.toml", "[package]\nname = 'gopythongo'\n")]);
        let found = CrateSource::parse(&directory.path().display().to_string()).expect("the whole checkout");
        assert!(matches!(&found, CrateSource::Path(path) if path.ends_with("gopythongo")), "{found:?}");
        assert!(CrateSource::parse("no/such/place").is_err());
        assert_eq!(
            git.dependency(Path::new("/x/pipeline"), Path::new("/x")),
            r#"{ git = "https://git.example/gopythongo" }"#
        );
    }

    #[test]
    fn cargo_knows_where_an_installed_program_is_from() {
        let written = "[v1]\n'other 1.0 (registry+x)' = ['other']\n\
                       'gopythongo 0.1.0 (git+https://git.example/g?branch=trunk#0123abc)' = ['gopythongo']\n";
        let home = tree(&[(".crates.toml", written)]);
        let git = git_source(home.path()).expect("it is there");
        let line = git.dependency(Path::new("/x/pipeline"), Path::new("/x"));
        assert_eq!(line, r#"{ git = "https://git.example/g", rev = "0123abc" }"#);
        assert_eq!(
            git_source(tree(&[(".crates.toml", "[v1]\n'gopythongo 0.1.0 (path+file:///x)' = []\n")]).path()),
            None
        );
    }

    #[test]
    fn a_crate_in_the_repository_itself_is_named_from_the_package() {
        let line = |path: &str| CrateSource::Path(path.into()).dependency(Path::new("/x/a/pipeline"), Path::new("/x"));
        assert_eq!(line("/x/vendor/gopythongo"), r#"{ path = "../../vendor/gopythongo" }"#);
        assert_eq!(line("/y/gopythongo"), r#"{ path = "/y/gopythongo" }"#);
    }
}
