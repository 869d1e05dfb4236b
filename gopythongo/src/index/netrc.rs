//! The `netrc` file: credentials by host.

use std::path::Path;

use super::credentials::Credentials;

/// The credentials for `host` in the text of a `netrc` file; a `default` entry stands for all hosts.
pub(super) fn find(text: &str, host: &str) -> Option<Credentials> {
    let mut words = text.lines().filter(|line| !line.trim_start().starts_with('#')).flat_map(str::split_whitespace);
    let (mut here, mut login, mut password) = (false, None, None);
    while let Some(word) = words.next() {
        match word {
            "machine" | "default" => {
                if here && login.is_some() {
                    break;
                }
                (login, password) = (None, None);
                here = word == "default" || words.next() == Some(host);
            }
            "login" => login = words.next(),
            "password" => password = words.next(),
            "account" => drop(words.next()),
            _ => {}
        }
    }
    login.filter(|_| here).map(|login| Credentials::new(login, password.unwrap_or_default()))
}

/// The text of the file that `NETRC` names, or of `~/.netrc`; empty if there is none.
pub(super) fn read(named: Option<&str>, home: Option<&Path>) -> String {
    let file = named.map(Into::into).or_else(|| home.map(|home| home.join(".netrc")));
    file.and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_entry_of_the_host_counts_then_the_default() {
        let text = "# mine\nmachine a.example login one password p1\nmachine b.example\n  login two\n  password p2\n\
                    default login any password p3\n";
        let found = |host| find(text, host).map(|c| (c.user.clone(), c.password.expose().to_owned()));
        assert_eq!(found("a.example"), Some(("one".into(), "p1".into())));
        assert_eq!(found("b.example"), Some(("two".into(), "p2".into())));
        assert_eq!(found("c.example"), Some(("any".into(), "p3".into())));
        assert!(find("machine a login x", "b").is_none());
        assert!(find("", "b").is_none());
    }
}
