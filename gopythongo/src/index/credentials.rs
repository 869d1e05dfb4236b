//! What is sent to an index that asks who is there.

use base64::{Engine, engine::general_purpose::STANDARD};

use crate::context::Secret;

/// A user and a password.
#[derive(Debug, Clone)]
pub(super) struct Credentials {
    pub(super) user: String,
    pub(super) password: Secret,
}

impl Credentials {
    pub(super) fn new(user: &str, password: &str) -> Self {
        Self { user: user.to_owned(), password: Secret::new(password) }
    }

    /// The value of an `Authorization` header (RFC 7617).
    pub(super) fn header(&self) -> String {
        format!("Basic {}", STANDARD.encode(format!("{}:{}", self.user, self.password.expose())))
    }

    /// Reads the value of an `Authorization` header; `None` for anything but basic authentication.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let (scheme, value) = header.split_once(' ')?;
        if !scheme.eq_ignore_ascii_case("basic") {
            return None;
        }
        let text = String::from_utf8(STANDARD.decode(value.trim()).ok()?).ok()?;
        let (user, password) = text.split_once(':')?;
        Some(Self::new(user, password))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_is_read_as_it_was_written() {
        let header = Credentials::new("me", "a:b").header();
        let read = Credentials::parse(&header).expect("basic");
        assert_eq!((read.user.as_str(), read.password.expose()), ("me", "a:b"));
        assert!(Credentials::parse("Bearer x").is_none() && Credentials::parse("Basic ???").is_none());
    }
}
