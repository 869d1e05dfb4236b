//! The server as clients see it, over real connections.

use std::{
    collections::BTreeSet,
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpStream},
    sync::Arc,
    time::{Duration, Instant},
};

use serde_json::Value;
use ureq::{Agent, Body, http::Response};

use crate::{
    context::Secret,
    index::{Server, ServerOptions, Upstream, credentials::Credentials},
    python::{
        payload,
        test_wheel::{TestSdist, TestWheel},
    },
    store::{Release, Store, StoredFile},
    support::{Digest, patience::once_free},
};

const JSON: &str = "application/vnd.pypi.simple.v1+json";

/// A store with a server.
pub(super) struct Site {
    _directory: tempfile::TempDir,
    pub(super) store: Store,
    server: Server,
    client: Agent,
}

impl Site {
    pub(super) fn new(owned: &[&str], upstream: Option<Arc<Upstream>>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let store = Store::open(directory.path()).expect("a store");
        let options = ServerOptions {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            owned: owned.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>(),
            token: Some(Secret::new("t0ken")),
            port_file: None,
        };
        let server = Server::start(store.clone(), upstream, options).expect("a server");
        let config = Agent::config_builder().http_status_as_error(false).max_redirects(0).proxy(None).build();
        Self { _directory: directory, store, server, client: config.into() }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.server.address())
    }

    pub(super) fn get(&self, path: &str, headers: &[(&str, &str)]) -> Response<Body> {
        let mut request = self.client.get(self.url(path));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.call().expect(path)
    }

    pub(super) fn status(&self, path: &str) -> u16 {
        self.get(path, &[]).status().as_u16()
    }

    fn json(&self, path: &str) -> Value {
        let response = self.get(path, &[("accept", JSON)]);
        assert_eq!(response.status(), 200, "{path}");
        json(response)
    }

    fn files(&self, path: &str) -> Vec<String> {
        let page = self.json(path);
        page["files"]
            .as_array()
            .expect("files")
            .iter()
            .map(|file| file["filename"].as_str().expect("a name").into())
            .collect()
    }

    /// A release whose blobs are in the store.
    fn release(&self, wheel: &TestWheel, version: &str) -> Release {
        let blobs = self.store.blobs();
        let (digest, size) = blobs.put(wheel.bytes().as_slice()).expect("put");
        let metadata = crate::python::Metadata::of_wheel(&blobs.path(&digest)).expect("metadata");
        let file = StoredFile {
            file: wheel.file_name(),
            digest,
            size,
            requires_python: metadata.requires_python.clone(),
            metadata: Some(blobs.put(metadata.bytes.as_slice()).expect("put").0),
            uploaded: "2026-01-01T00:00:00Z".into(),
        };
        let payload = payload::of_named(&blobs.path(&digest), &wheel.file_name().parse().expect("a name"), &[])
            .expect("a payload");
        Release { version: version.into(), payload, files: vec![file], commit: None, run: "r".into() }
    }

    fn promoted(&self, channel: &str, name: &str, version: &str) {
        let release = self.release(&TestWheel::new(name, version).requires_python(">=3.9"), version);
        self.store.upload(channel, name, release).expect("promoted");
    }

    fn stage(&self, run: &str, channel: &str, name: &str, version: &str) {
        let release = self.release(&TestWheel::new(name, version), version);
        self.store.stage(run, channel).expect("a stage");
        self.store.update_stage(run, |stage| drop(stage.staged.insert(name.into(), release))).expect("staged");
    }

    fn upload(
        &self,
        channel: &str,
        fields: &[(&str, &str)],
        file: Option<(&str, &[u8])>,
        token: &str,
    ) -> (u16, String) {
        let (boundary, mut form) = ("frontier", Vec::new());
        for (name, value) in fields {
            write!(form, "--{boundary}\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
                .expect("written");
        }
        if let Some((name, bytes)) = file {
            let head = format!("content-disposition: form-data; name=\"content\"; filename=\"{name}\"");
            write!(form, "--{boundary}\r\n{head}\r\ncontent-type: application/octet-stream\r\n\r\n").expect("written");
            form.extend_from_slice(bytes);
            form.extend_from_slice(b"\r\n");
        }
        write!(form, "--{boundary}--\r\n").expect("written");
        let request = self.client.post(self.url(&format!("/channels/{channel}/")));
        let request = request.header("content-type", format!("multipart/form-data; boundary={boundary}"));
        let request = request.header("authorization", Credentials::new("anybody", token).header());
        let response = request.send(&form[..]).expect("an answer");
        let status = response.status().as_u16();
        (status, response.into_body().read_to_string().expect("text"))
    }
}

