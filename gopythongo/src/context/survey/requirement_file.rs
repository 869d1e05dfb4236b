//! Requirement files, as pip reads them: lines, continuations, comments, `-r`, `-c`, `-e .[extra]`, `--hash`.

use std::path::{Path, PathBuf};

use crate::python::{Requirement, name::normalize, project::Project};

/// What a requirement file and the files that it includes ask for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RequirementFile {
    /// Requirements that somebody wrote: those that a compiler added for others are left out.
    pub(super) requirements: Vec<String>,
    /// Everything that is pinned, `-c` files included.
    pub(super) pins: Vec<String>,
    /// Extras of the project itself: `.[test]`.
    pub(super) extras: Vec<String>,
}

impl RequirementFile {
    /// Reads a file of the project, and those that it includes; `None` where it is missing.
    pub(super) fn read(project: &mut Project, file: &Path) -> Option<Self> {
        let mut read = Self::default();
        let mut seen = Vec::new();
        let text = project.text(file)?;
        read.add(project, file, &text, true, &mut seen);
        Some(read)
    }

    /// Reads lines that stand elsewhere, as in `deps` of tox. They include files relative to the project.
    pub(super) fn of_lines(project: &mut Project, place: &str, lines: &[String]) -> Self {
        let mut read = Self::default();
        read.add(project, Path::new(place), &lines.join("\n"), true, &mut Vec::new());
        read
    }

    fn add(&mut self, project: &mut Project, file: &Path, text: &str, wanted: bool, seen: &mut Vec<PathBuf>) {
        if seen.iter().any(|path| path == file) {
            return;
        }
        seen.push(file.to_owned());
        for line in lines(text) {
            let words: Vec<&str> = line.text.splitn(2, ['=', ' ']).map(str::trim).collect();
            let included = |target: &str| file.with_file_name(target.trim());
            match words.as_slice() {
                ["-r" | "--requirement", target] => self.include(project, &included(target), wanted, seen),
                ["-c" | "--constraint", target] => self.include(project, &included(target), false, seen),
                ["-e" | "--editable", target] => self.own(target),
                _ if line.text.starts_with("-r") => self.include(project, &included(&line.text[2..]), wanted, seen),
                _ if line.text.starts_with("-c") => self.include(project, &included(&line.text[2..]), false, seen),
                _ if line.text.starts_with('-') => {}
                _ if line.text.starts_with(['.', '/']) => self.own(&line.text),
                _ => match line.text.parse::<Requirement>() {
                    Ok(requirement) => self.require(&requirement, wanted && line.is_direct),
                    Err(error) => project.problems.push(format!("{}: {error}", project.directory.join(file).display())),
                },
            }
        }
    }

    fn include(&mut self, project: &mut Project, file: &Path, wanted: bool, seen: &mut Vec<PathBuf>) {
        match project.text(file) {
            Some(text) => self.add(project, file, &text, wanted, seen),
            None => project.problems.push(format!(
                "{} is missing: another requirement file includes it",
                project.directory.join(file).display()
            )),
        }
    }

    fn require(&mut self, requirement: &Requirement, wanted: bool) {
        if requirement.pin().is_some() {
            self.pins.push(pin(requirement));
        }
        if wanted {
            self.requirements.push(requirement.to_string());
        }
    }

    /// `.`, `.[test]`, `./[test]`.
    fn own(&mut self, target: &str) {
        let inside = target.split_once('[').and_then(|(_, rest)| rest.split_once(']'));
        let names = inside.map(|(names, _)| names).unwrap_or_default().split(',').map(str::trim);
        self.extras.extend(names.filter(|name| !name.is_empty()).map(normalize));
    }
}

/// A pin as a constraint: without extras, which constraints cannot have.
pub(super) fn pin(requirement: &Requirement) -> String {
    Requirement { extras: Vec::new(), ..requirement.clone() }.to_string()
}

struct Line {
    text: String,
    /// Whether somebody wrote it: compilers say `# via another` of what they add, `# via -r tests.in` of what was asked for.
    is_direct: bool,
}

