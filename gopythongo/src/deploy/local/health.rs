//! Asking a service whether it is well.

use std::{
    fmt,
    io::{self, BufRead, BufReader, Read, Write},
    os::unix::net::UnixStream,
    path::Path,
    time::Duration,
};

/// How long one answer may take: at least, so that what is known last is what the service says; and at most.
const PATIENCE: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(5));

/// How many bytes of an answer are heard out.
const LONGEST: u64 = 1 << 20;

/// Why a service is not well.
#[derive(Debug)]
pub(super) enum Unwell {
    /// It does not listen.
    Absent,
    /// It does not answer as HTTP does, or not in time.
    Silent(io::Error),
    /// It says so.
    Status(u16),
}

impl fmt::Display for Unwell {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Absent => f.write_str("it does not listen on its socket"),
            Self::Silent(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => {
                f.write_str("it does not answer")
            }
            Self::Silent(error) => write!(f, "it does not answer: {error}"),
            Self::Status(status) => write!(f, "it answers with status {status}"),
        }
    }
}

/// Asks for a path; well is a status from 200 to 399.
pub(super) fn check(socket: &Path, path: &str, limit: Duration) -> Result<(), Unwell> {
    asked(socket, path, limit.clamp(PATIENCE.0, PATIENCE.1))
}

fn asked(socket: &Path, path: &str, limit: Duration) -> Result<(), Unwell> {
    let stream = UnixStream::connect(socket).map_err(|_| Unwell::Absent)?;
    match ask(&stream, path, limit) {
        Ok(200..=399) => Ok(()),
        Ok(status) => Err(Unwell::Status(status)),
        Err(error) => Err(Unwell::Silent(error)),
    }
}

fn ask(mut stream: &UnixStream, path: &str, limit: Duration) -> io::Result<u16> {
    stream.set_read_timeout(Some(limit))?;
    stream.set_write_timeout(Some(limit))?;
    let agent = concat!("gopythongo/", env!("CARGO_PKG_VERSION"));
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: {agent}\r\nAccept: */*\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;
    let mut answer = BufReader::new(stream);
    let mut line = String::new();
    answer.read_line(&mut line)?;
    let status = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split_ascii_whitespace().nth(1)?.parse().ok());
    let status = status.ok_or_else(|| io::Error::other("it does not speak HTTP"))?;
    // who is hung up on while they answer may fill their log with that; what they say beyond the status is their affair
    let _ = hear_out(&mut answer, status);
    Ok(status)
}

/// Reads the rest of an answer, as far as its end can be told.
fn hear_out(answer: &mut impl BufRead, status: u16) -> io::Result<()> {
    let mut length = None;
    let mut line = String::new();
    while answer.read_line(&mut line)? > 0 && !line.trim().is_empty() {
        let value = line.to_ascii_lowercase();
        length = length.or(value.strip_prefix("content-length:").and_then(|value| value.trim().parse::<u64>().ok()));
        line.clear();
    }
    if matches!(status, 204 | 304) {
        return Ok(());
    }
    if let Some(length) = length {
        io::copy(&mut answer.take(length.min(LONGEST)), &mut io::sink())?;
        return Ok(());
    }
    // the last chunk and the empty line behind it, or the end of the connection
    let mut rest = answer.take(LONGEST);
    for end in [&b"0\r\n"[..], b"\r\n"] {
        let mut line = Vec::new();
        while rest.read_until(b'\n', &mut line)? > 0 && line != end {
            line.clear();
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{os::unix::net::UnixListener, thread, time::Instant};

    use super::*;

    /// Checks a service that answers with these bytes, keeps the connection, and must be heard out.
    #[track_caller]
    fn checked(answer: &'static str) -> Result<(), Unwell> {
        let directory = tempfile::tempdir().expect("a directory");
        let socket = directory.path().join("socket");
        let listener = UnixListener::bind(&socket).expect("a socket");
        let service = thread::spawn(move || {
            let (mut stream, _) = listener.accept().expect("a client");
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).expect("a request");
            for byte in answer.bytes() {
                stream.write_all(&[byte]).expect("it listens to the end");
            }
            // until the client hangs up
            let _ = stream.read(&mut [0; 4096]);
            line
        });
        let (begin, limit) = (Instant::now(), Duration::from_secs(60));
        let result = asked(&socket, "/healthz?deep=1", limit);
        assert!(begin.elapsed() < limit, "it knows where the answer ends");
        assert_eq!(service.join().expect("no panic"), "GET /healthz?deep=1 HTTP/1.1\r\n");
        result
    }

    #[test]
    fn answers_are_heard_to_their_end_and_no_longer() {
        checked("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nwell").expect("well");
        checked("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwell\r\n0\r\n\r\n").expect("well");
        checked("HTTP/1.0 302 Found\r\nlocation: /\r\ncontent-length: 0\r\n\r\n").expect("well");
        checked("HTTP/1.1 204 No Content\r\n\r\n").expect("well");
        let ill = checked("HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n").expect_err("ill");
        assert_eq!(ill.to_string(), "it answers with status 503");
        let strange = checked("SSH-2.0-OpenSSH\r\n").expect_err("not HTTP");
        assert_eq!(strange.to_string(), "it does not answer: it does not speak HTTP");
    }

    #[test]
    fn a_socket_that_is_not_there_is_said() {
        let error = check(Path::new("/no/such/socket"), "/", Duration::from_secs(1)).expect_err("absent");
        assert_eq!(error.to_string(), "it does not listen on its socket");
    }
}