fn json(response: Response<Body>) -> Value {
    serde_json::from_reader(response.into_body().into_reader()).expect("JSON")
}

fn header(response: &Response<Body>, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().expect("text").to_owned()).unwrap_or_default()
}

#[test]
fn a_run_sees_its_stage_then_the_channel_then_master() {
    let site = Site::new(&["money", "catalog", "shop"], None);
    site.promoted("master", "money", "1.4.0");
    site.promoted("develop", "money", "1.5.0.dev1");
    site.promoted("develop", "money", "1.5.0.dev2");
    site.promoted("master", "catalog", "2.0");
    site.stage("R1", "develop", "money", "1.5.0.dev3");
    site.store.stage("R2", "develop").expect("an empty stage");
    assert_eq!(site.files("/runs/R1/simple/money/"), ["money-1.5.0.dev3-py3-none-any.whl"]);
    assert_eq!(site.files("/runs/R2/simple/money/"), ["money-1.5.0.dev2-py3-none-any.whl"]);
    assert_eq!(site.files("/runs/R2/simple/catalog/"), ["catalog-2.0-py3-none-any.whl"]);
    assert_eq!(site.status("/runs/R1/simple/shop/"), 404);
    assert_eq!(site.status("/runs/R3/simple/money/"), 404);
    assert_eq!(site.status("/runs/..%2f..%2fx/simple/money/"), 404);
    let all = ["money-1.5.0.dev1-py3-none-any.whl", "money-1.5.0.dev2-py3-none-any.whl"];
    assert_eq!(site.files("/channels/develop/simple/money/"), all);
    assert_eq!(site.files("/generations/2/develop/simple/money/"), all[..1]);
    assert_eq!(site.status("/generations/99/develop/simple/money/"), 404);
    let projects = site.json("/runs/R1/simple/");
    assert_eq!(projects["projects"], serde_json::json!([{"name": "catalog"}, {"name": "money"}]));
}

#[test]
fn a_run_keeps_seeing_the_generation_that_it_began_with() {
    let site = Site::new(&["money"], None);
    site.promoted("develop", "money", "1.0");
    site.store.stage("R1", "develop").expect("a stage");
    site.promoted("develop", "money", "1.1");
    assert_eq!(site.files("/runs/R1/simple/money/"), ["money-1.0-py3-none-any.whl"]);
    assert_eq!(site.files("/channels/develop/simple/money/").len(), 2);
}

#[test]
fn the_user_name_says_the_run() {
    let site = Site::new(&["money"], None);
    site.promoted("develop", "money", "1.0");
    let urls = site.server.urls("R1", "develop");
    let (plain, user) = crate::index::url::split_user(&urls.run);
    assert_eq!((plain, user.expect("a user").0.as_str()), (site.url("/simple/"), "R1"));
    let names = |user: &str| -> Value {
        let authorization = Credentials::new(user, "x").header();
        let response = site.get("/simple/money/", &[("accept", JSON), ("authorization", &authorization)]);
        assert_eq!(response.status(), 200);
        json(response)["versions"].clone()
    };
    assert_eq!(names("R1"), serde_json::json!(["1.0"]), "a run without a stage sees the channel");
    site.stage("R1", "develop", "money", "1.1");
    assert_eq!(names("R1"), serde_json::json!(["1.1"]));
    assert_eq!(names("R1.base"), serde_json::json!(["1.0"]), "the base view does not see the stage");
    let nobody = site.get("/simple/money/", &[]);
    assert_eq!((nobody.status().as_u16(), header(&nobody, "www-authenticate").is_empty()), (401, false));
    let stranger = Credentials::new("R9", "x").header();
    assert_eq!(site.get("/simple/money/", &[("authorization", &stranger)]).status(), 401);
}

