//! A client that counts nothing as good but a whole answer.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

/// A client of a port of this machine, with one connection that it keeps.
pub(super) struct Client {
    port: u16,
    stream: Option<BufReader<TcpStream>>,
}

impl Client {
    pub(super) fn new(port: u16) -> Self {
        Self { port, stream: None }
    }

    /// Asks on the connection that it has.
    pub(super) fn get(&mut self, path: &str) -> io::Result<Answer> {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: try.example\r\n\r\n"))?;
        self.answer()
    }

    /// Asks on a connection of its own.
    pub(super) fn get_once(&mut self, path: &str) -> io::Result<Answer> {
        self.stream = None;
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: try.example\r\nConnection: close\r\n\r\n"))?;
        let answer = self.answer();
        self.stream = None;
        answer
    }

    /// Sends bytes.
    pub(super) fn send(&mut self, text: &str) -> io::Result<()> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(("127.0.0.1", self.port))?;
                stream.set_read_timeout(Some(Duration::from_secs(30)))?;
                self.stream.insert(BufReader::new(stream))
            }
        };
        stream.get_mut().write_all(text.as_bytes())
    }

    /// Reads a line.
    pub(super) fn line(&mut self) -> io::Result<String> {
        let mut line = String::new();
        self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?.read_line(&mut line)?;
        Ok(line)
    }

    /// Reads a head, and as many bytes as it says.
    pub(super) fn answer(&mut self) -> io::Result<Answer> {
        let mut head = String::new();
        loop {
            let line = self.line()?;
            match line.as_str() {
                "" => return Err(io::ErrorKind::UnexpectedEof.into()),
                "\r\n" => break,
                _ => head.push_str(&line),
            }
        }
        let status = head.split(' ').nth(1).and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other(head.clone()))?;
        let length =
            head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        self.stream.as_mut().ok_or(io::ErrorKind::NotConnected)?.read_exact(&mut body)?;
        Ok(Answer { status, head, body: String::from_utf8_lossy(&body).into_owned() })
    }
}
