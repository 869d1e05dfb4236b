//! Parts of files (RFC 9110, section 14).

/// What a `Range` header asks of a file of so many bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    /// The whole: there is no range, or one of a kind that may be ignored.
    Whole,
    /// From the first byte to the last one, both included.
    Bytes(u64, u64),
    /// Nothing of it lies within the file.
    Unsatisfiable,
}

/// Reads a `Range` header; several ranges at once are answered by the whole.
pub(super) fn parse(header: Option<&str>, size: u64) -> Part {
    let Some(range) = header.and_then(|header| header.strip_prefix("bytes=")) else { return Part::Whole };
    let Some((first, last)) = range.split_once('-') else { return Part::Whole };
    let number = |text: &str| text.trim().parse::<u64>().ok();
    match (first.trim(), last.trim()) {
        ("", suffix) => match number(suffix) {
            None => Part::Whole,
            Some(0) => Part::Unsatisfiable,
            Some(_) if size == 0 => Part::Unsatisfiable,
            Some(length) => Part::Bytes(size.saturating_sub(length), size - 1),
        },
        (first, last) => match (number(first), number(last)) {
            (None, _) => Part::Whole,
            (Some(_), None) if !last.is_empty() => Part::Whole,
            (Some(first), Some(last)) if last < first => Part::Whole,
            (Some(first), _) if first >= size => Part::Unsatisfiable,
            (Some(first), last) => Part::Bytes(first, last.unwrap_or(u64::MAX).min(size - 1)),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_the_file() {
        for (header, part) in [
            (None, Part::Whole),
            (Some("bytes=0-0"), Part::Bytes(0, 0)),
            (Some("bytes=2-"), Part::Bytes(2, 9)),
            (Some("bytes=2-100"), Part::Bytes(2, 9)),
            (Some("bytes=-4"), Part::Bytes(6, 9)),
            (Some("bytes=-100"), Part::Bytes(0, 9)),
            (Some("bytes=10-"), Part::Unsatisfiable),
            (Some("bytes=-0"), Part::Unsatisfiable),
            (Some("bytes=4-2"), Part::Whole),
            (Some("bytes=0-1,4-5"), Part::Whole),
            (Some("lines=0-1"), Part::Whole),
            (Some("bytes=x-"), Part::Whole),
        ] {
            assert_eq!(parse(header, 10), part, "{header:?}");
        }
        assert_eq!(parse(Some("bytes=0-"), 0), Part::Unsatisfiable);
    }
}