#[test]
fn pages_are_negotiated_tagged_and_complete() {
    let site = Site::new(&[], None);
    site.promoted("release/1.5.0", "money", "1.5.0");
    let path = "/channels/release/1.5.0/simple/money/";
    let page = site.json(path);
    assert_eq!((&page["meta"]["api-version"], &page["versions"]), (&"1.1".into(), &serde_json::json!(["1.5.0"])));
    let file = &page["files"][0];
    assert_eq!((&file["requires-python"], &file["yanked"]), (&">=3.9".into(), &false.into()));
    assert!(file["size"].as_u64() > Some(0) && file["upload-time"].is_string());
    assert!(file["core-metadata"].is_object() && file["dist-info-metadata"].is_null());
    let (url, sha256) = (file["url"].as_str().expect("a URL"), file["hashes"]["sha256"].as_str().expect("a hash"));
    let bytes = site.get(url, &[]).into_body().read_to_vec().expect("bytes");
    assert_eq!(Digest::of(&bytes).to_string(), sha256);
    let metadata = site.get(&format!("{url}.metadata"), &[]).into_body().read_to_vec().expect("bytes");
    assert_eq!(Digest::of(&metadata).to_string(), file["core-metadata"]["sha256"]);

    let html = site.get(path, &[("accept", "text/html")]);
    assert_eq!(header(&html, "content-type"), "text/html; charset=utf-8");
    assert_eq!(
        (header(&html, "cache-control"), header(&html, "vary")),
        ("no-cache".into(), "Accept, Authorization".into())
    );
    let tag = header(&html, "etag");
    let text = html.into_body().read_to_string().expect("text");
    assert!(text.contains("data-requires-python=\"&gt;=3.9\"") && text.contains("#sha256="), "{text}");
    let known = site.get(path, &[("accept", "text/html"), ("if-none-match", &tag)]);
    assert_eq!((known.status().as_u16(), header(&known, "etag")), (304, tag.clone()));
    assert_eq!(site.get(path, &[("accept", JSON), ("if-none-match", &tag)]).status(), 200, "another form, another tag");
    assert_eq!(site.get(path, &[("accept", "image/png")]).status(), 406);
    let head = site.client.head(site.url(path)).call().expect("an answer");
    assert_eq!(head.status(), 200);
    assert!(header(&head, "content-length").parse::<u64>().expect("a length") > 100);

    let moved = site.get("/channels/release/1.5.0/simple/Money", &[]);
    assert_eq!((moved.status().as_u16(), header(&moved, "location")), (301, path.into()));
    let refused = site.client.delete(site.url(path)).call().expect("an answer");
    assert_eq!((refused.status().as_u16(), header(&refused, "allow")), (405, "GET, HEAD".into()));
}

#[test]
fn files_are_served_in_parts() {
    let site = Site::new(&[], None);
    let (digest, _) = site.store.blobs().put(&b"0123456789"[..]).expect("put");
    let path = format!("/files/{digest}/x.tar.gz");
    let part = site.get(&path, &[("range", "bytes=2-4")]);
    assert_eq!((part.status().as_u16(), header(&part, "content-range")), (206, "bytes 2-4/10".into()));
    assert_eq!(part.into_body().read_to_string().expect("text"), "234");
    assert_eq!(site.get(&path, &[("range", "bytes=10-")]).status(), 416);
    assert_eq!(site.get(&path, &[("range", "bytes=2-4"), ("if-range", "\"other\"")]).status(), 200);
    assert_eq!(site.get(&path, &[("if-none-match", &format!("\"{digest}\""))]).status(), 304);
    assert_eq!(site.status(&format!("/files/{}/x.tar.gz", Digest::of("nothing"))), 404);
}

