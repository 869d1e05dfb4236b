//! Which form of a page a client wants (PEP 691).

/// The form of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// PEP 691 JSON.
    Json,
    /// PEP 503 HTML under its versioned name.
    Html,
    /// PEP 503 HTML under the name that browsers know.
    Text,
}

impl Form {
    /// The value of `Content-Type`.
    pub(super) fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/vnd.pypi.simple.v1+json",
            Self::Html => "application/vnd.pypi.simple.v1+html; charset=utf-8",
            Self::Text => "text/html; charset=utf-8",
        }
    }

    /// The best form for an `Accept` header; HTML without one, nothing if none of ours is accepted.
    pub(super) fn negotiate(accept: Option<&str>) -> Option<Self> {
        let Some(accept) = accept.filter(|accept| !accept.trim().is_empty()) else { return Some(Self::Text) };
        let ranges: Vec<(&str, f32)> = accept.split(',').map(range).collect();
        // Where a client likes several equally, the first of ours is taken.
        let mut best: Option<(Self, f32)> = None;
        for (form, names) in FORMS {
            let quality = quality(&ranges, names);
            if quality > 0.0 && best.is_none_or(|(_, other)| quality > other) {
                best = Some((form, quality));
            }
        }
        // `*/*` alone is a person with curl.
        match best {
            Some((Self::Json, _)) if !ranges.iter().any(|(name, _)| name.contains("json")) => Some(Self::Text),
            best => best.map(|(form, _)| form),
        }
    }
}

const FORMS: [(Form, &[&str]); 3] = [
    (Form::Json, &["application/vnd.pypi.simple.v1+json", "application/vnd.pypi.simple.latest+json"]),
    (Form::Html, &["application/vnd.pypi.simple.v1+html", "application/vnd.pypi.simple.latest+html"]),
    (Form::Text, &["text/html"]),
];

fn range(text: &str) -> (&str, f32) {
    let mut parts = text.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default();
    let quality = parts.find_map(|part| part.strip_prefix("q=")?.trim().parse().ok());
    (name, quality.unwrap_or(1.0))
}

/// The quality of the most specific range that covers one of the names.
fn quality(ranges: &[(&str, f32)], names: &[&str]) -> f32 {
    let of =
        |wanted: &str| ranges.iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, quality)| *quality);
    let kind = names[0].split('/').next().unwrap_or_default();
    names.iter().find_map(|name| of(name)).or_else(|| of(&format!("{kind}/*"))).or_else(|| of("*/*")).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_get_what_they_like_best() {
        for (accept, form) in [
            (None, Some(Form::Text)),
            (Some("*/*"), Some(Form::Text)),
            (Some("text/html,application/xhtml+xml,*/*;q=0.8"), Some(Form::Text)),
            (
                Some(
                    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01",
                ),
                Some(Form::Json),
            ),
            (Some("application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2"), Some(Form::Json)),
            (Some("application/vnd.pypi.simple.v1+html"), Some(Form::Html)),
            (Some("application/vnd.pypi.simple.latest+json"), Some(Form::Json)),
            (Some("text/html;q=0.9, application/vnd.pypi.simple.v1+json;q=0.1"), Some(Form::Text)),
            (Some("image/png"), None),
            (Some("text/html;q=0"), None),
        ] {
            assert_eq!(Form::negotiate(accept), form, "{accept:?}");
        }
    }
}
