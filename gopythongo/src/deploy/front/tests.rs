//! The front before services that are not there, break off, or are back in a moment.

use std::{
    io::{Read, Write},
    net::TcpStream,
    os::unix::net::UnixListener,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::Duration,
};

use tempfile::TempDir;
use tokio::sync::watch;

use super::{Backend, Backends, serve};
use crate::deploy::in_flight::Counter;

/// One socket, whatever is behind it.
struct Fixed(Option<PathBuf>);

impl Backends for Fixed {
    fn live(&self) -> Option<Backend> {
        let socket = self.0.clone()?;
        Some(Backend { socket, ticket: Counter::new(tokio::sync::watch::Sender::new(())).begin() })
    }
}

/// Serves as long as the sender lives; gives the port.
fn front(socket: Option<&Path>) -> (u16, watch::Sender<()>) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("bound").port();
    listener.set_nonblocking(true).expect("a socket");
    let (stop, stopped) = watch::channel(());
    let backends = Arc::new(Fixed(socket.map(Path::to_owned)));
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            serve(listener, backends, stopped, Duration::ZERO).await;
        });
    });
    (port, stop)
}

/// What is answered to a request, to its end.
fn ask(port: u16, request: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("it listens");
    let request = format!("{request} HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).expect("it listens");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("it answers");
    answer
}

/// A service that breaks off its first `breaks` requests and answers the others with their number.
fn service(breaks: usize) -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().expect("a directory");
    let socket = directory.path().join("socket");
    let listener = UnixListener::bind(&socket).expect("a socket");
    thread::spawn(move || {
        for (number, stream) in listener.incoming().enumerate() {
            let Ok(mut stream) = stream else { return };
            let mut head = [0; 4096];
            if stream.read(&mut head).is_ok() && number >= breaks {
                let _ = write!(stream, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n{number}");
            }
        }
    });
    (directory, socket)
}

#[test]
fn nothing_live_is_a_bad_gateway() {
    let (port, _stop) = front(None);
    assert!(ask(port, "GET /").starts_with("HTTP/1.1 502 Bad Gateway\r\n"));
}

#[test]
fn a_service_that_is_not_back_in_time_is_unavailable_for_now() {
    let directory = tempfile::tempdir().expect("a directory");
    let (port, _stop) = front(Some(&directory.path().join("socket")));
    let answer = ask(port, "GET /");
    assert!(
        answer.starts_with("HTTP/1.1 503 Service Unavailable\r\n") && answer.contains("retry-after: 1\r\n"),
        "{answer}"
    );
}

#[test]
fn only_what_may_be_repeated_is_and_only_once() {
    let (_first, socket) = service(1);
    let (port, _stop) = front(Some(&socket));
    assert!(ask(port, "GET /").ends_with("\r\n\r\n1"), "the second attempt");
    let (_second, socket) = service(1);
    let (port, _stop) = front(Some(&socket));
    assert!(ask(port, "POST /").starts_with("HTTP/1.1 502 "), "nobody knows whether it was done");
    assert!(ask(port, "POST /").ends_with("\r\n\r\n1"));
    let (_third, socket) = service(2);
    let (port, _stop) = front(Some(&socket));
    assert!(ask(port, "GET /").starts_with("HTTP/1.1 502 "), "it may be the request that kills it");
}

#[test]
fn it_is_no_proxy_to_other_places() {
    let (_directory, socket) = service(0);
    let (port, _stop) = front(Some(&socket));
    assert!(ask(port, "CONNECT elsewhere.example:443").starts_with("HTTP/1.1 400 "));
    assert!(ask(port, "GET http://elsewhere.example/x").ends_with("\r\n\r\n0"), "the path is what counts");
}