#[test]
fn owned_names_never_come_from_upstream_and_others_do() {
    let far = Site::new(&[], None);
    far.promoted("public", "money", "9.9");
    far.promoted("public", "click", "8.3.1");
    let cache = tempfile::tempdir().expect("a directory");
    let upstream = Upstream::of_url(&far.server.channel_url("public"), cache.path(), false);
    let site = Site::new(&["money"], Some(Arc::clone(&upstream)));
    site.store.stage("R1", "develop").expect("a stage");
    assert_eq!(site.status("/runs/R1/simple/money/"), 404, "declared, not released: never the public one");
    site.promoted("develop", "catalog", "1.0");
    far.promoted("public", "catalog", "9.9");
    assert_eq!(site.files("/channels/develop/simple/catalog/"), ["catalog-1.0-py3-none-any.whl"]);

    let page = site.json("/runs/R1/simple/click/");
    let file = &page["files"][0];
    assert_eq!(
        (&file["filename"], &file["requires-python"]),
        (&"click-8.3.1-py3-none-any.whl".into(), &">=3.9".into())
    );
    let url = file["url"].as_str().expect("a URL");
    assert_eq!(url, "/upstream/click/click-8.3.1-py3-none-any.whl");
    let whole = site.get(url, &[]);
    assert!(header(&whole, "content-length").parse::<u64>().is_ok());
    let bytes = whole.into_body().read_to_vec().expect("bytes");
    assert_eq!(Digest::of(&bytes).to_string(), file["hashes"]["sha256"]);
    let part = site.get(url, &[("range", "bytes=0-1")]);
    assert_eq!((part.status().as_u16(), part.into_body().read_to_vec().expect("bytes")), (206, b"PK".to_vec()));
    let metadata = site.get(&format!("{url}.metadata"), &[]).into_body().read_to_vec().expect("bytes");
    assert_eq!(Digest::of(&metadata).to_string(), file["core-metadata"]["sha256"]);
    assert_eq!(site.status("/upstream/click/other.whl"), 404, "only listed files");
    assert_eq!(site.status("/runs/R1/simple/unknown/"), 404);

    let known = site.get("/runs/R1/simple/click/", &[("accept", JSON)]);
    let tag = header(&known, "etag");
    assert_eq!(site.get("/runs/R1/simple/click/", &[("accept", JSON), ("if-none-match", &tag)]).status(), 304);

    let downloaded = upstream.download(&upstream.files("click").expect("a page")[0]).expect("a file");
    assert_eq!(std::fs::read(&downloaded).expect("bytes"), bytes);
    let url = far.server.channel_url("public");
    drop(far);
    let offline = Upstream::of_url(&url, cache.path(), true);
    assert_eq!(offline.files("click").expect("from the cache").len(), 1);
    assert_eq!(offline.download(&offline.files("click").expect("a page")[0]).expect("from the cache"), downloaded);
    let error = offline.files("flask").expect_err("not in the cache");
    assert!(error.message.contains("offline") && error.message.contains("/flask/"), "{error}");
    let dead = Site::new(&[], Some(Upstream::of_url(&url, tempfile::tempdir().expect("a directory").path(), true)));
    let answer = dead.get("/channels/develop/simple/flask/", &[]);
    assert_eq!(answer.status(), 502);
}

#[test]
fn a_page_that_is_not_fresh_is_asked_for_again_and_confirmed() {
    let far = Site::new(&[], None);
    far.promoted("public", "click", "1.0");
    let cache = tempfile::tempdir().expect("a directory");
    // Pages of this server say `no-cache`: each question is asked anew.
    let upstream = Upstream::of_url(&far.server.channel_url("public"), cache.path(), false);
    assert_eq!(upstream.files("click").expect("a page").len(), 1);
    assert_eq!(upstream.files("click").expect("a page").len(), 1);
    far.promoted("public", "click", "1.1");
    assert_eq!(upstream.files("click").expect("a page").len(), 2);
    assert!(upstream.files("never").expect("no page").is_empty());
}

