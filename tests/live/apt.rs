//! The apt repository, asked by a real apt: by path and over HTTP, signed by the right key, by a wrong one, by none.

use std::{
    collections::BTreeSet,
    fs,
    net::Ipv4Addr,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use gopythongo::{
    index::{Server, ServerOptions},
    store::{DebRelease, Store},
    support::Digest,
};
use tempfile::TempDir;
use tests::{Debian, Example, Outcome, Served};

/// A pipeline's state with a store.
struct Shelf {
    state: TempDir,
    runs: usize,
}

impl Shelf {
    fn new() -> Self {
        let state = tempfile::tempdir().expect("a temporary directory");
        // apt reads as a user of its own
        open_to_all(state.path());
        Self { state, runs: 0 }
    }

    fn store(&self) -> Store {
        Store::open(&self.path()).expect("a store")
    }

    fn path(&self) -> PathBuf {
        self.state.path().join("store")
    }

    /// Promotes a package with one file, `/usr/share/NAME/version`, into a channel.
    fn promote(&mut self, channel: &str, name: &str, version: &str) {
        self.promote_for(channel, name, version, "all");
    }

    fn promote_for(&mut self, channel: &str, name: &str, version: &str, architecture: &str) {
        self.runs += 1;
        let (run, store) = (format!("run{}", self.runs), self.store());
        let release = pack(&store, self.state.path(), name, version, architecture);
        store.stage(&run, channel).expect("a stage");
        store.update_stage(&run, |stage| drop(stage.debs.insert(name.to_owned(), release))).expect("staged");
        store.promote(&run).unwrap_or_else(|error| panic!("{error}"));
    }

    /// The repository by path, as clients are told.
    fn source(&self, suite: &str) -> String {
        let repository = self.store().repository().expect("readable").expect("it has packages");
        let (key, path) = (repository.key.expect("it is signed"), repository.path);
        format!("deb [signed-by={}] file:{} {suite} main\n", key.display(), path.display())
    }

    /// A Debian whose only source this line is.
    fn client(&self, source: &str) -> Debian {
        let debian = Debian::new().bind(self.state.path(), self.state.path());
        let _ = debian.run(&["sh", "-c", "rm -rf /etc/apt/sources.list /etc/apt/sources.list.d/*"]).ends_with(0);
        debian.write("/etc/apt/sources.list.d/shop.list", source);
        debian
    }

    /// The store over HTTP.
    fn serve(&self) -> Server {
        let address = (Ipv4Addr::LOCALHOST, 0).into();
        let options = ServerOptions { address, owned: BTreeSet::new(), token: None, port_file: None };
        Server::start(self.store(), None, options).expect("a free port")
    }
}

fn open_to_all(directory: &Path) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(directory, fs::Permissions::from_mode(0o755)).expect("a mode");
}

fn pack(store: &Store, place: &Path, name: &str, version: &str, architecture: &str) -> DebRelease {
    let tree = tempfile::tempdir_in(place).expect("a temporary directory");
    open_to_all(tree.path());
    let (control, data) = (tree.path().join("DEBIAN"), tree.path().join("usr/share").join(name));
    fs::create_dir(&control).expect("a directory");
    fs::create_dir_all(&data).expect("a directory");
    let paragraph = format!(
        "Package: {name}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: A <a@localhost>\n\
         Description: a package\n with a second line"
    );
    fs::write(control.join("control"), format!("{paragraph}\n")).expect("written");
    fs::write(data.join("version"), format!("{version}\n")).expect("written");
    let file = format!("{name}_{version}_{architecture}.deb");
    let target = place.join(&file);
    let mut dpkg = Command::new("dpkg-deb");
    dpkg.args(["-Znone", "--root-owner-group", "--build"]).arg(tree.path()).arg(&target).stdout(Stdio::null());
    assert!(dpkg.status().expect("dpkg-deb").success());
    let (digest, size) = store.blobs().put_file(&target).expect("space");
    fs::remove_file(target).expect("it is there");
    DebRelease {
        version: version.to_owned(),
        architecture: architecture.to_owned(),
        payload: Digest::of(version),
        file,
        digest,
        size,
        control: paragraph,
        commit: None,
        run: "somebody".to_owned(),
    }
}

/// The version of a package that is unpacked.
fn version(debian: &Debian, name: &str) -> Option<String> {
    let shown = debian.run(&["cat", &format!("/usr/share/{name}/version")]);
    (shown.code == 0).then(|| shown.stdout.trim().to_owned())
}

/// Apt did it, and has nothing to complain about.
#[track_caller]
fn clean(outcome: Outcome) {
    let outcome = outcome.ends_with(0);
    let lines = outcome.stdout.lines().chain(outcome.stderr.lines());
    let complaints: Vec<&str> =
        lines.filter(|line| ["W:", "E:", "N:"].iter().any(|start| line.starts_with(start))).collect();
    assert!(complaints.is_empty(), "{complaints:?}");
}

