//! Coverage as Cobertura's XML, which Jenkins, GitLab and Azure read.

use std::collections::BTreeMap;

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, Event},
};

use crate::python::{Coverage, FileCoverage};

impl Coverage {
    /// Writes it as a report of Cobertura (its `coverage-04.dtd`). `place` gives a file's name in the repository.
    ///
    /// # Errors
    /// None but those of writing to memory.
    pub(crate) fn cobertura(&self, place: impl Fn(&str) -> String) -> std::io::Result<Vec<u8>> {
        let mut packages: BTreeMap<String, Vec<(String, &FileCoverage)>> = BTreeMap::new();
        for (path, file) in &self.files {
            let path = place(path);
            let package =
                path.rsplit_once('/').map_or_else(|| ".".to_owned(), |(package, _)| package.replace('/', "."));
            packages.entry(package).or_default().push((path, file));
        }
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        let all = Rates::of(self.files.values());
        let mut top = BytesStart::new("coverage");
        for (name, number) in [
            ("lines-covered", all.lines.0),
            ("lines-valid", all.lines.1),
            ("branches-covered", all.branches.0),
            ("branches-valid", all.branches.1),
            ("complexity", 0),
            // the report is the same for the same coverage
            ("timestamp", 0),
        ] {
            top.push_attribute((name, number.to_string().as_str()));
        }
        top.push_attribute(("version", env!("CARGO_PKG_VERSION")));
        all.put(&mut top);
        writer.write_event(Event::Start(top))?;
        writer.create_element("sources").write_inner_content(|writer| {
            writer.create_element("source").write_text_content(quick_xml::events::BytesText::new("."))?;
            Ok(())
        })?;
        writer.write_event(Event::Start(BytesStart::new("packages")))?;
        for (name, files) in packages {
            let mut package =
                BytesStart::new("package").with_attributes([("name", name.as_str()), ("complexity", "0")]);
            Rates::of(files.iter().map(|(_, file)| *file)).put(&mut package);
            writer.write_event(Event::Start(package))?;
            writer.write_event(Event::Start(BytesStart::new("classes")))?;
            files.iter().try_for_each(|(path, file)| class(&mut writer, path, file))?;
            writer.write_event(Event::End(BytesEnd::new("classes")))?;
            writer.write_event(Event::End(BytesEnd::new("package")))?;
        }
        writer.write_event(Event::End(BytesEnd::new("packages")))?;
        writer.write_event(Event::End(BytesEnd::new("coverage")))?;
        Ok(writer.into_inner())
    }
}

fn class(writer: &mut Writer<Vec<u8>>, path: &str, file: &FileCoverage) -> std::io::Result<()> {
    let name = path.rsplit('/').next().unwrap_or(path);
    let mut class = BytesStart::new("class").with_attributes([("name", name), ("filename", path), ("complexity", "0")]);
    Rates::of([file]).put(&mut class);
    writer.write_event(Event::Start(class))?;
    writer.write_event(Event::Empty(BytesStart::new("methods")))?;
    writer.write_event(Event::Start(BytesStart::new("lines")))?;
    let branches = file.branches_by_line();
    for (number, ran) in file.lines() {
        let mut line = BytesStart::new("line");
        line.push_attribute(("number", number.to_string().as_str()));
        line.push_attribute(("hits", if ran { "1" } else { "0" }));
        if let Some(branches) = branches.get(&i64::from(number)).filter(|branches| branches.len() > 1) {
            let (taken, all) = (branches.iter().filter(|(_, taken)| **taken).count(), branches.len());
            line.push_attribute(("branch", "true"));
            line.push_attribute(("condition-coverage", format!("{}% ({taken}/{all})", taken * 100 / all).as_str()));
        }
        writer.write_event(Event::Empty(line))?;
    }
    writer.write_event(Event::End(BytesEnd::new("lines")))?;
    writer.write_event(Event::End(BytesEnd::new("class")))
}

/// Covered and all, of lines and of branches.
#[derive(Default)]
struct Rates {
    lines: (usize, usize),
    branches: (usize, usize),
}

impl Rates {
    fn of<'a>(files: impl IntoIterator<Item = &'a FileCoverage>) -> Self {
        let mut rates = Self::default();
        for file in files {
            rates.lines.0 += file.executed.len();
            rates.lines.1 += file.executed.len() + file.missing.len();
            rates.branches.0 += file.executed_branches.len();
            rates.branches.1 += file.executed_branches.len() + file.missing_branches.len();
        }
        rates
    }

    fn put(&self, element: &mut BytesStart<'_>) {
        for (name, (covered, all)) in [("line-rate", self.lines), ("branch-rate", self.branches)] {
            // four digits, cut: 1 is all of it
            let parts = (covered * 10_000).checked_div(all).unwrap_or(10_000);
            element.push_attribute((name, format!("{}.{:04}", parts / 10_000, parts % 10_000).as_str()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_and_branches_stand_in_the_classes_of_their_packages() {
        let mut coverage = Coverage::default();
        coverage.files.insert(
            "src/money/rates.py".to_owned(),
            FileCoverage {
                executed: [1, 2].into(),
                missing: [4].into(),
                executed_branches: [(2, 3)].into(),
                missing_branches: [(2, 4)].into(),
            },
        );
        let report = coverage.cobertura(|path| format!("libs/money/{path}")).expect("it is written to memory");
        let report = String::from_utf8(report).expect("text");
        for part in [
            r#"<coverage lines-covered="2" lines-valid="3" branches-covered="1" branches-valid="2""#,
            r#"line-rate="0.6666" branch-rate="0.5000""#,
            r#"<package name="libs.money.src.money""#,
            r#"<class name="rates.py" filename="libs/money/src/money/rates.py""#,
            r#"<line number="2" hits="1" branch="true" condition-coverage="50% (1/2)"/>"#,
            r#"<line number="4" hits="0"/>"#,
        ] {
            assert!(report.contains(part), "{part} in {report}");
        }
    }
}