#[test]
fn an_upload_is_checked_kept_and_shown() {
    let site = Site::new(&[], None);
    let wheel = TestWheel::new("money", "1.5.0").requires_python(">=3.9");
    let (bytes, name) = (wheel.bytes(), wheel.file_name());
    let digest = Digest::of(&bytes).to_string();
    let form = [
        (":action", "file_upload"),
        ("protocol_version", "1"),
        ("name", "Money"),
        ("version", "1.5.0"),
        ("filetype", "bdist_wheel"),
        ("sha256_digest", digest.as_str()),
        ("description", "a long story"),
    ];
    let (status, text) = site.upload("release/1.5.0", &form, Some((&name, &bytes)), "t0ken");
    assert_eq!((status, text.as_str()), (200, "`money-1.5.0-py3-none-any.whl` is in `release/1.5.0`, generation 1\n"));
    assert_eq!(site.upload("release/1.5.0", &form, Some((&name, &bytes)), "t0ken").0, 200, "the same again");
    assert_eq!(site.store.current().expect("a generation").number, 1);
    let sdist = TestSdist::new("money", "1.5.0").bytes();
    let form = [(":action", "file_upload"), ("name", "money"), ("version", "1.5.0"), ("filetype", "sdist")];
    assert_eq!(site.upload("release/1.5.0", &form, Some(("money-1.5.0.tar.gz", &sdist)), "t0ken").0, 200);
    assert_eq!(site.files("/channels/release/1.5.0/simple/money/"), [name.as_str(), "money-1.5.0.tar.gz"]);
    assert_eq!(site.json("/channels/release/1.5.0/simple/money/")["files"][0]["requires-python"], ">=3.9");
    let other = TestWheel::new("money", "1.5.0").file("money/b.py", "").bytes();
    let (status, text) = site.upload("develop", &[(":action", "file_upload")], Some((&name, &other)), "t0ken");
    assert!(status == 400 && text.contains("exists with other bytes"), "{status} {text}");
}

#[test]
fn what_the_pipeline_builds_enters_no_channel_by_an_upload() {
    let site = Site::new(&["money"], None);
    let wheel = TestWheel::new("Money", "9.0");
    let file = (wheel.file_name(), wheel.bytes());
    let (status, text) = site.upload("develop", &[(":action", "file_upload")], Some((&file.0, &file.1)), "t0ken");
    assert!(status == 403 && text.contains("`money` is built by this pipeline"), "{status} {text}");
    let other = TestWheel::new("voucher", "1.0");
    let file = (other.file_name(), other.bytes());
    let (status, text) = site.upload("develpo", &[(":action", "file_upload")], Some((&file.0, &file.1)), "t0ken");
    assert!(status == 404 && text.starts_with("`develpo` is no channel"), "{status} {text}");
    assert_eq!(site.store.current().expect("a generation").number, 0);
}

#[test]
fn a_bad_upload_is_refused_with_a_sentence_and_changes_nothing() {
    let site = Site::new(&[], None);
    let wheel = TestWheel::new("money", "1.0");
    let (bytes, name) = (wheel.bytes(), wheel.file_name());
    let action = (":action", "file_upload");
    let evil = TestWheel::new("money", "1.0").file("../../evil.py", "").bytes();
    type Case<'a> = (&'a [(&'a str, &'a str)], Option<(&'a str, &'a [u8])>, &'a str, u16, &'a str);
    let cases: &[Case] = &[
        (&[action], Some((&name, &bytes)), "wrong", 401, "the token is not this server's"),
        (&[action], None, "t0ken", 400, "the form has no file"),
        (&[(":action", "submit")], Some((&name, &bytes)), "t0ken", 400, "`file_upload`"),
        (&[action], Some(("money-1.0.exe", &bytes)), "t0ken", 400, "neither a wheel nor an sdist"),
        (&[action], Some(("../../money-1.0-py3-none-any.whl", &bytes)), "t0ken", 400, "not a package's name"),
        (&[action], Some(("cents-1.0-py3-none-any.whl", &bytes)), "t0ken", 400, "another distribution"),
        (&[action], Some((&name, &bytes[..bytes.len() / 2])), "t0ken", 400, "truncated"),
        (&[action], Some((&name, &evil)), "t0ken", 400, "leaves the archive's directory"),
        (&[action, ("version", "2.0")], Some((&name, &bytes)), "t0ken", 400, "not what the form says"),
        (&[action, ("sha256_digest", "00")], Some((&name, &bytes)), "t0ken", 400, "came damaged"),
    ];
    for (fields, file, token, status, why) in cases {
        let (found, text) = site.upload("develop", fields, *file, token);
        assert!(found == *status && text.contains(why), "{found} {text} for {why}");
    }
    let request = site.client.post(site.url("/channels/develop/")).header("content-type", "text/plain");
    let response = request.header("authorization", "Bearer t0ken").send("hello").expect("an answer");
    assert_eq!(response.status(), 400);
    assert_eq!(site.status("/channels/develop/"), 405);
    assert_eq!(site.store.current().expect("a generation").number, 0);
}