#[test]
fn apt_installs_by_path_what_was_promoted() {
    let mut shelf = Shelf::new();
    shelf.promote("develop", "shop", "0.7.0~dev1");
    let debian = shelf.client(&shelf.source("develop"));
    clean(debian.apt(&["update"]));
    clean(debian.apt(&["install", "shop"]));
    assert_eq!(version(&debian, "shop").as_deref(), Some("0.7.0~dev1"));
    shelf.promote("develop", "shop", "0.7.0~dev2");
    clean(debian.apt(&["update"]));
    clean(debian.apt(&["upgrade"]));
    assert_eq!(version(&debian, "shop").as_deref(), Some("0.7.0~dev2"));
    clean(debian.apt(&["install", "--allow-downgrades", "shop=0.7.0~dev1"]));
    assert_eq!(version(&debian, "shop").as_deref(), Some("0.7.0~dev1"));
}

#[test]
fn apt_installs_over_http_with_a_key_that_it_fetched() {
    let mut shelf = Shelf::new();
    let native = Command::new("dpkg").arg("--print-architecture").output().expect("dpkg").stdout;
    let native = String::from_utf8_lossy(&native).trim().to_owned();
    shelf.promote_for("develop", "shop", "1:0.7.0~dev1+d1a2b3c4d", &native);
    shelf.promote("develop", "libmoney", "1.5.0~dev1");
    let server = shelf.serve();
    let url = server.apt_url();
    let debian = shelf.client(&format!("deb [signed-by=/etc/apt/keyrings/shop.asc] {url} develop main\n"));
    let key = format!("{url}/key.asc");
    let _ = debian.run(&["curl", "-fsS", "--create-dirs", "-o", "/etc/apt/keyrings/shop.asc", &key]).ends_with(0);
    clean(debian.apt(&["update"]));
    clean(debian.apt(&["install", "shop", "libmoney"]));
    assert_eq!(version(&debian, "shop").as_deref(), Some("1:0.7.0~dev1+d1a2b3c4d"));
    let again = debian.apt(&["update"]).ends_with(0);
    assert!(again.stdout.contains("Hit:1"), "nothing is new: {}", again.stdout);
    shelf.promote("develop", "libmoney", "1.5.0~dev2");
    clean(debian.apt(&["update"]));
    clean(debian.apt(&["upgrade"]));
    assert_eq!(version(&debian, "libmoney").as_deref(), Some("1.5.0~dev2"));
}

#[test]
fn channels_with_slashes_are_suites_and_fall_back_to_master() {
    let mut shelf = Shelf::new();
    shelf.promote("master", "shop", "0.6.0-1");
    shelf.promote("release/0.7.0", "catalog", "0.3.0~rc1");
    let server = shelf.serve();
    let by_path = shelf.source("release/0.7.0");
    let by_http = by_path.replace(&format!("file:{}/current/apt", shelf.path().display()), &server.apt_url());
    assert_ne!(by_http, by_path);
    for source in [by_path, by_http] {
        let debian = shelf.client(&source);
        clean(debian.apt(&["update"]));
        clean(debian.apt(&["install", "shop", "catalog"]));
        assert_eq!(version(&debian, "shop").as_deref(), Some("0.6.0-1"));
        assert_eq!(version(&debian, "catalog").as_deref(), Some("0.3.0~rc1"));
    }
    let debian = shelf.client(&shelf.source("nowhere"));
    assert_eq!(debian.apt(&["update"]).code, 100);
}

#[test]
fn a_repository_that_another_key_signed_is_refused() {
    let (mut shelf, mut strangers) = (Shelf::new(), Shelf::new());
    shelf.promote("develop", "shop", "0.7.0~dev1");
    strangers.promote("develop", "shop", "9.9");
    let key = strangers.path().join("current/apt/key.asc");
    let key = fs::read(key).expect("a key");
    let server = shelf.serve();
    for url in [format!("file:{}/current/apt", shelf.path().display()), server.apt_url()] {
        let debian = shelf.client(&format!("deb [signed-by=/etc/apt/keyrings/other.asc] {url} develop main\n"));
        debian.write("/etc/apt/keyrings/other.asc", &key);
        let update = debian.apt(&["update"]).ends_with(100);
        assert!(update.stderr.contains("NO_PUBKEY"), "{}", update.stderr);
        assert_ne!(debian.apt(&["install", "shop"]).code, 0);
    }
}

#[test]
fn what_was_changed_after_the_signature_is_refused() {
    let mut shelf = Shelf::new();
    shelf.promote("develop", "shop", "0.7.0~dev1");
    let release = shelf.path().join("current/apt/dists/develop/InRelease");
    let text = fs::read_to_string(&release).expect("text");
    fs::remove_file(&release).expect("it is there");
    fs::write(&release, text.replace("Label: gopythongo", "Label: somebody")).expect("written");
    let update = shelf.client(&shelf.source("develop")).apt(&["update"]).ends_with(100);
    assert!(update.stderr.contains("BADSIG"), "{}", update.stderr);
}

