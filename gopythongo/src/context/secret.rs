//! Secrets: values that cannot be printed, serialised or hashed, and are taken out of what others print.

use std::{
    fmt,
    sync::{Arc, PoisonError, RwLock},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};

use crate::support::words;

/// What stands where a secret was.
const HIDDEN: &str = "***";

/// What is shorter cannot be told from other text: taking it out would blacken everything.
pub(super) const SHORTEST: usize = 4;

/// What is shorter may stand in a program by chance.
const FINDABLE: usize = 8;

/// A password, token or key. Its `Debug` is `Secret(***)`; it has no `Display`, `Serialize`, `Hash` or `PartialEq`.
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
        write!(f, "Secret({HIDDEN})")
    }
}

/// Takes known secrets out of text before it is written anywhere. Clones share what they know, so that a secret that is fetched
/// in the middle of a run is known everywhere at once.
#[derive(Debug, Clone, Default)]
pub struct Redactor(Arc<RwLock<Known>>);

#[derive(Debug, Default)]
struct Known {
    /// What is taken out, the longest first.
    forms: Vec<Secret>,
    /// The secrets themselves, and where each is.
    secrets: Vec<(String, Secret)>,
}

impl Redactor {
    /// Learns a secret, and where it is (`variable TOKEN`): as it is, each of its lines, and as it looks in base64, in a URL,
    /// in JSON, in Python, in a shell, and what of these looks otherwise in XML. What is shorter than four characters is not
    /// redacted.
    pub fn learn(&self, place: impl fmt::Display, secret: Secret) {
        let value = secret.expose();
        let mut forms = vec![value.to_owned(), STANDARD.encode(value)];
        // what is printed is looked at line by line
        for line in value.lines().map(str::trim) {
            let quoted = serde_json::Value::from(line).to_string();
            let shell = words::shell(line);
            let shell = shell.trim_start_matches('$').trim_matches('\'').to_owned();
            let url = utf8_percent_encode(line, NON_ALPHANUMERIC).to_string();
            let python = line.replace('\\', "\\\\").replace('\'', "\\'");
            forms.extend([line.to_owned(), quoted[1..quoted.len() - 1].to_owned(), python, shell, url]);
        }
        // in a text, and in an attribute (XML 1.0, 2.4)
        let text: Vec<String> =
            forms.iter().map(|form| form.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")).collect();
        forms.extend(text.iter().map(|form| form.replace('"', "&quot;")));
        forms.extend(text);
        forms.retain(|form| form.len() >= SHORTEST);
        let mut known = self.0.write().unwrap_or_else(PoisonError::into_inner);
        for form in forms {
            if !known.forms.iter().any(|secret| secret.expose() == form) {
                known.forms.push(Secret::new(form));
            }
        }
        // one may be part of another
        known.forms.sort_by_key(|secret| std::cmp::Reverse(secret.expose().len()));
        if !known.secrets.iter().any(|(_, earlier)| earlier.expose() == secret.expose()) {
            known.secrets.push((place.to_string(), secret));
        }
    }

    /// The secrets that can be looked for in what people wrote, each with where it is: those that nobody writes by chance.
    #[must_use]
    pub(crate) fn findable(&self) -> Vec<(String, Secret)> {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.secrets.iter().filter(|(_, secret)| secret.expose().len() >= FINDABLE).cloned().collect()
    }

    /// Whether there is anything to take out.
    #[must_use]
    pub fn knows_any(&self) -> bool {
        !self.0.read().unwrap_or_else(PoisonError::into_inner).forms.is_empty()
    }

    /// The text with `***` for every known secret.
    #[must_use]
    pub fn redact(&self, text: &str) -> String {
        let known = self.0.read().unwrap_or_else(PoisonError::into_inner);
        known.forms.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose(), HIDDEN))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_not_shown() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret:?}"), "Secret(***)");
        let redactor = Redactor::default();
        let earlier = redactor.clone();
        redactor.learn("variable TOKEN", secret);
        assert_eq!(earlier.redact("user:hunter2@host"), "user:***@host");
        assert!(!format!("{redactor:?}").contains("hunter2"));
    }

    #[test]
    fn a_secret_is_known_in_other_clothes_too() {
        let redactor = Redactor::default();
        redactor.learn("a test", Secret::new("it's \"a\" key"));
        redactor.learn("a test", Secret::new("-----BEGIN-----\nabcdef\nghijkl\n-----END-----"));
        redactor.learn("a test", Secret::new("abcdefgh"));
        redactor.learn("a test", Secret::new("abc"));
        for (text, expect) in [
            ("https://me:it%27s%20%22a%22%20key@host/", "https://me:***@host/"),
            (r#"{"token":"it's \"a\" key"}"#, r#"{"token":"***"}"#),
            ("$ login 'it'\\''s \"a\" key'", "$ login '***'"),
            ("authorization: aXQncyAiYSIga2V5", "authorization: ***"),
            ("assert 'it\\'s \"a\" key'", "assert '***'"),
            ("<failure message=\"it's &quot;a&quot; key\">", "<failure message=\"***\">"),
            ("  ghijkl", "  ***"),
            ("abcdefgh", "***"),
            ("abc", "abc"),
        ] {
            assert_eq!(redactor.redact(text), expect);
        }
    }
}
