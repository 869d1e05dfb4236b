//! Asking pip and uv which index they use when nobody says anything: the answer is theirs, no name stands in this program.

use std::{
    collections::BTreeMap,
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    time::{Duration, UNIX_EPOCH},
};

use serde::{Deserialize, Serialize};

use super::url;
use crate::support::{Digest, Durability, Hasher, write_atomic};

/// Prints pip's configuration, then the help of a command that says the default index. An interpreter without pip runs
/// the copy that `ensurepip` would install.
const SCRIPT: &str = r#"
import sys, runpy
try:
    import pip
except ImportError:
    import ensurepip, glob, os
    bundled = os.path.join(os.path.dirname(ensurepip.__file__), "_bundled", "pip-*.whl")
    sys.path.insert(0, sorted(glob.glob(bundled) + glob.glob("/usr/share/python-wheels/pip-*.whl"))[-1])
for arguments in (["config", "list"], ["download", "--help"]):
    sys.argv = ["pip"] + arguments
    try:
        runpy.run_module("pip", run_name="__main__", alter_sys=True)
    except SystemExit:
        pass
    print("\x1e", flush=True)
"#;

/// How long pip or uv may think.
const PATIENCE: Duration = Duration::from_secs(30);

/// What pip says, apart from its environment variables.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PipAnswer {
    /// Its configuration files: `global.index-url` and so on.
    pub(super) configuration: BTreeMap<String, String>,
    /// The index that it uses by default.
    pub(super) default: Option<String>,
}

/// Asks pip, or remembers what it said: an answer is kept below `cache` until the interpreter or one of the `files` that pip
/// may read changes. An answer that holds credentials is not kept.
pub(super) fn pip(python: &Path, files: &[PathBuf], cache: &Path) -> Option<PipAnswer> {
    remembered(cache, &key(python, files), || ask_pip(python))
}

fn remembered(cache: &Path, key: &Digest, ask: impl FnOnce() -> Option<PipAnswer>) -> Option<PipAnswer> {
    let path = cache.join("pip").join(format!("{}.json", key.short(32)));
    if let Ok(bytes) = fs::read(&path)
        && let Ok(answer) = serde_json::from_slice(&bytes)
    {
        return Some(answer);
    }
    let answer = ask()?;
    let secret = answer.configuration.values().any(|value| value.contains('@'));
    if !secret && let Ok(bytes) = serde_json::to_vec(&answer) {
        // A cache that cannot be written costs half a second the next time.
        let _ = write_atomic(&path, &bytes, Durability::Cached);
    }
    Some(answer)
}

fn ask_pip(python: &Path) -> Option<PipAnswer> {
    let mut command = duct::cmd!(python, "-c", SCRIPT).env("COLUMNS", "1000").env("PYTHONWARNINGS", "ignore");
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("PIP_") && name != "PIP_CONFIG_FILE") {
            command = command.env_remove(name);
        }
    }
    let output = output(command.env("PIP_DISABLE_PIP_VERSION_CHECK", "1").env("PIP_NO_COLOR", "1"))?;
    let mut parts = output.split('\u{1e}');
    let configuration = configuration(parts.next()?);
    Some(PipAnswer { configuration, default: parts.next().and_then(|help| default_in(help, "--index-url")) })
}

/// The index that a `uv` on the path uses by default.
pub(super) fn uv() -> Option<String> {
    let uv = which::which("uv").ok()?;
    default_in(&output(duct::cmd!(uv, "pip", "install", "--help"))?, "--default-index")
}

fn output(command: duct::Expression) -> Option<String> {
    let handle = command.stdin_null().stderr_null().stdout_capture().unchecked().start().ok()?;
    match handle.wait_timeout(PATIENCE) {
        Ok(Some(output)) => Some(String::from_utf8_lossy(&output.stdout).into_owned()),
        _ => {
            // It is a child that was asked one question: nothing depends on how it ends.
            let _ = handle.kill();
            None
        }
    }
}

fn key(python: &Path, files: &[PathBuf]) -> Digest {
    let mut hasher = Hasher::new();
    hasher.part("pip 1");
    let real = fs::canonicalize(python).unwrap_or_else(|_| python.to_owned());
    for path in [python.to_owned(), real].iter().chain(files) {
        hasher.part(path.as_os_str().as_encoded_bytes());
        if let Ok(metadata) = fs::metadata(path) {
            let modified = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok());
            hasher.part(metadata.len().to_le_bytes()).part(modified.unwrap_or_default().as_nanos().to_le_bytes());
        }
    }
    hasher.finish()
}

