//! Debian packages: what lintian says of them, and how they are installed, upgraded, run and removed by a real Debian.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use tests::{Booted, Debian, Example, Outcome};

const PACKAGES: &str = env!("CARGO_BIN_EXE_storefront-to-packages");

/// A storefront whose packages were built, and where they lie under their own names.
struct Built {
    example: Example,
    directory: PathBuf,
}

impl Built {
    /// One for all tests of this file, which change nothing in it.
    fn once() -> &'static Self {
        static BUILT: OnceLock<Built> = OnceLock::new();
        BUILT.get_or_init(|| {
            let built = Self::new();
            let run = built.run();
            for job in ["shop", "flaskr"] {
                built.keep(&run, job);
            }
            built
        })
    }

    fn new() -> Self {
        let example = Example::storefront();
        fs::write(example.path().join("apps/shop/shop.toml"), "colour = \"green\"\n").expect("written");
        fs::write(example.path().join("apps/shop/LICENCE"), "Copyright 2020 The Shop Team\n\nAll rights reserved.\n")
            .expect("written");
        example.commit("Configure the shop");
        let directory = example.directory().join("packages");
        fs::create_dir(&directory).expect("a directory");
        Self { example, directory }
    }

    fn run(&self) -> Outcome {
        self.example.run_as(PACKAGES, &["run", "--json"]).ends_with(0)
    }

    /// Puts a job's package beside the others; gives its name.
    fn keep(&self, run: &Outcome, job: &str) -> String {
        let artifact = run.finished(&format!("{job}/deb"))["result"]["artifacts"]["deb"].clone();
        let file = artifact["file"].as_str().expect("a name").to_owned();
        let blob = self.example.cached(artifact["digest"].as_str().expect("a digest"));
        fs::copy(blob, self.directory.join(&file)).expect("space");
        file
    }

    fn package(&self, start: &str) -> PathBuf {
        let mut found = fs::read_dir(&self.directory).expect("readable").flatten().map(|entry| entry.path());
        found.find(|path| name(path).starts_with(start)).expect("a package")
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn output(program: &str, arguments: &[&str], path: &Path) -> Outcome {
    Outcome::of(&Command::new(program).args(arguments).arg(path).output().expect("the program starts"))
}

#[test]
fn lintian_finds_no_error_that_the_package_does_not_explain() {
    let built = Built::once();
    for start in ["shop_", "flaskr_"] {
        let package = built.package(start);
        let lintian = output("lintian", &["--allow-root", "--fail-on", "error", "--tag-display-limit", "0"], &package);
        let lintian = lintian.ends_with(0);
        assert!(!lintian.stdout.lines().any(|line| line.starts_with("E:")), "{}", lintian.stdout);
        let member = format!("./usr/share/lintian/overrides/{}", start.trim_end_matches('_'));
        let mut tar = Command::new("sh");
        tar.args(["-c", "dpkg-deb --fsys-tarfile \"$1\" | tar -xO \"${2#./}\"", "sh"]).arg(&package).arg(member);
        let overrides = Outcome::of(&tar.output().expect("tar starts")).ends_with(0).stdout;
        let (reasons, tags): (Vec<&str>, Vec<&str>) = overrides.lines().partition(|line| line.starts_with('#'));
        assert!(tags.len() <= 4 && tags.len() == reasons.len(), "{overrides}");
    }
}

/// What a service answers on its socket; a service that does not answer is shown with the end of its log.
#[track_caller]
fn ask(system: &Booted, unit: &str, socket: &str, path: &str) -> String {
    let mut curl = vec!["curl", "--silent", "--show-error", "--fail", "--retry", "10", "--retry-all-errors"];
    let url = format!("http://localhost{path}");
    curl.extend(["--retry-delay", "1", "--unix-socket", socket, &url]);
    let answer = system.run(&curl);
    if answer.code != 0 {
        let log = system.run(&["journalctl", "--no-pager", "--lines", "30", "--unit", unit]).stdout;
        panic!("{}\n{log}", answer.stderr);
    }
    answer.stdout
}

fn apt(system: &Booted, arguments: &[&str]) -> Outcome {
    let words = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "--quiet", "--yes", "--no-install-recommends"];
    system.run(&[&words, arguments].concat()).ends_with(0)
}

/// Properties of a file: mode, owner, group.
fn owner(system: &Booted, path: &str) -> String {
    system.run(&["stat", "--format", "%a %U %G", path]).ends_with(0).stdout.trim().to_owned()
}

