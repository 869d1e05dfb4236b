//! JUnit reports: counts, names of what failed, and the report without what differs from run to run.

use std::collections::BTreeMap;

use quick_xml::{
    Reader, Writer,
    events::{BytesStart, Event, attributes::Attribute},
};

use crate::run::TestCounts;

/// What a JUnit report says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(in crate::python) struct Junit {
    pub(in crate::python) counts: TestCounts,
    /// Tests that failed, as pytest names them: `tests/test_x.py::test_y`.
    pub(in crate::python) failed: Vec<String>,
    /// Modules that could not be collected.
    pub(in crate::python) broken: Vec<String>,
    /// The report without times of day and host names.
    pub(in crate::python) text: Vec<u8>,
}

/// One test as it is read.
#[derive(Default)]
struct Case {
    class: String,
    name: String,
    file: Option<String>,
    failed: bool,
    skipped: bool,
    uncollected: bool,
}

impl Junit {
    /// Reads a report. `is_file` tells whether a path below the tested directory is a file there.
    pub(in crate::python) fn read(text: &str, is_file: impl Fn(&str) -> bool) -> Result<Self, quick_xml::Error> {
        let mut reader = Reader::from_str(text);
        let mut writer = Writer::new(Vec::new());
        let mut junit = Self::default();
        let mut case: Option<Case> = None;
        loop {
            match reader.read_event()? {
                Event::Eof => break,
                Event::Start(tag) => {
                    junit.open(&tag, &mut case);
                    writer.write_event(Event::Start(constant(&tag)))?;
                }
                Event::Empty(tag) => {
                    junit.open(&tag, &mut case);
                    if tag.name().as_ref() == "testcase".as_bytes() {
                        junit.close(case.take(), &is_file);
                    }
                    writer.write_event(Event::Empty(constant(&tag)))?;
                }
                Event::End(tag) => {
                    if tag.name().as_ref() == "testcase".as_bytes() {
                        junit.close(case.take(), &is_file);
                    }
                    writer.write_event(Event::End(tag))?;
                }
                other => writer.write_event(other)?,
            }
        }
        junit.text = writer.into_inner();
        Ok(junit)
    }

    /// Whether it has no test: not even a skipped one.
    pub(in crate::python) fn is_empty(&self) -> bool {
        self.counts == TestCounts::default()
    }

    fn open(&mut self, tag: &BytesStart<'_>, case: &mut Option<Case>) {
        let mut attributes = attributes(tag);
        match (tag.name().as_ref(), case) {
            (b"testcase", case) => {
                *case = Some(Case {
                    class: attributes.remove("classname").unwrap_or_default(),
                    name: attributes.remove("name").unwrap_or_default(),
                    file: attributes.remove("file"),
                    ..Case::default()
                });
            }
            (b"failure", Some(case)) => case.failed = true,
            (b"error", Some(case)) => {
                case.failed = true;
                case.uncollected = attributes.get("message").is_some_and(|message| message == "collection failure");
            }
            // an expected failure that fails stands here too: pytest does not count it as passed
            (b"skipped", Some(case)) => case.skipped = true,
            _ => {}
        }
    }

    fn close(&mut self, case: Option<Case>, is_file: &impl Fn(&str) -> bool) {
        let Some(case) = case else { return };
        if case.failed {
            self.counts.failed += 1;
            let id = case.id(is_file);
            if case.uncollected { self.broken.push(id) } else { self.failed.push(id) }
        } else if case.skipped {
            self.counts.skipped += 1;
        } else {
            self.counts.passed += 1;
        }
    }
}

impl Case {
    fn id(&self, is_file: impl Fn(&str) -> bool) -> String {
        let words: Vec<&str> = self.class.split('.').filter(|word| !word.is_empty()).collect();
        if words.is_empty() {
            let module = format!("{}.py", self.name.replace('.', "/"));
            return if is_file(&module) { module } else { self.name.clone() };
        }
        if let Some(file) = &self.file {
            return format!("{file}::{}", self.name);
        }
        let module = (1..=words.len()).rev().find(|n| is_file(&format!("{}.py", words[..*n].join("/"))));
        match module {
            Some(n) => {
                let classes: String = words[n..].iter().map(|class| format!("::{class}")).collect();
                format!("{}.py{classes}::{}", words[..n].join("/"), self.name)
            }
            None => format!("{}.{}", self.class, self.name),
        }
    }
}

fn attributes(tag: &BytesStart<'_>) -> BTreeMap<String, String> {
    let text = |attribute: Attribute<'_>| {
        let name = String::from_utf8_lossy(attribute.key.as_ref()).into_owned();
        Some((name, quick_xml::escape::unescape(std::str::from_utf8(&attribute.value).ok()?).ok()?.into_owned()))
    };
    tag.attributes().flatten().filter_map(text).collect()
}

fn constant(tag: &BytesStart<'_>) -> BytesStart<'static> {
    let mut copy = BytesStart::new(String::from_utf8_lossy(tag.name().as_ref()).into_owned());
    let varying = |attribute: &Attribute<'_>| matches!(attribute.key.as_ref(), b"timestamp" | b"hostname");
    copy.extend_attributes(tag.attributes().flatten().filter(|attribute| !varying(attribute)));
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    const REPORT: &str = r#"<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest"
        errors="1" failures="1" skipped="2" tests="6" time="0.085" timestamp="2026-01-02T03:04:05" hostname="box">
        <testcase classname="tests.test_x" name="test_a" time="0.001" />
        <testcase classname="tests.test_x.TestB" name="test_c[a&lt;b]" time="0.001"><failure message="no">x &lt; y</failure></testcase>
        <testcase classname="" name="tests.test_broken" time="0.000"><error message="collection failure">E</error></testcase>
        <testcase classname="tests.test_x" name="test_d" time="0.000"><skipped type="pytest.skip" message="no network" /></testcase>
        <testcase classname="tests.test_x" name="test_e" time="0.000"><skipped type="pytest.xfail" message="" /></testcase>
        <testcase classname="elsewhere" name="test_f" time="0.000"><error message="failed on setup">E</error></testcase>
        </testsuite></testsuites>"#;

    #[test]
    fn tests_are_counted_and_named_as_pytest_names_them() {
        let files = ["tests/test_x.py", "tests/test_broken.py"];
        let junit = Junit::read(REPORT, |path| files.contains(&path)).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(junit.counts, TestCounts { passed: 1, failed: 3, skipped: 2 });
        assert_eq!(junit.failed, ["tests/test_x.py::TestB::test_c[a<b]", "elsewhere.test_f"]);
        assert_eq!(junit.broken, ["tests/test_broken.py"]);
    }

    #[test]
    fn what_differs_from_run_to_run_is_left_out() {
        let junit = Junit::read(REPORT, |_| false).unwrap_or_else(|error| panic!("{error}"));
        let text = String::from_utf8_lossy(&junit.text);
        assert!(!text.contains("2026-01-02") && !text.contains("box"), "{text}");
        assert!(text.contains("a&lt;b") && text.contains(r#"time="0.085""#), "{text}");
    }
}
