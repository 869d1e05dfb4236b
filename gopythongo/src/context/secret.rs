//! Secrets: values that cannot be printed, serialised or hashed.

use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// A password, token or key. Its `Debug` is `Secret(…)`; it has no `Display`, `Serialize`, `Hash` or `PartialEq`.
#[derive(Clone)]
pub struct Secret(SecretString);

impl Secret {
    /// Wraps a value.
    #[must_use]
    pub fn new(value: impl Into<String>) -> Self {
        Self(SecretString::from(value.into()))
    }

    /// The value, for handing it to the one place that needs it.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Takes known secrets out of text before it is written anywhere.
#[derive(Debug, Clone, Default)]
pub struct Redactor(Vec<Secret>);

impl Redactor {
    /// Learns a secret. Values shorter than four characters are not redacted: they would blacken everything.
    pub fn learn(&mut self, secret: Secret) {
        if secret.expose().len() >= 4 {
            self.0.push(secret);
        }
    }

    /// Whether there is anything to take out.
    #[must_use]
    pub fn knows_any(&self) -> bool {
        !self.0.is_empty()
    }

    /// The text with every known secret replaced by `…`.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose(), "…"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?}"), "Secret(…)");
        let mut redactor = Redactor::default();
        redactor.learn(secret);
        assert_eq!(redactor.redact("user:hunter2@host"), "user:…@host");
        assert!(!format!("{redactor:?}").contains("hunter2"));
    }
}
