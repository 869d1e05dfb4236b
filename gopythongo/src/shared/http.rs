//! The HTTP client of shared state: impatient, since a run can always go on without an answer.

use std::{
    io::{Cursor, Read},
    time::Duration,
};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use ureq::{
    Agent, Body, SendBody,
    http::{Request, Response, StatusCode, Uri},
    tls::{RootCerts, TlsConfig},
};

use super::{SharedError, objects::Content};

/// How long one object may be on its way: a server that trickles is worse than none.
const LONGEST: Duration = Duration::from_secs(300);

/// How much of a server's answer is read in search of its reason.
const LONGEST_REASON: u64 = 64 * 1024;

/// What of a name stands in a URL as it is (RFC 3986 §2.3, and slashes).
const PATH: AsciiSet = NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// A server, and where on it.
#[derive(Debug)]
pub(super) struct Http {
    agent: Agent,
    /// `https://host:port`
    origin: String,
    /// Percent-encoded; begins with a slash and ends without one.
    base: String,
}

/// How long a server may take to take a connection, and to go on with an answer.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    pub(super) connect: Duration,
    pub(super) answer: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self { connect: Duration::from_secs(5), answer: Duration::from_secs(20) }
    }
}

impl Http {
    /// A server by the URL of a directory on it.
    ///
    /// # Errors
    /// When it is no `http` or `https` URL.
    pub(super) fn new(url: &str, below: &str, patience: Patience) -> Result<Self, SharedError> {
        let parsed: Option<Uri> = url.parse().ok();
        let (scheme, authority, path) = parsed
            .as_ref()
            .and_then(|url| Some((url.scheme_str()?, url.authority()?, url.path())))
            .filter(|(scheme, authority, _)| matches!(*scheme, "http" | "https") && !authority.as_str().contains('@'))
            .ok_or_else(|| {
                SharedError::new(format!("`{url}` is not the URL of a server for shared state"))
                    .hint("write `https://host/…`, without a user")
            })?;
        let standard = if scheme == "https" { ":443" } else { ":80" };
        let host = authority.as_str().strip_suffix(standard).unwrap_or(authority.as_str());
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let mut config = Agent::config_builder()
            .tls_config(tls)
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .user_agent(concat!("gopythongo/", env!("CARGO_PKG_VERSION")))
            .max_idle_connections(32)
            .max_idle_connections_per_host(16)
            .timeout_connect(Some(patience.connect))
            .timeout_recv_response(Some(patience.answer))
            .timeout_per_read(Some(patience.answer))
            .timeout_recv_body(Some(LONGEST))
            .timeout_send_body(Some(LONGEST));
        let name = authority.host();
        if name == "localhost" || name == "[::1]" || name.starts_with("127.") {
            // no proxy reaches this machine's own ports
            config = config.proxy(None);
        }
        let below = utf8_percent_encode(below.trim_matches('/'), &PATH).to_string();
        let parts = [path.trim_matches('/'), &below];
        let base: String = parts.iter().filter(|part| !part.is_empty()).map(|part| format!("/{part}")).collect();
        Ok(Self { agent: Agent::new_with_config(config.build()), origin: format!("{scheme}://{host}"), base })
    }

    /// Host and port, as in the `Host` header.
    pub(super) fn host(&self) -> &str {
        self.origin.split_once("://").map_or("", |(_, host)| host)
    }

    /// The path of an object on the server, percent-encoded.
    pub(super) fn path(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }

    /// The collections above an object, the outermost first, as far as they are ours to make.
    pub(super) fn above(&self, name: &str) -> Vec<String> {
        let path = self.path(name);
        path.match_indices('/').skip(1).map(|(at, _)| path[..=at].to_owned()).collect()
    }

    /// Asks the server; every status is an answer.
    ///
    /// # Errors
    /// When there is no answer.
    pub(super) fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, String)],
        content: Option<&Content>,
    ) -> Result<Answer, SharedError> {
        let url = format!("{}{path}", self.origin);
        let failed = |error: &dyn std::fmt::Display| SharedError::new(format!("`{url}` does not answer: {error}"));
        let mut request = Request::builder().method(method).uri(&url);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let answer = match content {
            None => self.agent.run(request.body(()).map_err(|error| failed(&error))?),
            Some(content) => {
                let mut reader = content.reader().map_err(|error| failed(&error))?;
                let request = request.header("content-length", content.size);
                let request = request.body(SendBody::from_reader(&mut reader)).map_err(|error| failed(&error))?;
                self.agent.run(request)
            }
        };
        Ok(Answer { response: answer.map_err(|error| failed(&error))?, url: url.clone() })
    }
}

/// What a server answered.
pub(super) struct Answer {
    response: Response<Body>,
    url: String,
}

impl Answer {
    pub(super) fn status(&self) -> StatusCode {
        self.response.status()
    }

    pub(super) fn header(&self, name: &str) -> Option<String> {
        self.response.headers().get(name)?.to_str().ok().map(str::to_owned)
    }

    /// Its body, as it comes.
    pub(super) fn body(self) -> Box<dyn Read + Send> {
        match self.response.body().content_length() {
            Some(0) => Box::new(Cursor::new([])),
            _ => Box::new(self.response.into_body().into_reader()),
        }
    }

    /// Reads the answer to its end, so that the connection can be used again.
    pub(super) fn done(mut self) {
        let _ = std::io::copy(&mut self.response.body_mut().as_reader().take(LONGEST_REASON), &mut std::io::sink());
    }

    /// An answer that is none of those that were expected, with the server's reason if it gives one in S3's XML.
    pub(super) fn refused(mut self) -> SharedError {
        let mut text = String::new();
        let _ = self.response.body_mut().as_reader().take(LONGEST_REASON).read_to_string(&mut text);
        let said = text.split_once("<Code>").and_then(|(_, rest)| rest.split_once("</Code>"));
        let said = said.map_or_else(String::new, |(code, _)| format!(" ({code})"));
        let error = SharedError::new(format!("`{}` answers {}{said}", self.url, self.response.status()));
        match self.response.status() {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => error.hint("look at the keys, and what they may do"),
            _ => error,
        }
    }
}