#[test]
fn a_promotion_between_two_requests_of_an_update_breaks_nothing() {
    let mut shelf = Shelf::new();
    shelf.promote("develop", "shop", "0.7.0~dev1");
    let server = shelf.serve();
    let (by_http, by_path) = (server.apt_url(), format!("file://{}/current/apt", shelf.path().display()));
    let fetch = |url: &str| Command::new("curl").args(["-fsS", "--path-as-is", url]).output().expect("curl");
    let read = |top: &str| String::from_utf8(fetch(&format!("{top}/dists/develop/InRelease")).stdout).expect("text");
    let before = [&by_http, &by_path].map(|top| (top, read(top)));
    shelf.promote("develop", "shop", "0.7.0~dev2");
    for (top, release) in before {
        let indices = release.lines().filter(|line| line.contains("main/binary-"));
        let digests: Vec<&str> = indices.filter_map(|line| line.split_whitespace().next()).collect();
        assert_eq!(digests.len(), 4, "{release}");
        for digest in digests {
            let index = fetch(&format!("{top}/dists/develop/main/binary-all/by-hash/SHA256/{digest}"));
            assert!(index.status.success(), "{top}: {digest} is gone");
            assert_eq!(Digest::of(&index.stdout).to_string(), digest);
        }
        assert_ne!(read(top), release);
    }
}