#[test]
fn a_broken_request_is_refused_and_the_next_one_answered() {
    let site = Site::new(&[], None);
    for garbage in [
        "GET / HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked, identity\r\n\r\n",
        "POST /channels/develop/ HTTP/1.1\r\nhost: x\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\n",
        "\0\0\0\r\n\r\n",
        "GET /files/../../etc/passwd HTTP/1.0\r\n\r\n",
    ] {
        let mut stream = TcpStream::connect(site.server.address()).expect("a connection");
        stream.write_all(garbage.as_bytes()).expect("written");
        stream.shutdown(std::net::Shutdown::Write).expect("shut down");
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer);
        assert!(answer.is_empty() || answer.contains(" 40"), "{garbage:?} {answer:?}");
    }
    assert_eq!(site.status("/channels/develop/simple/"), 200);
}

#[test]
fn an_upload_that_is_too_large_is_refused_before_it_is_sent() {
    let site = Site::new(&[], None);
    let mut stream = TcpStream::connect(site.server.address()).expect("a connection");
    let head = "POST /channels/develop/ HTTP/1.1\r\nhost: x\r\nauthorization: Bearer t0ken\r\n\
                content-type: multipart/form-data; boundary=x\r\ncontent-length: 9999999999\r\n\r\n";
    stream.write_all(head.as_bytes()).expect("written");
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 413 the upload is larger than 1 GiB"), "{answer:?}");
}

#[test]
fn a_client_that_does_not_finish_its_head_is_dropped() {
    let site = Site::new(&[], None);
    let began = Instant::now();
    let mut stream = TcpStream::connect(site.server.address()).expect("a connection");
    stream.write_all(b"GET /simple/ HTT").expect("written");
    stream.set_read_timeout(Some(Duration::from_secs(60))).expect("set");
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(began.elapsed() < Duration::from_secs(30), "{:?}", began.elapsed());
    assert!(!answer.starts_with(b"HTTP/1.1 200"), "{answer:?}");
}

#[test]
fn more_clients_than_the_limit_wait_and_none_is_lost() {
    let site = Site::new(&[], None);
    site.promoted("develop", "money", "1.0");
    let mut idle: Vec<TcpStream> =
        (0..300).map(|_| TcpStream::connect(site.server.address()).expect("a connection")).collect();
    idle.drain(..100);
    assert_eq!(site.status("/channels/develop/simple/money/"), 200);
}

#[test]
fn a_server_ends_when_it_is_dropped_and_its_port_is_used_again() {
    let directory = tempfile::tempdir().expect("a directory");
    let start = || {
        let options = ServerOptions {
            address: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            owned: BTreeSet::new(),
            token: None,
            port_file: Some(directory.path().join("port")),
        };
        Server::start(Store::open(&directory.path().join("store")).expect("a store"), None, options).expect("a server")
    };
    let first = start();
    let address = first.address();
    let second = start();
    assert_ne!(second.address(), address, "the port is taken");
    let idle = TcpStream::connect(address).expect("a connection");
    // the idle client is not waited for
    drop(first);
    drop(idle);
    once_free(|| TcpStream::connect(address).err().ok_or("somebody listens"));
    let again = || Some(start()).filter(|server| server.address() == address).ok_or("another port");
    assert_eq!(once_free(again).address(), address);
    let taken = ServerOptions { address: second.address(), owned: BTreeSet::new(), token: None, port_file: None };
    let error = Server::start(Store::open(directory.path()).expect("a store"), None, taken).expect_err("taken");
    assert!(error.message.contains(&second.address().to_string()) && error.hint.is_some(), "{error}");
}
