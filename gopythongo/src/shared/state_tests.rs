//! Servers that break off, do not answer, or are not there.

use std::{
    io::{BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::atomic::AtomicUsize,
    thread,
};

use super::*;
use crate::shared::{S3, WebDav};

/// A server that does the same with every request, and counts them.
struct Server {
    url: String,
    asked: &'static AtomicUsize,
}

fn serve(answer: impl Fn(&mut TcpStream) + Send + 'static) -> Server {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    let asked: &'static AtomicUsize = Box::leak(Box::default());
    thread::spawn(move || {
        for mut stream in listener.incoming().map_while(Result::ok) {
            asked.fetch_add(1, Ordering::SeqCst);
            let mut lines = BufReader::new(stream.try_clone().expect("a stream")).lines().map_while(Result::ok);
            while lines.next().is_some_and(|line| !line.is_empty()) {}
            answer(&mut stream);
        }
    });
    Server { url, asked }
}

fn open(place: impl Into<SharedIn>) -> SharedState {
    SharedState::new(place.into(), "p", Path::new("/"), |from| {
        Err(SecretError { message: format!("no {from}"), hint: None, is_passing: false })
    })
}

#[test]
fn who_never_answers_is_waited_for_once() {
    let server = serve(|stream| {
        // until the client has enough of it
        let _ = stream.read(&mut [0]);
    });
    let moment = Duration::from_millis(200);
    let state = open(S3::new(&server.url, "ci"));
    let state = SharedState { patience: Patience { connect: moment, answer: moment }, ..state };
    assert!(state.read("a").is_none() && state.read("b").is_none() && !state.put("c", Vec::new()));
    assert!(!state.change("d", |_| Some(Vec::new())) && !state.may_write());
    // once more, if that was less than a second
    assert!((1..=2).contains(&server.asked.load(Ordering::SeqCst)));
    let warnings = state.warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("/ci/p/a` does not answer"), "{warnings:?}");
    assert_eq!(state.warnings(), [""; 0]);
}

#[test]
fn what_breaks_off_is_damaged_and_nothing_of_it_is_kept() {
    let server = serve(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nhalf of it");
    });
    let directory = tempfile::tempdir().expect("a directory");
    let blobs = Blobs::new(directory.path());
    let state = open(WebDav::new(&server.url));
    let digest = Digest::of("half of it");
    assert!(!state.fetch_blob(&digest, 100, &blobs), "a prefix with the right digest is still no answer");
    assert!(!blobs.path(&digest).exists());
    assert!(state.read("v2/latest").is_none());
    let warnings = state.warnings();
    assert!(warnings.len() == 1 && warnings[0].contains("is damaged, and is not used"), "{warnings:?}");
}

#[test]
fn what_broke_off_while_somebody_replaced_it_is_read_again() {
    let answers = AtomicUsize::new(0);
    let server = serve(move |stream| {
        let whole = answers.fetch_add(1, Ordering::SeqCst) % 3 == 2;
        let body = if whole { "whole" } else { "who" };
        let _ = write!(stream, "HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\n{body}");
    });
    let directory = tempfile::tempdir().expect("a directory");
    let blobs = Blobs::new(directory.path());
    let state = open(WebDav::new(&server.url));
    assert_eq!(state.read("v2/latest").as_deref(), Some(&b"whole"[..]));
    assert!(state.fetch_blob(&Digest::of("whole"), 5, &blobs));
    assert_eq!(server.asked.load(Ordering::SeqCst), 6);
    assert_eq!(state.warnings(), [""; 0]);
}

#[test]
fn what_has_another_digest_is_not_kept() {
    let server = serve(|stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nconnection: close\r\n\r\nwhole");
    });
    let directory = tempfile::tempdir().expect("a directory");
    let blobs = Blobs::new(directory.path());
    let state = open(S3::new(&server.url, "ci"));
    assert!(!state.fetch_blob(&Digest::of("other"), 5, &blobs));
    assert!(!state.fetch_blob(&Digest::of("whole"), 3, &blobs), "it is longer than it may be");
    assert!(
        state.fetch_blob(&Digest::of("whole"), 5, &blobs),
        "one that is damaged is no reason not to ask for others"
    );
    assert!(state.warnings()[0].contains("it is not what its name says"));
}

#[test]
fn a_refusal_is_told_with_its_reason_and_declared_keys_are_needed() {
    let server = serve(|stream| {
        let body = "<Error><Code>SignatureDoesNotMatch</Code></Error>";
        let length = body.len();
        let _ = write!(stream, "HTTP/1.1 403 Forbidden\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n{body}");
    });
    let state = open(S3::new(&server.url, "ci"));
    assert!(state.read("a").is_none());
    let warning = state.warnings().concat();
    assert!(warning.contains("answers 403 Forbidden (SignatureDoesNotMatch)\n  hint: look at the keys"), "{warning}");
    let state = open(S3::new(&server.url, "ci").keys(SecretFrom::env("ID"), SecretFrom::env("KEY")));
    assert!(state.read("a").is_none());
    assert!(state.warnings().concat().contains("shared state: no variable ID"));
    assert_eq!(server.asked.load(Ordering::SeqCst), 2, "nobody is asked without the keys that are declared");
}

#[test]
fn a_directory_that_is_not_mounted_is_not_filled() {
    let directory = tempfile::tempdir().expect("a directory");
    let place = directory.path().join("mnt");
    let state = open(crate::shared::SharedDirectory::new(&place));
    assert!(!state.put("a", b"x".to_vec()) && !place.exists());
    assert!(state.warnings()[0].contains("is no directory"));
}
