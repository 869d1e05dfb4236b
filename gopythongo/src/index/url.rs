//! The little of RFC 3986 that indexes need: references against a base, user information, last path segments.

use percent_encoding::percent_decode_str;

/// `reference` against `base`, without its fragment; `None` unless the result is an `http` or `https` URL.
pub(super) fn join(base: &str, reference: &str) -> Option<String> {
    let reference = reference.split('#').next().unwrap_or_default();
    let (scheme, rest) = base.split_once("://")?;
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let joined = if has_scheme(reference) {
        reference.to_owned()
    } else if let Some(rest) = reference.strip_prefix("//") {
        format!("{scheme}://{rest}")
    } else if reference.starts_with('/') {
        format!("{scheme}://{authority}{}", without_dots(reference))
    } else {
        let directory = path.split('?').next().unwrap_or_default();
        let directory = &directory[..directory.rfind('/').map_or(0, |slash| slash + 1)];
        let directory = if directory.is_empty() { "/" } else { directory };
        format!("{scheme}://{authority}{}", without_dots(&format!("{directory}{reference}")))
    };
    is_http(&joined).then_some(joined)
}

/// Whether it is an `http` or `https` URL with a host.
pub(super) fn is_http(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with(['/', '?', '#', ':']))
}

/// Takes `user:password@` out of a URL; both are percent-decoded.
pub(super) fn split_user(url: &str) -> (String, Option<(String, String)>) {
    let Some((scheme, rest)) = url.split_once("://") else { return (url.to_owned(), None) };
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let Some((user, host)) = authority.rsplit_once('@') else { return (url.to_owned(), None) };
    let (user, password) = user.split_once(':').unwrap_or((user, ""));
    (format!("{scheme}://{host}{path}"), Some((decode(user), decode(password))))
}

/// Host and port as written, without user information.
pub(super) fn authority(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    authority.rsplit_once('@').map_or(authority, |(_, host)| host)
}

/// The host alone.
pub(super) fn host(url: &str) -> &str {
    let authority = authority(url);
    match authority.rsplit_once(':') {
        Some((host, port)) if port.chars().all(|c| c.is_ascii_digit()) => host,
        _ => authority,
    }
}

/// The last segment of the path, percent-decoded.
pub(super) fn last_segment(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    decode(path.rsplit('/').next().unwrap_or_default())
}

/// Percent-decodes; what is not UTF-8 is replaced.
pub(super) fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn has_scheme(reference: &str) -> bool {
    reference.split_once(':').is_some_and(|(scheme, _)| {
        scheme.starts_with(|c: char| c.is_ascii_alphabetic())
            && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'))
    })
}

fn without_dots(path: &str) -> String {
    let (path, query) = path.split_at(path.find('?').unwrap_or(path.len()));
    let mut parts: Vec<&str> = Vec::new();
    let count = path.split('/').count();
    for (index, part) in path.split('/').enumerate() {
        let last = index + 1 == count;
        match part {
            "." | ".." => {
                if part == ".." && parts.len() > 1 {
                    parts.pop();
                }
                if last {
                    parts.push("");
                }
            }
            _ => parts.push(part),
        }
    }
    format!("{}{query}", parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_taken_against_their_base() {
        let base = "https://host:8080/simple/money/?x=1";
        for (reference, url) in [
            ("https://files.example/a.whl#sha256=00", Some("https://files.example/a.whl")),
            ("//files.example/a.whl", Some("https://files.example/a.whl")),
            ("/packages/../a.whl", Some("https://host:8080/a.whl")),
            ("../../packages/a.whl#x", Some("https://host:8080/packages/a.whl")),
            ("a.whl?b=../c", Some("https://host:8080/simple/money/a.whl?b=../c")),
            ("../../../../a.whl", Some("https://host:8080/a.whl")),
            ("ftp://host/a.whl", None),
            ("javascript:alert(1)", None),
        ] {
            assert_eq!(join(base, reference).as_deref(), url, "{reference}");
        }
        assert_eq!(join("http://host", "a.whl").as_deref(), Some("http://host/a.whl"));
    }

    #[test]
    fn credentials_are_taken_out() {
        let (url, user) = split_user("https://me%40corp:p%3Aw@host:1/simple/");
        assert_eq!(url, "https://host:1/simple/");
        assert_eq!(user, Some(("me@corp".into(), "p:w".into())));
        assert_eq!(split_user("https://host/a@b").1, None);
        assert_eq!((host("https://u@host:1/x"), authority("https://u@host:1/x")), ("host", "host:1"));
        assert_eq!(host("http://[::1]/x"), "[::1]");
    }

    #[test]
    fn a_file_name_is_the_last_segment() {
        assert_eq!(last_segment("https://host/a/b%2Bc.whl?x/y#z/"), "b+c.whl");
    }
}
