//! What everybody sees of a store, on a disk through its server and its apt repository, and of the one in memory that stands
//! for it in simulations.

use std::{collections::BTreeMap, fs};

use super::{dev, release, stage};
use crate::{
    index::{Server, ServerOptions},
    store::{Store, tests::debs::stage_deb},
    support::Digest,
};

/// What clients see.
trait Views {
    fn store(&self) -> &Store;
    /// The files of a package that an index shows, with their digests: of a run's view of `develop`, or of `develop` itself.
    fn index(&self, run: Option<&str>, package: &str) -> BTreeMap<String, Digest>;
    /// The newest version of a Debian package that apt finds in a suite, with its digest.
    fn apt(&self, suite: &str, package: &str) -> Option<(String, Digest)>;
}

struct OnDisk {
    directory: tempfile::TempDir,
    store: Store,
    server: Server,
}

impl OnDisk {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        let options = ServerOptions {
            address: ([127, 0, 0, 1], 0).into(),
            owned: ["money".to_owned(), "catalog".to_owned()].into(),
            token: None,
            port_file: None,
        };
        let server = Server::start(store.clone(), None, options).expect("a server");
        Self { directory, store, server }
    }
}

impl Views for OnDisk {
    fn store(&self) -> &Store {
        &self.store
    }

    fn index(&self, run: Option<&str>, package: &str) -> BTreeMap<String, Digest> {
        let url = run.map_or_else(|| self.server.channel_url("develop"), |run| self.server.run_url(run));
        let page = ureq::get(format!("{url}{package}/")).header("Accept", "application/vnd.pypi.simple.v1+json").call();
        let Ok(mut page) = page else { return BTreeMap::new() };
        let page: serde_json::Value =
            serde_json::from_str(&page.body_mut().read_to_string().expect("text")).expect("JSON (PEP 691)");
        let files = page["files"].as_array().cloned().unwrap_or_default();
        let named = |file: &serde_json::Value| {
            let digest = file["hashes"]["sha256"].as_str()?.parse().ok()?;
            Some((file["filename"].as_str()?.to_owned(), digest))
        };
        files.iter().filter_map(named).collect()
    }

    fn apt(&self, suite: &str, package: &str) -> Option<(String, Digest)> {
        let packages = self.directory.path().join(format!("current/apt/dists/{suite}/main/binary-amd64/Packages"));
        let text = fs::read_to_string(packages).ok()?;
        let field = |paragraph: &str, name: &str| {
            let mut lines = paragraph.lines().filter_map(|line| line.split_once(": "));
            lines.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
        };
        let own = text.split("\n\n").filter(|paragraph| field(paragraph, "Package").as_deref() == Some(package));
        let all = own.filter_map(|own| Some((field(own, "Version")?, field(own, "SHA256")?.parse().ok()?)));
        all.max_by_key(|(version, _)| version.parse::<crate::version::DebianVersion>().ok())
    }
}

struct InMemory {
    _directory: tempfile::TempDir,
    store: Store,
}

impl Views for InMemory {
    fn store(&self) -> &Store {
        &self.store
    }

    fn index(&self, run: Option<&str>, package: &str) -> BTreeMap<String, Digest> {
        let staged = run.and_then(|run| self.store.staged(run).expect("readable"));
        let base = match &staged {
            Some(stage) => self.store.generation(stage.base).expect("there"),
            None => self.store.current().expect("there"),
        };
        let own = staged.as_ref().and_then(|stage| stage.staged.get(package)).map(std::slice::from_ref);
        let releases = own.unwrap_or_else(|| base.releases("develop", package));
        let files = releases.iter().flat_map(|release| &release.files);
        files.map(|file| (file.file.clone(), file.digest)).collect()
    }

    fn apt(&self, suite: &str, package: &str) -> Option<(String, Digest)> {
        let current = self.store.current().expect("there");
        current.newest_deb(suite, package).map(|release| (release.version.clone(), release.digest))
    }
}

fn keeps_the_contract(views: &dyn Views) {
    let store = views.store();
    let wheel = |version: &str| format!("money-{version}-py3-none-any.whl");
    assert!(views.index(None, "money").is_empty() && views.apt("develop", "shop").is_none());

    let version = store.reserve("r1", "money", &dev(1)).expect("space").to_string();
    assert_eq!(version, "1.5.0.dev1");
    assert_eq!(store.reserve("r1", "money", &dev(1)).expect("space").to_string(), version, "asked again");
    assert_eq!(store.reserve("r2", "money", &dev(1)).expect("space").to_string(), "1.5.0.dev2", "somebody else's");

    stage(store, "r1", "develop", "money", &version, "one");
    stage_deb(store, "r1", "develop", "shop", "0.7.0~dev1", "one");
    let staged = release(store, "money", &version, "one").files.remove(0).digest;
    assert_eq!(views.index(Some("r1"), "money"), [(wheel(&version), staged)].into(), "its own run sees it");
    assert!(views.index(None, "money").is_empty(), "nobody else does");
    assert!(views.apt("develop", "shop").is_none());

    assert_eq!(store.promoted("r1").expect("readable"), None);
    assert_eq!(store.promote("r1").expect("nobody is in the way").generation, 1);
    assert_eq!(store.promote("r1").expect("it is done").generation, 1, "asked again");
    assert_eq!(views.index(None, "money"), [(wheel(&version), staged)].into(), "the bytes that were staged");
    let (shown, digest) = views.apt("develop", "shop").expect("it is public");
    assert_eq!((shown.as_str(), digest), ("0.7.0~dev1", Digest::of("shop 0.7.0~dev1 one")));

    // two runs begin here: what the first of them makes public, the second has not been tested with
    stage(store, "r2", "develop", "money", "1.5.0.dev2", "two");
    stage(store, "r3", "develop", "money", "1.5.0.dev3", "three");
    assert_eq!(store.promote("r2").expect("it is the first").generation, 2);
    assert!(matches!(store.promote("r3"), Err(crate::store::PromoteError::Moved(names)) if names == ["money"]));
    assert_eq!(store.current().expect("readable").number, 2, "nothing has changed");
    assert_eq!(store.rebase("r3").expect("it can begin anew"), ["money"]);
    assert_eq!(store.promote("r3").expect("nobody is in the way").generation, 3);
    assert!(store.generation(4).is_err() && store.generation(1).expect("it was current").run == "r1");

    stage(store, "r4", "develop", "money", "1.5.0.dev3", "four");
    let clash = store.promote("r4").expect_err("the version is taken").to_string();
    assert!(clash.contains("`money` 1.5.0.dev3 exists with another payload"), "{clash}");
}

#[test]
fn a_store_on_a_disk_keeps_the_contract_of_stores() {
    keeps_the_contract(&OnDisk::new());
}

#[test]
fn a_store_in_memory_keeps_the_contract_of_stores() {
    let directory = tempfile::tempdir().expect("a directory");
    let (store, _) = Store::in_memory(directory.path());
    keeps_the_contract(&InMemory { _directory: directory, store });
}
