//! INI files as Python's configparser reads them: `key = value` or `key: value` below `[section]`, continued on indented lines.

use std::ops::Range;

/// The sections of an INI file, in order. Text that makes no sense is skipped: other programs complain about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ini {
    sections: Vec<(String, Vec<Entry>)>,
}

/// One `key = value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// As written.
    pub key: String,
    /// The lines of the value, each trimmed, without comment lines.
    pub value: String,
    /// Where the first line of the value stands in the text, in bytes.
    pub span: Range<usize>,
}

impl Ini {
    /// Reads the text of an INI file.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut ini = Self::default();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            let from = start;
            start += line.len();
            let trimmed = line.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            let entries = ini.sections.last_mut().map(|(_, entries)| entries);
            if line.starts_with([' ', '\t'])
                && let Some(entry) = entries.and_then(|entries| entries.last_mut())
            {
                entry.value.push('\n');
                entry.value.push_str(trimmed);
            } else if let Some(name) = trimmed.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                ini.sections.push((name.0.trim().to_owned(), Vec::new()));
            } else if let Some((_, entries)) = ini.sections.last_mut() {
                entries.extend(entry(line, from));
            }
        }
        ini
    }

    /// The entries of a section; `None` if there is none of that name.
    #[must_use]
    pub fn section(&self, name: &str) -> Option<&[Entry]> {
        self.sections.iter().find(|(section, _)| section == name).map(|(_, entries)| entries.as_slice())
    }

    /// Names of the sections, in order.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.sections.iter().map(|(name, _)| name.as_str())
    }

    /// An entry. Keys are compared without case, `-` and `_` being the same, as setuptools does.
    #[must_use]
    pub fn entry(&self, section: &str, key: &str) -> Option<&Entry> {
        let plain = |key: &str| key.to_ascii_lowercase().replace('-', "_");
        self.section(section)?.iter().find(|entry| plain(&entry.key) == plain(key))
    }

    /// A value.
    #[must_use]
    pub fn get(&self, section: &str, key: &str) -> Option<&str> {
        self.entry(section, key).map(|entry| entry.value.as_str())
    }
}

fn entry(line: &str, from: usize) -> Option<Entry> {
    let at = line.find(['=', ':'])?;
    let raw = &line[at + 1..];
    let value = raw.trim();
    let begin = from + at + 1 + (raw.len() - raw.trim_start().len());
    Some(Entry { key: line[..at].trim().to_owned(), value: value.to_owned(), span: begin..begin + value.len() })
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
# a comment
[metadata]
name = shop
Version: 1.5.0
[options]
install_requires =
    flask>=3
    # not this one
    money ; python_version > '3.8'
[empty]
";

    #[test]
    fn values_are_read_by_section_and_key() {
        let ini = Ini::parse(TEXT);
        assert_eq!(ini.get("metadata", "version"), Some("1.5.0"));
        assert_eq!(ini.get("options", "install-requires"), Some("\nflask>=3\nmoney ; python_version > '3.8'"));
        assert_eq!(ini.section("empty"), Some(&[][..]));
        assert_eq!(ini.section("missing"), None);
        assert_eq!(ini.names().collect::<Vec<_>>(), ["metadata", "options", "empty"]);
    }

    #[test]
    fn spans_point_at_values() {
        let span = Ini::parse(TEXT).entry("metadata", "version").map(|entry| entry.span.clone());
        assert_eq!(span.map(|span| &TEXT[span]), Some("1.5.0"));
    }
}
