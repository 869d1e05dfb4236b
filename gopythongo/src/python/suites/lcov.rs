//! Coverage as lcov's tracefile (geninfo(1)), which editors read.

use std::fmt::Write as _;

use crate::python::Coverage;

impl Coverage {
    /// Writes it as a tracefile. `place` gives a file's name in the repository.
    pub(crate) fn lcov(&self, place: impl Fn(&str) -> String) -> String {
        let mut text = String::new();
        for (path, file) in &self.files {
            let _ = writeln!(text, "SF:{}", place(path));
            for (number, ran) in file.lines() {
                let _ = writeln!(text, "DA:{number},{}", u8::from(ran));
            }
            let _ = writeln!(text, "LF:{}\nLH:{}", file.executed.len() + file.missing.len(), file.executed.len());
            for (line, branches) in file.branches_by_line().into_iter().filter(|(line, _)| *line > 0) {
                for (number, (_, taken)) in branches.into_iter().enumerate() {
                    // of a line that did not run, nothing is known
                    let ran = u32::try_from(line).is_ok_and(|line| file.executed.contains(&line));
                    let taken = if ran { if taken { "1" } else { "0" } } else { "-" };
                    let _ = writeln!(text, "BRDA:{line},0,{number},{taken}");
                }
            }
            let taken = file.executed_branches.len();
            let _ = writeln!(text, "BRF:{}\nBRH:{taken}\nend_of_record", taken + file.missing_branches.len());
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::FileCoverage;

    #[test]
    fn a_record_has_the_lines_and_branches_of_a_file() {
        let file = FileCoverage {
            executed: [1, 2].into(),
            missing: [4].into(),
            executed_branches: [(2, 3)].into(),
            missing_branches: [(2, 4), (4, 5)].into(),
        };
        let coverage = Coverage { files: [("m.py".to_owned(), file)].into() };
        assert_eq!(
            coverage.lcov(|path| format!("libs/{path}")),
            "SF:libs/m.py\nDA:1,1\nDA:2,1\nDA:4,0\nLF:3\nLH:2\nBRDA:2,0,0,1\nBRDA:2,0,1,0\nBRDA:4,0,0,-\nBRF:3\nBRH:1\n\
             end_of_record\n"
        );
    }
}