#[test]
fn updates_go_on_while_sets_are_promoted() {
    const UPDATES: usize = 12;
    let mut shelf = Shelf::new();
    shelf.promote("develop", "shop", "0.7.0~dev1");
    let server = shelf.serve();
    let key = shelf.path().join("current/apt/key.asc").display().to_string();
    let by_http = format!("deb [signed-by={key}] {} develop main\n", server.apt_url());
    for source in [by_http, shelf.source("develop")] {
        let debian = shelf.client(&source);
        let script =
            format!("set -e; for n in $(seq {UPDATES}); do apt-get -q update -o APT::Update::Error-Mode=any; done");
        let mut updating =
            debian.command(&["sh", "-c", &script]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("sh");
        let mut promoted = 0;
        while updating.try_wait().expect("a process").is_none() {
            // generations have a second each: apt takes none that is from the future
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
            if shelf.store().current().expect("a generation").time < now {
                shelf.promote("develop", "shop", &format!("0.7.0~dev{}", shelf.runs + 1));
                promoted += 1;
            } else {
                std::thread::sleep(Duration::from_millis(20));
            }
        }
        clean(Outcome::of(&updating.wait_with_output().expect("what it said")));
        assert!(promoted > 0, "nothing was promoted meanwhile");
        clean(debian.apt(&["update"]));
        clean(debian.apt(&["install", "shop"]));
        assert_eq!(version(&debian, "shop"), Some(format!("0.7.0~dev{}", shelf.runs)));
    }
}

#[test]
fn the_storefronts_shop_is_installed_as_serve_says() {
    let storefront = Example::promoted_storefront();
    open_to_all(&storefront.directory());
    let served = Served::of(&storefront);
    let lines: Vec<&str> = served.lines.iter().map(|line| line.trim()).collect();
    let fetch_key = lines.iter().find(|line| line.starts_with("curl ")).expect("how to fetch the key");
    let sources: Vec<&&str> = lines.iter().filter(|line| line.starts_with("deb ")).collect();
    assert_eq!(sources.len(), 2, "over HTTP, and by path: {lines:?}");
    for source in sources {
        let debian = Debian::new().bind(&storefront.directory(), &storefront.directory());
        let _ = debian.run(&["sh", "-c", &format!("set -e; {fetch_key}")]).ends_with(0);
        // beside Debian's own sources, where what it depends on is
        debian.write("/etc/apt/sources.list.d/storefront.list", format!("{source}\n"));
        clean(debian.apt(&["update"]));
        clean(debian.apt(&["install", "shop"]));
        let listed = debian.run(&["/opt/shop/bin/python", "-c", "import shop.wsgi, money; print(money.__file__)"]);
        assert!(listed.ends_with(0).stdout.starts_with("/opt/shop/lib/"));
    }
}

/// What is on `PATH`, but for gpg.
fn without_gpg(place: &Path) -> String {
    let programs = place.join("programs");
    fs::create_dir(&programs).expect("a directory");
    for directory in std::env::split_paths(&std::env::var_os("PATH").expect("a PATH")) {
        for program in fs::read_dir(directory).into_iter().flatten().flatten() {
            let name = program.file_name();
            if !name.to_string_lossy().starts_with("gpg") {
                // what comes first on `PATH` stays
                let _ = std::os::unix::fs::symlink(program.path(), programs.join(name));
            }
        }
    }
    programs.display().to_string()
}

#[test]
fn without_gpg_it_is_said_that_nothing_is_signed_and_what_was_signed_stays_so() {
    let storefront = Example::promoted_storefront();
    let path = without_gpg(&storefront.directory());
    let run = |arguments: &[&str]| {
        Outcome::of(&storefront.command(arguments).env("PATH", &path).output().expect("the program starts"))
    };
    let doubt = "the apt repository will not be signed, as `gpg` is not on PATH";
    let _ = run(&["check"]).ends_with(0).says(doubt);
    let before = storefront.promoted();

    storefront.edit("apps/shop/src/shop/wsgi.py", "\"\"\"", "\"\"\"Today: ");
    storefront.commit("Greet");
    let refused = run(&["run", "--quiet"]).ends_with(3);
    let _ = refused.says("the apt repository cannot be signed: `gpg` is not on PATH").says("install gnupg");
    assert_eq!(storefront.promoted(), before);

    fs::remove_dir_all(storefront.state().join("store/keyring")).expect("it is there");
    let unsigned = run(&["run", "--quiet"]).ends_with(0);
    let _ = unsigned.says("the apt repository is not signed, as `gpg` is not on PATH");
    let _ = storefront.run(&["down"]).ends_with(0);
    open_to_all(&storefront.directory());
    let served = Served::of(&storefront);
    let source = served.lines.iter().rev().find_map(|line| line.trim().strip_prefix("deb ")).expect("a source");
    assert!(source.starts_with("[trusted=yes] file:"), "{source}");
    let debian = Debian::new().bind(&storefront.directory(), &storefront.directory());
    debian.write("/etc/apt/sources.list.d/storefront.list", format!("deb {source}\n"));
    let only = ["-o", "Dir::Etc::SourceList=/etc/apt/sources.list.d/storefront.list", "-o", "Dir::Etc::SourceParts=-"];
    let _ = debian.apt(&[&only[..], &["update"]].concat()).ends_with(0);
    let offered = debian.run(&["apt-cache", "policy", "shop"]).ends_with(0);
    assert!(offered.stdout.contains("Candidate: 0.7.0~dev2"), "{}", offered.stdout);
}

/// A store whose key is not what it was.
fn refusal(spoil: impl Fn(&Path)) -> String {
    let mut shelf = Shelf::new();
    shelf.promote("develop", "shop", "0.7.0~dev1");
    spoil(&shelf.path().join("keyring"));
    let store = shelf.store();
    let release = pack(&store, shelf.state.path(), "shop", "0.7.0~dev2", "all");
    store.stage("next", "develop").expect("a stage");
    store.update_stage("next", |stage| drop(stage.debs.insert("shop".to_owned(), release))).expect("staged");
    let error = store.promote("next").expect_err("it cannot be signed");
    assert_eq!(store.current().expect("a generation").number, 1, "nothing was promoted");
    let gopythongo::store::PromoteError::Store(error) = error else { panic!("{error}") };
    assert!(error.message.starts_with("the apt repository cannot be signed: gpg: "), "{error}");
    assert!(error.hint.is_some_and(|hint| hint.contains("keyring")));
    error.message
}

#[test]
fn a_key_that_is_gone_or_locked_stops_the_promotion_and_is_said() {
    let gone = refusal(|keyring| {
        fs::remove_dir_all(keyring.join("private-keys-v1.d")).expect("it is there");
        fs::create_dir(keyring.join("private-keys-v1.d")).expect("a directory");
    });
    assert!(gone.contains("secret key"), "{gone}");
    let locked = refusal(|keyring| {
        let home = tempfile::tempdir().expect("a temporary directory");
        let gpg = |arguments: &[&str]| {
            // in a process namespace that ends with it, its agent with it: as an orphan of this program's, another test's
            // supervisor would end the agent while it is asked
            let mut command = Command::new("unshare");
            command.args(["--pid", "--fork", "--kill-child", "gpg"]);
            command.args(["--batch", "--quiet", "--pinentry-mode", "loopback", "--passphrase", "secret"]);
            let output = command.args(arguments).env("GNUPGHOME", home.path()).output().expect("gpg");
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        };
        gpg(&["--quick-generate-key", "locked <locked@localhost>", "ed25519", "sign", "never"]);
        for kept in ["private-keys-v1.d", "pubring.kbx"] {
            let (from, to) = (home.path().join(kept), keyring.join(kept));
            let mut copy = Command::new("cp");
            assert!(copy.args(["-rT"]).arg(from).arg(to).status().expect("cp").success());
        }
    });
    assert!(locked.contains("passphrase") || locked.contains("Passphrase"), "{locked}");
}
