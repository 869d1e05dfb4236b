//! A small Debian of the machine's own release, made once by mmdebstrap and kept in the tool cache.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use gopythongo::support::{Digest, FileLock};

/// What is in it beside what every Debian has: an interpreter, an init, a client.
const PACKAGES: &str = "python3,systemd-sysv,dbus,curl,ca-certificates";

/// Counted up when it is made in another way from the same sources.
const RECIPE: &str = "1";

/// The directory of the base, which nobody may change; made on first use.
///
/// # Panics
/// When it cannot be made: that needs root, mmdebstrap, and what the machine's own apt is configured for.
pub(crate) fn directory() -> &'static Path {
    static BASE: OnceLock<PathBuf> = OnceLock::new();
    BASE.get_or_init(|| {
        let (release, sources) = (release(), sources(&release()));
        let texts: Vec<String> = sources.iter().map(|path| fs::read_to_string(path).expect("a source")).collect();
        let recipe = Digest::of([RECIPE, PACKAGES, &release, &texts.concat()].join("\n")).short(16);
        let place = cache().join("debian");
        let base = place.join(&recipe);
        let _lock = FileLock::wait(&place.join("lock")).expect("a lock");
        if !base.exists() {
            let unfinished = place.join(format!("{recipe}.unfinished"));
            if unfinished.exists() {
                fs::remove_dir_all(&unfinished).expect("what was left can be removed");
            }
            make(&release, &sources, &unfinished);
            fs::rename(&unfinished, &base).expect("a rename");
        }
        base
    })
}

fn make(release: &str, sources: &[PathBuf], to: &Path) {
    eprintln!("making a small Debian {release} in {}: a minute or two, once", to.display());
    // nobody needs the base after a power loss
    let mut command = match which::which("eatmydata") {
        Ok(eatmydata) => {
            let mut command = Command::new(eatmydata);
            command.arg("mmdebstrap");
            command
        }
        Err(_) => Command::new("mmdebstrap"),
    };
    command.args(["--quiet", "--variant=minbase", "--format=directory", &format!("--include={PACKAGES}")]);
    command.args(["--aptopt=Acquire::Languages \"none\"", "--aptopt=Acquire::Check-Valid-Until \"false\"", release]);
    let status = command.arg(to).args(sources).status().expect("mmdebstrap starts");
    assert!(status.success(), "mmdebstrap failed: {status}");
}

/// The code name of this machine's Debian.
fn release() -> String {
    let text = fs::read_to_string("/etc/os-release").expect("a system that says what it is");
    let name = text.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    name.expect("a release with a code name").trim_matches('"').to_owned()
}

/// The machine's own apt sources of its release: they say where the mirror is.
fn sources(release: &str) -> Vec<PathBuf> {
    let parts = fs::read_dir("/etc/apt/sources.list.d").into_iter().flatten().flatten().map(|entry| entry.path());
    let all = std::iter::once(PathBuf::from("/etc/apt/sources.list")).chain(parts);
    let is_source = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "list" || kind == "sources");
    let is_debians = |path: &PathBuf| {
        let text = fs::read_to_string(path).unwrap_or_default();
        let lines = text.lines().map(str::trim).filter(|line| !line.starts_with('#'));
        let words: Vec<&str> = lines.flat_map(str::split_whitespace).collect();
        words.contains(&release) && words.contains(&"main")
    };
    let mut found: Vec<PathBuf> = all.filter(is_source).filter(is_debians).collect();
    found.sort();
    assert!(!found.is_empty(), "this machine's apt has no sources of {release}");
    found
}

/// The tool cache, where the pipelines' programs find it.
fn cache() -> PathBuf {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let user = || variable("XDG_CACHE_HOME").or_else(|| Some(variable("HOME")?.join(".cache")));
    variable("GOPYTHONGO_CACHE").or_else(|| Some(user()?.join("gopythongo"))).expect("a home directory")
}
