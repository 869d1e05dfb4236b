//! The step as a run executes it, and its file as dpkg reads it.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
    process::Command,
    sync::Arc,
};

use serde::Serialize;

use super::Deb;
use crate::{
    cache::Cache,
    context::{BuildKind, Context, JobContext, Redactor, Survey},
    journal::{Journal, Record},
    package::{Service, ServiceDescription},
    pipeline::{JobBuilder, Pipeline, application},
    plan,
    run::{
        self, Failure, Options, Outcome, RunDirectory, Services, Setting, Step, Work,
        process::{Cancel, Supervisor},
    },
    store::{DebRelease, Store},
    support::{Digest, Sum},
};

/// Stands for the step that builds an environment: one file, and facts.
#[derive(Debug, Clone, Serialize)]
struct Built {
    content: String,
    facts: BTreeMap<String, String>,
}

impl Built {
    fn new(content: &str) -> Self {
        let facts = [
            ("path", "/opt/shop"),
            ("name", "shop"),
            ("version", "0.7.0.dev1"),
            ("depends", "python3 (>= 3.11), python3 (<< 3.12)"),
            ("architecture", "all"),
        ];
        let facts = facts.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        Self { content: content.to_owned(), facts }
    }

    fn fact(mut self, name: &str, value: &str) -> Self {
        self.facts.insert(name.to_owned(), value.to_owned());
        self
    }

    fn tar(&self, root: &str) -> io::Result<Vec<u8>> {
        let mut builder = tar::Builder::new(Vec::new());
        let mut header = tar::Header::new_gnu();
        header.set_mode(0o755);
        header.set_username("root")?;
        header.set_groupname("root")?;
        header.set_mtime(crate::support::SOURCE_DATE_EPOCH);
        header.set_entry_type(tar::EntryType::Directory);
        header.set_size(0);
        let ends = root.match_indices('/').map(|(end, _)| end).chain([root.len()]);
        for end in ends {
            builder.append_data(&mut header, format!("{}/", &root[..end]), io::empty())?;
        }
        header.set_entry_type(tar::EntryType::Regular);
        header.set_size(self.content.len() as u64);
        builder.append_data(&mut header, format!("{root}/greeting"), self.content.as_bytes())?;
        builder.into_inner()
    }
}

impl Step for Built {
    const KIND: &'static str = "virtualenv";
    const VERSION: u32 = 1;

    fn outputs(&self) -> Vec<String> {
        vec!["tree".to_owned(), "sums".to_owned()]
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let path = work.output("tree", "tree.tar")?;
        let root = self.facts["path"].trim_start_matches('/');
        let bytes = self.tar(root).map_err(Failure::io("cannot pack", &path))?;
        fs::write(&path, bytes).map_err(Failure::io("cannot write", &path))?;
        let mut sum = Sum::default();
        sum.update(self.content.as_bytes());
        let path = work.output("sums", "md5sums")?;
        let line = format!("{}  {root}/greeting\n", sum.finish());
        fs::write(&path, line).map_err(Failure::io("cannot write", &path))?;
        for (name, value) in &self.facts {
            work.fact(name, value);
        }
        Ok(())
    }
}

/// A state directory, a source, and runs in them.
struct Place {
    directory: tempfile::TempDir,
    supervisor: Arc<Supervisor>,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("source")).unwrap();
        Self { directory, supervisor: Arc::new(Supervisor::start().unwrap()) }
    }

    fn source(&self) -> PathBuf {
        self.directory.path().join("source")
    }

    fn store(&self) -> Store {
        Store::open(&self.directory.path().join("store")).unwrap()
    }

    /// Builds and packs; the outcome of the package and whether it came out of the cache, or the failure.
    fn run(&self, built: &Built, deb: Deb) -> Result<Packed, Failure> {
        let job = application("shop").source("source").step(built.clone()).deb(deb);
        let pipeline = Pipeline::new("p").job(job);
        let known = JobContext { directory: self.source(), survey: Survey::default(), version: None };
        let context = Context {
            branch: None,
            server: None,
            target: None,
            commit: None,
            kind: BuildKind::Develop,
            kind_reason: "`--kind`".to_owned(),
            doubts: Vec::new(),
            channel: "develop".to_owned(),
            root: self.directory.path().to_owned(),
            pythons: Vec::new(),
            jobs: [("shop".to_owned(), known)].into(),
        };
        let lowered = plan::lower(&pipeline, &context, &plan::Selection::default());
        let directory = RunDirectory::create(self.directory.path()).unwrap();
        let (id, journal) = (directory.id().to_owned(), directory.path().join("journal.ndjson"));
        let setting = Setting {
            supervisor: self.supervisor.clone(),
            directory,
            context: Arc::new(context),
            services: Services::new().with(Arc::new(self.store())),
            cancel: Cancel::new(),
            redactor: Redactor::default(),
            sinks: Vec::new(),
        };
        let mut ended = run::execute(&lowered, &Options::default(), setting).unwrap();
        match ended.failures.pop() {
            Some((_, failure)) => Err(failure),
            None => Ok(Packed::of(self, &outcome(&journal), id)),
        }
    }

    /// Makes a package public, as the store's own steps would.
    fn promote(&self, packed: &Packed) {
        let store = self.store();
        store.stage(&packed.run, "develop").unwrap();
        store.blobs().put_file(&packed.file).unwrap();
        let outcome = &packed.outcome;
        let release = DebRelease {
            version: outcome.facts["version"].clone(),
            architecture: outcome.facts["architecture"].clone(),
            payload: outcome.facts["payload"].parse().unwrap(),
            file: outcome.artifacts["deb"].file.clone(),
            digest: outcome.artifacts["deb"].digest,
            size: outcome.artifacts["deb"].size,
            control: packed.control.clone(),
            commit: None,
            run: packed.run.clone(),
        };
        store
            .update_stage(&packed.run, |stage| {
                stage.debs.insert("shop".to_owned(), release);
            })
            .unwrap();
        store.promote(&packed.run).unwrap();
    }
}