/// The files that pip reads its configuration from.
pub(super) fn pip_files(
    python: &Path,
    named: Option<&OsStr>,
    home: Option<&Path>,
    config: Option<&Path>,
) -> Vec<PathBuf> {
    let real = fs::canonicalize(python).unwrap_or_else(|_| python.to_owned());
    let prefixes = [python, &real].map(|python| python.parent().and_then(Path::parent).map(|p| p.join("pip.conf")));
    let fixed = ["/etc/pip.conf", "/etc/xdg/pip/pip.conf"].map(|path| Some(PathBuf::from(path)));
    let home = home.map(|home| home.join(".pip/pip.conf"));
    let config = config.map(|config| config.join("pip/pip.conf"));
    fixed.into_iter().chain([home, config, named.map(PathBuf::from)]).chain(prefixes).flatten().collect()
}

/// The lines `global.index-url='https://…'` of `pip config list`.
fn configuration(text: &str) -> BTreeMap<String, String> {
    text.lines()
        .filter_map(|line| line.split_once('='))
        .filter(|(key, _)| !key.starts_with(":env:"))
        .map(|(key, value)| (key.trim().to_owned(), unquote(value.trim())))
        .collect()
}

/// A string as Python's `repr` writes it.
fn unquote(text: &str) -> String {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'));
    let Some(inner) = quote.and_then(|quote| text[1..].strip_suffix(quote)) else { return text.to_owned() };
    let mut plain = String::new();
    let mut chars = inner.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '\\' { chars.next() } else { None }) {
            ('\\', Some('n')) => plain.push('\n'),
            ('\\', Some('t')) => plain.push('\t'),
            ('\\', Some('r')) => plain.push('\r'),
            ('\\', Some(other)) => plain.push(other),
            _ => plain.push(c),
        }
    }
    plain
}

/// The URL behind `default` in the help on an option: `(default https://…)`, `(by default: <https://…>)`.
fn default_in(help: &str, option: &str) -> Option<String> {
    let help = &help[help.find(option)? + option.len()..];
    let after = &help[help.find("default")?..];
    let url = &after[after.find("http")?..];
    let url = &url[..url.find(|c: char| c.is_whitespace() || matches!(c, ')' | '>')).unwrap_or(url.len())];
    url::is_http(url).then(|| url.trim_end_matches('.').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_is_what_the_help_says() {
        let pip = "  -i, --index-url <url>       Base URL of the Python Package Index (default\n      https://index.example/simple). \
                   This should\n  --extra-index-url <url>  Extra (default https://no.example)";
        assert_eq!(default_in(pip, "--index-url").as_deref(), Some("https://index.example/simple"));
        let uv = "--default-index <DEFAULT_INDEX>\n The default package index (by default: <https://index.example/simple>) [env: X]";
        assert_eq!(default_in(uv, "--default-index").as_deref(), Some("https://index.example/simple"));
        assert_eq!(default_in("nothing", "--index-url"), None);
    }

    #[test]
    fn a_configuration_is_read_without_the_environment() {
        let text = "global.index-url='https://a.example/simple'\nglobal.extra-index-url='\\nhttps://b.example\\nhttps://c.example'\n\
                    :env:.timeout='1'\ninstall.cert=\"/it's.pem\"\n";
        let configuration = configuration(text);
        assert_eq!(configuration.len(), 3);
        assert_eq!(configuration["global.extra-index-url"], "\nhttps://b.example\nhttps://c.example");
        assert_eq!(configuration["install.cert"], "/it's.pem");
    }

    #[test]
    fn an_answer_is_remembered_until_a_file_changes() {
        let directory = tempfile::tempdir().expect("a directory");
        let (config, python) = (directory.path().join("pip.conf"), directory.path().join("python"));
        let asked = std::cell::Cell::new(0);
        let ask = |secret: &str| {
            let configuration = BTreeMap::from([("global.index-url".to_owned(), secret.to_owned())]);
            remembered(directory.path(), &key(&python, std::slice::from_ref(&config)), || {
                asked.set(asked.get() + 1);
                Some(PipAnswer { configuration, default: None })
            })
        };
        assert_eq!((ask("https://index.example"), asked.get()), (ask("https://other.example"), 1));
        fs::write(&config, "[global]\n").expect("written");
        ask("https://me:secret@index.example");
        ask("https://me:secret@index.example");
        assert_eq!(asked.get(), 3, "an answer with a secret is not kept");
    }
}