fn lines(text: &str) -> Vec<Line> {
    let mut lines: Vec<Line> = Vec::new();
    let mut vias: Vec<Vec<String>> = Vec::new();
    let mut open = String::new();
    for raw in text.lines() {
        let (code, comment) = split_comment(raw);
        if let Some(comment) = comment
            && let Some(via) = vias.last_mut()
        {
            via.push(comment.to_owned());
        }
        if code.is_empty() && open.is_empty() {
            continue;
        }
        if let Some(start) = code.strip_suffix('\\') {
            open.push_str(start);
            open.push(' ');
            continue;
        }
        open.push_str(code);
        let line = std::mem::take(&mut open);
        // Options of one requirement, of which hashes are the common ones.
        let text = if line.starts_with('-') { line.as_str() } else { line.split(" --").next().unwrap_or_default() };
        if !text.trim().is_empty() {
            lines.push(Line { text: text.trim().to_owned(), is_direct: true });
            vias.push(comment.into_iter().map(ToOwned::to_owned).collect());
        }
    }
    for (line, via) in lines.iter_mut().zip(vias) {
        let is_compiled = via.iter().any(|comment| comment.starts_with("via"));
        let is_asked_for = via.iter().any(|comment| {
            let of = comment.strip_prefix("via").unwrap_or(comment).trim();
            of.starts_with("-r ") || of.contains("(pyproject.toml)") || of.contains("(setup.") || of.contains(':')
        });
        line.is_direct = !is_compiled || is_asked_for;
    }
    lines
}

fn split_comment(line: &str) -> (&str, Option<&str>) {
    let line = line.trim();
    if let Some(comment) = line.strip_prefix('#') {
        return ("", Some(comment.trim()));
    }
    match line.find(" #").or_else(|| line.find("\t#")) {
        Some(at) => (line[..at].trim_end(), Some(line[at + 2..].trim())),
        None => (line, None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    fn read(files: &[(&str, &str)]) -> (RequirementFile, Vec<String>) {
        let directory = tree(files);
        let mut project = Project::read(directory.path());
        let read = RequirementFile::read(&mut project, Path::new(files[0].0)).unwrap_or_default();
        let here = format!("{}/", directory.path().display());
        (read, project.problems.iter().map(|problem| problem.replace(&here, "")).collect())
    }

    #[test]
    fn lines_are_read_as_pip_does() {
        let text = "\
# tests
pytest>=8 # the runner
coverage [toml] == 7.6 ; python_version >= '3.9' \\
    --hash=sha256:00 \\
    --hash=sha256:11
--index-url https://localhost/simple
-e .[test, Fast_json]
.
";
        let (read, problems) = read(&[("tests.txt", text)]);
        assert_eq!(read.requirements, ["pytest>=8", "coverage[toml]==7.6; python_version >= '3.9'"]);
        assert_eq!(read.pins, ["coverage==7.6; python_version >= '3.9'"]);
        assert_eq!(read.extras, ["test", "fast-json"]);
        assert_eq!(problems, [""; 0]);
    }

    #[test]
    fn files_include_each_other() {
        let tests = ("requirements/tests.in", "-r base.in\n-c ../pins.txt\npytest\n");
        let base = ("requirements/base.in", "--requirement tests.in\nattrs==1\n");
        let (read, _) = read(&[tests, base, ("pins.txt", "pytest==8.3.3\n")]);
        assert_eq!(read.requirements, ["attrs==1", "pytest"]);
        assert_eq!(read.pins, ["attrs==1", "pytest==8.3.3"]);
    }

    #[test]
    fn what_a_compiler_added_is_pinned_but_not_asked_for() {
        let text = "\
iniconfig==2.0.0
    # via pytest
pytest==8.3.3
    # via
    #   -r tests.in
    #   pytest-asyncio
trio==1.0  # via -r tests.in
idna==3.0  # via trio
";
        let (read, _) = read(&[("tests.txt", text)]);
        assert_eq!(read.requirements, ["pytest==8.3.3", "trio==1.0"]);
        assert_eq!(read.pins, ["iniconfig==2.0.0", "pytest==8.3.3", "trio==1.0", "idna==3.0"]);
    }

    #[test]
    fn mistakes_name_the_file() {
        let (_, problems) = read(&[("tests.txt", "-r missing.txt\npytest pytest-cov\n")]);
        assert_eq!(
            problems,
            [
                "missing.txt is missing: another requirement file includes it",
                "tests.txt: `pytest pytest-cov` is not a requirement: a comparison such as `>=1.0` is expected at `pytest-cov`",
            ]
        );
    }
}
