//! An environment in a temporary directory, and packages for it.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    sync::Mutex,
    time::Duration,
};

use tempfile::TempDir;

use super::client::Client;
use crate::{
    deploy::{
        BlueGreen, Live, LocalHost, Package,
        local::{Installed, Place},
        supervisor::Record,
    },
    package::{Bind, Directory, ServiceDescription},
    run::{Failure, process::Cancel},
    support::Digest,
};

/// The tree of the package, a path that is not on the host.
pub(super) const PATH: &str = "/opt/gopythongo-try";

/// An environment. What runs in it is ended when this is dropped.
pub(in crate::deploy) struct Ground {
    pub(super) directory: TempDir,
    pub(in crate::deploy) host: LocalHost,
    pub(super) said: Mutex<Vec<String>>,
    pub(in crate::deploy) how: BlueGreen,
}

impl Ground {
    pub(in crate::deploy) fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let host = LocalHost::new(directory.path(), "testing", "try");
        let how = BlueGreen::new().health_check("/healthz").drain(Duration::from_secs(60));
        Self { directory, host, said: Mutex::default(), how }
    }

    pub(super) fn place(&self) -> Place {
        Place::new(self.directory.path().join("environments/testing/try"))
    }

    /// Makes a version live.
    pub(super) fn switch(&self, version: &str) -> Result<Live, Failure> {
        let package = self.package(version);
        self.host.switch(&package, &self.how, None, &Cancel::new(), &|line| {
            self.said.lock().expect("no panic").push(line.to_owned())
        })
    }

    pub(super) fn rollback(&self) -> Result<Live, Failure> {
        self.host.rollback(&|line| self.said.lock().expect("no panic").push(line.to_owned()))
    }

    /// A client of the front.
    pub(super) fn client(&self) -> Client {
        Client::new(self.record().port)
    }

    pub(super) fn record(&self) -> Record {
        Record::read(&self.place()).expect("there is a supervisor")
    }

    /// A pipe that requests for a path, `slow` or `chunks`, wait for until somebody writes to it: one for each, as whoever
    /// opens a pipe gives way to all that read it.
    pub(super) fn gate(&self, path: &str) -> PathBuf {
        let gate = self.place().data().join("var/lib/gopythongo-try").join(path);
        let made = std::process::Command::new("mkfifo").arg(&gate).status().expect("mkfifo can be started");
        assert!(made.success());
        gate
    }

    /// The processes of the environment: commands by pid.
    pub(super) fn processes(&self) -> BTreeMap<i32, String> {
        let marks = [format!("GOPYTHONGO_RUN={}", self.place().id()), format!("GOPYTHONGO_STEP={}", self.place().id())];
        let mut found = BTreeMap::new();
        for entry in fs::read_dir("/proc").expect("Linux").flatten() {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
            let read = |file: &str| {
                String::from_utf8_lossy(&fs::read(entry.path().join(file)).unwrap_or_default()).into_owned()
            };
            if read("environ").split('\0').any(|variable| marks.iter().any(|mark| variable == mark)) {
                found.insert(pid, read("cmdline").replace('\0', " "));
            }
        }
        found
    }

    /// The `.deb` of a version.
    pub(in crate::deploy) fn package(&self, version: &str) -> Package {
        let file = self.directory.path().join(format!("try_{version}_all.deb"));
        fs::write(&file, deb(version)).expect("it can be written");
        let digest = Digest::of_file(&file).expect("it can be read");
        Package { name: "try".to_owned(), version: version.to_owned(), digest, file }
    }
}

impl Drop for Ground {
    fn drop(&mut self) {
        let _ = self.host.down();
    }
}

fn python() -> PathBuf {
    let usual = PathBuf::from("/usr/bin/python3");
    if usual.is_file() { usual } else { which::which("python3").expect("there is a python3") }
}

fn deb(version: &str) -> Vec<u8> {
    let service = ServiceDescription {
        version: ServiceDescription::VERSION,
        package: "try".to_owned(),
        path: PATH.to_owned(),
        argv: vec![
            python().to_string_lossy().into_owned(),
            format!("{PATH}/service.py"),
            version.to_owned(),
            ServiceDescription::SOCKET.to_owned(),
        ],
        environment: BTreeMap::new(),
        user: "try".to_owned(),
        directories: vec![Directory::new("/var/lib/gopythongo-try")],
        configuration: vec!["/etc/gopythongo-try/try.conf".to_owned()],
        bind: Bind::Socket,
    };
    let service = serde_json::to_string(&service).expect("it can be serialised");
    let control = tar(&[("./control", &format!("Package: try\nVersion: {version}\n"))]);
    let data = tar(&[
        ("./opt/gopythongo-try/service.py", include_str!("service.py")),
        ("./opt/gopythongo-try/version", version),
        ("./etc/gopythongo-try/try.conf", &format!("of = {version}\n")),
        (&ServiceDescription::member("try"), &service),
    ]);
    ar(&[("debian-binary", b"2.0\n"), ("control.tar.gz", &control), ("data.tar.gz", &data)])
}

fn tar(files: &[(&str, &str)]) -> Vec<u8> {
    let packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(packed);
    for (path, text) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(text.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, path, text.as_bytes()).expect("in memory");
    }
    tar.into_inner().expect("in memory").finish().expect("in memory")
}

fn ar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut archive = b"!<arch>\n".to_vec();
    for (name, bytes) in members {
        archive.extend(format!("{name:<16}{:<12}{:<6}{:<6}{:<8}{:<10}`\n", 0, 0, 0, "100644", bytes.len()).as_bytes());
        archive.extend(*bytes);
        archive.resize(archive.len().next_multiple_of(2), b'\n');
    }
    archive
}

/// What a slot holds.
pub(super) fn version_of(place: &Place, slot: crate::deploy::Slot) -> Option<String> {
    Installed::read(place, slot).expect("readable").map(|installed| installed.version)
}

pub(super) fn exists(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok()
}
