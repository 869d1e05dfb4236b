//! What can be wrong with the upstream index.

use std::fmt;

use ureq::http::StatusCode;

use super::url;

/// Why the upstream index cannot be asked. The message names the URL, without credentials.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UpstreamError {
    /// One sentence.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
    /// Whether it may be otherwise in a moment: no connection, a server that is overloaded.
    pub is_passing: bool,
}

impl UpstreamError {
    /// An error without a hint.
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), hint: None, is_passing: false }
    }

    /// The same error with a hint.
    pub(super) fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Nothing may be asked.
    pub(super) fn offline(target: &str) -> Self {
        Self::new(format!("`{}` is not in the cache, and this run is offline", url::split_user(target).0))
            .with_hint("run once without `--offline`")
    }

    /// An answer that is none.
    pub(super) fn status(target: &str, status: StatusCode) -> Self {
        let mut error = Self::new(format!("`{}` answered {status}", url::split_user(target).0));
        error.is_passing = status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS;
        match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => error.with_hint(
                "put credentials into pip's `index-url` or into `~/.netrc`: what pip and uv use is used here too",
            ),
            _ => error,
        }
    }

    /// No answer.
    pub(super) fn connection(target: &str, error: &ureq::Error) -> Self {
        let said = Self::new(format!("asking `{}`: {error}", url::split_user(target).0));
        match error {
            ureq::Error::Tls(_) | ureq::Error::Rustls(_) => {
                said.with_hint("name your company's certificates by pip's `cert` or `SSL_CERT_FILE`")
            }
            _ => Self { is_passing: true, ..said }
                .with_hint("is there a connection, and is a proxy needed? `--offline` uses what is in the cache"),
        }
    }
}

impl fmt::Display for UpstreamError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for UpstreamError {}