/// What the package's step left in a run.
fn outcome(journal: &Path) -> Outcome {
    let records = Journal::read(journal).unwrap();
    let outcomes = records.into_iter().filter_map(|record| match record {
        Record::Result { step, outcome, .. } if step == "shop/deb" => outcome.ok(),
        _ => None,
    });
    outcomes.last().unwrap()
}

/// What a run has packed.
struct Packed {
    run: String,
    outcome: Outcome,
    file: PathBuf,
    control: String,
}

impl Packed {
    fn of(place: &Place, outcome: &Outcome, run: String) -> Self {
        let cache = Cache::open(&place.directory.path().join("cache")).unwrap();
        let blob = |name: &str| crate::cache::blob_path(cache.blobs(), &outcome.artifacts[name].digest);
        let control = fs::read_to_string(blob("control")).unwrap();
        Self { run, outcome: outcome.clone(), file: blob("deb"), control }
    }

    fn fact(&self, name: &str) -> &str {
        self.outcome.facts.get(name).map(String::as_str).unwrap_or_default()
    }

    fn digest(&self) -> Digest {
        self.outcome.artifacts["deb"].digest
    }

    /// What `dpkg-deb` says of the file.
    fn dpkg(&self, option: &str) -> String {
        let output = Command::new("dpkg-deb").arg(option).arg(&self.file).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    fn unpack(&self, directory: &Path) {
        let status = Command::new("dpkg-deb").arg("-R").arg(&self.file).arg(directory).status().unwrap();
        assert!(status.success());
    }
}

fn has_dpkg() -> bool {
    which::which("dpkg-deb").is_ok()
}

fn service() -> Deb {
    Deb::new().service(Service::gunicorn("shop:app"))
}

#[test]
fn dpkg_reads_what_was_packed() {
    let place = Place::new();
    fs::write(place.source().join("shop.toml"), "colour = 'green'\n").unwrap();
    let deb =
        service().depends("libc6").directory("/var/lib/shop").configuration_file("shop.toml", "/etc/shop/shop.toml");
    for deb in [deb.clone(), deb.gzip()] {
        let packed = place.run(&Built::new("hello"), deb).unwrap();
        if !has_dpkg() {
            return;
        }
        assert_eq!(packed.dpkg("--field"), packed.control);
        let listing = packed.dpkg("--contents");
        for line in listing.lines() {
            assert!(line.contains("root/root") && line.contains("2020-02-02"), "{line}");
        }
        let paths: Vec<&str> = listing.lines().filter_map(|line| line.split_whitespace().nth(5)).collect();
        let mut unique = paths.clone();
        unique.sort_unstable();
        unique.dedup();
        assert_eq!(unique.len(), paths.len(), "{listing}");
        let root = tempfile::tempdir().unwrap();
        packed.unpack(root.path());
        let read = |path: &str| fs::read_to_string(root.path().join(path)).unwrap();
        assert_eq!(read("opt/shop/greeting"), "hello");
        assert_eq!(read("etc/shop/shop.toml"), "colour = 'green'\n");
        assert_eq!(read("DEBIAN/conffiles"), "/etc/shop/shop.toml\n");
        let described: ServiceDescription = serde_json::from_str(&read("usr/share/shop/service.json")).unwrap();
        assert_eq!(described.path, "/opt/shop");
        let sums =
            Command::new("md5sum").args(["--check", "--quiet", "DEBIAN/md5sums"]).current_dir(root.path()).status();
        assert!(sums.unwrap().success());
        assert_eq!(read("DEBIAN/md5sums").lines().count(), 9, "{}", read("DEBIAN/md5sums"));
    }
}

#[test]
fn the_same_inputs_give_the_same_bytes_wherever_they_are_packed() {
    let (one, other) = (Place::new(), Place::new());
    let first = one.run(&Built::new("hello"), service()).unwrap();
    let second = other.run(&Built::new("hello"), service()).unwrap();
    assert_eq!(first.outcome.artifacts["deb"].file, "shop_0.7.0~dev1_all.deb");
    assert_eq!(first.outcome.artifacts, second.outcome.artifacts);
    assert_eq!(first.outcome.facts, second.outcome.facts);
}

#[test]
fn a_package_whose_payload_is_public_is_used_again() {
    let place = Place::new();
    let first = place.run(&Built::new("hello"), service()).unwrap();
    place.promote(&first);
    let facts = |packed: &Packed| (packed.fact("version").to_owned(), packed.fact("reused").to_owned());
    // another version of the application, as of a build whose wheel differs and whose environment does not
    let same = place.run(&Built::new("hello").fact("version", "0.7.0.dev2"), service()).unwrap();
    assert_eq!(facts(&same), ("0.7.0~dev1".to_owned(), "true".to_owned()));
    assert_eq!((same.digest(), &same.control), (first.digest(), &first.control));
    let other = place.run(&Built::new("good day"), service()).unwrap();
    assert_eq!(facts(&other), ("0.7.0~dev2".to_owned(), String::new()));
    place.promote(&other);
    // going back is going on: apt takes the highest version
    let back = place.run(&Built::new("hello"), service()).unwrap();
    assert_eq!(facts(&back), ("0.7.0~dev3".to_owned(), String::new()));
    assert_ne!(back.digest(), first.digest());
    assert_eq!(back.fact("payload"), first.fact("payload"));
}

#[test]
fn what_is_declared_is_part_of_the_payload() {
    let place = Place::new();
    let payload = |deb: Deb| place.run(&Built::new("hello"), deb).unwrap().fact("payload").to_owned();
    fs::write(place.source().join("shop.toml"), "1\n").unwrap();
    let configured = Deb::new().configuration_file("shop.toml", "/etc/shop/shop.toml");
    let mut payloads = vec![
        payload(Deb::new()),
        payload(Deb::new().depends("libc6")),
        payload(Deb::new().changelog("Takes cards")),
        payload(service()),
        payload(configured.clone()),
    ];
    fs::write(place.source().join("shop.toml"), "2\n").unwrap();
    payloads.push(payload(configured));
    let count = payloads.len();
    payloads.sort();
    payloads.dedup();
    assert_eq!(payloads.len(), count);
}

#[test]
fn a_final_version_has_a_revision_and_the_changelog_of_one() {
    let place = Place::new();
    let packed = place.run(&Built::new("hello").fact("version", "0.7.0"), Deb::new()).unwrap();
    assert_eq!(packed.fact("version"), "0.7.0-1");
    if has_dpkg() {
        assert!(packed.dpkg("--contents").contains("usr/share/doc/shop/changelog.Debian.gz"));
    }
}

#[test]
fn a_tree_anywhere_else_is_packed_there() {
    let place = Place::new();
    let packed = place.run(&Built::new("hello").fact("path", "/usr/share/shop/tree"), service()).unwrap();
    if has_dpkg() {
        let listing = packed.dpkg("--contents");
        let of = |end: &str| listing.lines().filter(|line| line.ends_with(end)).count();
        assert_eq!((of(" usr/share/"), of(" usr/share/shop/"), of(" usr/share/shop/tree/greeting")), (1, 1, 1));
    }
}

#[test]
fn what_is_missing_or_refused_says_so() {
    let place = Place::new();
    let refused = |built: &Built, deb: Deb| place.run(built, deb).err().expect("refused").message;
    let built = Built::new("hello");
    let missing = refused(&built, Deb::new().configuration_file("shop.toml", "/etc/shop/shop.toml"));
    assert!(missing.starts_with("`shop.toml` is not a file of the source `"), "{missing}");
    let name = refused(&built, Deb::new().package("My_Shop"));
    assert_eq!(name, "`My_Shop` is not a name for a Debian package (Policy 5.6.7)");
    let path = refused(&built.clone().fact("path", "/home/shop"), Deb::new());
    assert!(path.starts_with("`/home/shop` is not a place for a package"), "{path}");
    let directory = refused(&built, service().directory("/opt/shop/data"));
    assert_eq!(directory, "`/opt/shop/data` is in the tree of the package, which nobody writes to");
    let version = refused(&built.fact("version", "new"), Deb::new());
    assert!(version.starts_with("`shop/virtualenv` says that its version is `new`: "), "{version}");
}
