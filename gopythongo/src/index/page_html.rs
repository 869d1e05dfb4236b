//! Project pages as older indexes send them: HTML (PEP 503, 592, 658), read tolerantly.

use super::{CoreMetadata, UpstreamFile, url};

/// Parses a page that came from `base`: every `<a href>` whose last path segment is a file's name. Never fails.
pub(super) fn parse(base: &str, text: &str) -> Vec<UpstreamFile> {
    let mut files = Vec::new();
    let mut base = base.to_owned();
    for tag in tags(text) {
        let attributes = attributes(tag);
        let get = |name: &str| attributes.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let Some(href) = get("href") else { continue };
        if is_element(tag, "base") {
            base = url::join(&base, href).unwrap_or(base);
            continue;
        }
        let Some(url) = url::join(&base, href) else { continue };
        let file = url::last_segment(&url);
        if file.is_empty() {
            continue;
        }
        let fragment = href.split_once('#').map_or("", |(_, fragment)| fragment);
        let metadata = match get("data-core-metadata").or_else(|| get("data-dist-info-metadata")) {
            None | Some("false") => CoreMetadata::Absent,
            Some(value) => sha256(value).map_or(CoreMetadata::Present, CoreMetadata::Hashed),
        };
        files.push(UpstreamFile {
            url,
            file,
            digest: sha256(fragment),
            requires_python: get("data-requires-python").filter(|value| !value.is_empty()).map(str::to_owned),
            yanked: get("data-yanked").is_some(),
            yanked_reason: get("data-yanked").filter(|reason| !reason.is_empty()).map(str::to_owned),
            metadata,
            size: None,
            uploaded: None,
        });
    }
    files
}

fn sha256(text: &str) -> Option<crate::support::Digest> {
    text.split('&').find_map(|part| part.strip_prefix("sha256=")?.parse().ok())
}

/// The insides of `<a …>` and `<base …>`, comments left out.
fn tags(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        loop {
            rest = &rest[rest.find('<')?..];
            if rest.starts_with("<!--") {
                rest = &rest[rest.find("-->")? + 3..];
                continue;
            }
            let end = tag_end(rest)?;
            let tag = &rest[1..end];
            rest = &rest[end..];
            if is_element(tag, "a") || is_element(tag, "base") {
                return Some(tag);
            }
        }
    })
}

/// Where the `>` of the tag at the start of `text` is: not one within quotes.
fn tag_end(text: &str) -> Option<usize> {
    let mut quote = None;
    text.char_indices().find_map(|(at, c)| {
        match (quote, c) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if open == c => quote = None,
            _ => {}
        }
        None
    })
}

fn is_element(tag: &str, name: &str) -> bool {
    tag.get(..name.len()).is_some_and(|head| head.eq_ignore_ascii_case(name))
        && tag[name.len()..].starts_with(|c: char| c.is_ascii_whitespace())
}

/// The attributes of a tag, their names in lower case, entities in their values resolved.
fn attributes(tag: &str) -> Vec<(String, String)> {
    let mut attributes = Vec::new();
    let mut rest = tag.split_once(|c: char| c.is_ascii_whitespace()).map_or("", |(_, rest)| rest);
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == '/');
        let end = rest.find(|c: char| c.is_ascii_whitespace() || c == '=').unwrap_or(rest.len());
        if end == 0 {
            return attributes;
        }
        let name = rest[..end].to_ascii_lowercase();
        rest = rest[end..].trim_start();
        let mut value = "";
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
            let open = quote.map_or(after, |_| &after[1..]);
            let end = match quote {
                Some(quote) => open.find(quote),
                None => open.find(|c: char| c.is_ascii_whitespace()),
            }
            .unwrap_or(open.len());
            value = &open[..end];
            rest = open[end..].strip_prefix(['"', '\'']).unwrap_or(&open[end..]);
        }
        attributes.push((name, unescape(value)));
    }
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let resolved = rest.find(';').filter(|end| *end < 12).and_then(|end| Some((entity(&rest[1..end])?, end)));
        match resolved {
            Some((c, end)) => {
                plain.push(c);
                rest = &rest[end + 1..];
            }
            None => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain + rest
}

fn entity(name: &str) -> Option<char> {
    match name {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::Digest;

    #[test]
    fn links_are_read_with_their_attributes() {
        let digest = Digest::of("x");
        let text = format!(
            "<!DOCTYPE html><html><body><!-- <a href='no.whl'>no</a> -->\
             <a href=\"../../files/money-1.0%2Bb1-py3-none-any.whl#sha256={digest}\" data-requires-python=\"&gt;=3.9,&#60;4\"\
               data-dist-info-metadata=\"sha256={digest}\" data-yanked=\"\">money</a><br/>\
             <A HREF='/x/money-1.0.tar.gz' data-yanked='a > b'>money</A>\
             <a href=money-0.9.tar.gz>old</a><a name=x>no link</a><abbr href='y'>no</abbr><a href='mailto:x'>no</a>"
        );
        let files = parse("https://host/simple/money/", &text);
        let names: Vec<_> = files.iter().map(|file| file.file.as_str()).collect();
        assert_eq!(names, ["money-1.0+b1-py3-none-any.whl", "money-1.0.tar.gz", "money-0.9.tar.gz"]);
        assert_eq!((files[0].digest, files[0].metadata), (Some(digest), CoreMetadata::Hashed(digest)));
        assert_eq!(files[0].requires_python.as_deref(), Some(">=3.9,<4"));
        assert_eq!((files[0].yanked, files[0].yanked_reason.as_deref()), (true, None));
        assert_eq!(
            (files[1].url.as_str(), files[1].yanked_reason.as_deref()),
            ("https://host/x/money-1.0.tar.gz", Some("a > b"))
        );
        assert_eq!(files[2].url, "https://host/simple/money/money-0.9.tar.gz");
    }

    #[test]
    fn garbage_is_no_page_and_no_panic() {
        for text in [
            "",
            "<",
            "<a",
            "<a href",
            "<a href=",
            "<a href='x",
            "<!--",
            "<a href=x>&#xFFFFFFFF;é<",
            "&;<é>",
            "<a é='ü' href=é>",
        ] {
            parse("https://host/", text);
        }
    }
}