#[test]
fn a_package_is_installed_runs_keeps_what_was_configured_and_goes() {
    let built = Built::new();
    let first = built.keep(&built.run(), "shop");
    // a configuration file alone makes another package
    built.example.edit("apps/shop/shop.toml", "green", "blue");
    let second = built.keep(&built.run(), "shop");
    assert_ne!(first, second);

    let debian = Debian::new().bind(&built.directory, Path::new("/packages"));
    let system = debian.boot();
    let _ = apt(&system, &["install", &format!("/packages/{first}")]);
    let _ = system.run(&["systemctl", "is-active", "--quiet", "shop.service"]).ends_with(0);
    let _ = system.run(&["systemctl", "is-enabled", "--quiet", "shop.service"]).ends_with(0);
    assert!(ask(&system, "shop.service", "/run/shop/shop.sock", "/").contains("<!doctype html>"));
    assert_eq!(owner(&system, "/var/lib/shop"), "750 shop shop");
    assert_eq!(owner(&system, "/opt/shop/bin/gunicorn"), "755 root root");
    let environment =
        system.run(&["systemctl", "show", "--property", "Environment", "shop.service"]).ends_with(0).stdout;
    assert!(environment.contains("a \\\"good\\\" day, 100 %"), "{environment}");
    let processes = system.run(&["ps", "-o", "user=", "-C", "gunicorn"]).stdout;
    assert!(processes.lines().all(|user| user.trim() == "shop"), "{processes}");

    // what an administrator has changed stays, and so does that the service is off
    let _ = system.run(&["sh", "-c", "echo '# ours' >>/etc/shop/shop.toml"]).ends_with(0);
    let _ = system.run(&["systemctl", "disable", "--quiet", "shop.service"]).ends_with(0);
    let _ = apt(
        &system,
        &[
            "-o",
            "Dpkg::Options::=--force-confdef",
            "-o",
            "Dpkg::Options::=--force-confold",
            "install",
            &format!("/packages/{second}"),
        ],
    );
    let kept = system.run(&["cat", "/etc/shop/shop.toml"]).ends_with(0).stdout;
    assert_eq!(kept, "colour = \"green\"\n# ours\n");
    assert_ne!(system.run(&["systemctl", "is-enabled", "--quiet", "shop.service"]).code, 0);
    assert!(ask(&system, "shop.service", "/run/shop/shop.sock", "/").contains("<!doctype html>"));
    assert_eq!(system.run(&["dpkg", "--verify", "shop"]).stdout.trim(), "??5?????? c /etc/shop/shop.toml");

    let _ = apt(&system, &["purge", "shop"]);
    assert_ne!(system.run(&["systemctl", "is-active", "--quiet", "shop.service"]).code, 0);
    for gone in ["/opt/shop", "/etc/shop", "/usr/share/shop", "/usr/lib/systemd/system/shop.service"] {
        assert_ne!(system.run(&["ls", gone]).code, 0, "{gone}");
    }
    // what the service wrote is not the package's to remove
    let _ = system.run(&["ls", "/var/lib/shop"]).ends_with(0);
}

/// Installs a package by apt, then runs both slots from its file; a page of the service holds a text.
#[track_caller]
fn both_slots(directory: &Path, file: &str, page: &str, text: &str) {
    let application = file.split('_').next().expect("a package");
    let debian = Debian::new().bind(directory, Path::new("/packages"));
    let system = debian.boot();
    let file = format!("/packages/{file}");
    let _ = apt(&system, &["install", &file]);
    let unit = format!("{application}.service");
    assert!(ask(&system, &unit, &format!("/run/{application}/{application}.sock"), page).contains(text));
    // what runs in the slots is not what is installed
    let _ = system.run(&["systemctl", "stop", &unit]).ends_with(0);
    for slot in ["blue", "green"] {
        let root = format!("/var/lib/{application}/slots/{slot}");
        let unpack = format!(
            "mkdir -p {root} && dpkg-deb --extract {file} {root} && echo {slot} >{root}/opt/{application}/slot"
        );
        let _ = system.run(&["sh", "-c", &unpack]).ends_with(0);
        let _ = system.run(&["systemctl", "start", &format!("{application}@{slot}.service")]).ends_with(0);
    }
    for slot in ["blue", "green"] {
        let socket = format!("/run/{application}/{slot}.sock");
        let unit = format!("{application}@{slot}.service");
        assert!(ask(&system, &unit, &socket, page).contains(text), "{slot}");
        let pid = system.run(&["systemctl", "show", "--property", "MainPID", "--value", &unit]).ends_with(0).stdout;
        let seen = format!("/proc/{}/root/opt/{application}/slot", pid.trim());
        assert_eq!(system.run(&["cat", &seen]).ends_with(0).stdout.trim(), slot);
    }
    assert_ne!(system.run(&["ls", &format!("/opt/{application}/slot")]).code, 0);
}

#[test]
fn both_slots_run_from_one_file_at_one_path() {
    let built = Built::once();
    both_slots(&built.directory, &name(&built.package("flaskr_")), "/auth/login", "Log In");
}

#[test]
fn both_slots_run_from_what_the_storefront_has_published() {
    let storefront = Example::promoted_storefront();
    let (version, digest) = storefront.promoted().debs["develop shop"].clone();
    let directory = storefront.directory().join("packages");
    fs::create_dir(&directory).expect("a directory");
    let file = format!("shop_{version}_all.deb");
    fs::copy(storefront.stored(&digest), directory.join(&file)).expect("space");
    both_slots(&directory, &file, "/healthz", "\"products\": 4");
}
