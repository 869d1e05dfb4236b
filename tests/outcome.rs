//! What a run of a pipeline's program printed, and how it ended.

use std::{collections::BTreeMap, process::Output};

use serde_json::Value;

/// A finished run of a pipeline's program.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The exit code; 128 + signal as shells count.
    pub code: i32,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

impl Outcome {
    /// Takes in what a process printed.
    #[must_use]
    pub fn of(output: &Output) -> Self {
        use std::os::unix::process::ExitStatusExt;
        let status = output.status;
        Self {
            code: status.code().unwrap_or_else(|| 128 + status.signal().unwrap_or_default()),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Fails the test unless the program ended with `code`.
    #[track_caller]
    pub fn ends_with(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.essence(), self.stderr);
        self
    }

    /// Standard output without what commands printed, which a failure repeats as far as it matters.
    fn essence(&self) -> String {
        let lines = self.stdout.lines().filter(|line| !line.contains("\"type\":\"output\""));
        lines.map(|line| format!("{line}\n")).collect()
    }

    /// Fails the test unless standard error holds `text`.
    #[track_caller]
    pub fn says(self, text: &str) -> Self {
        assert!(self.stderr.contains(text), "`{text}` is not in\n{}", self.stderr);
        self
    }

    /// The events of a run with `--json`.
    ///
    /// # Panics
    /// When a line is no JSON.
    #[must_use]
    pub fn events(&self) -> Vec<Value> {
        let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|error| panic!("`{line}`: {error}"));
        self.stdout.lines().map(parse).collect()
    }

    /// The `step-finished` event of a step of a run with `--json`; the last one if the run began again.
    ///
    /// # Panics
    /// When the step did not end.
    #[must_use]
    pub fn finished(&self, step: &str) -> Value {
        let mut events = self.events().into_iter().rev();
        let found = events.find(|event| event["type"] == "step-finished" && event["step"] == step);
        found.unwrap_or_else(|| panic!("`{step}` did not end in\n{}", self.essence()))
    }

    /// How each step ended, by step, of a run with `--json`.
    #[must_use]
    pub fn steps(&self) -> BTreeMap<String, String> {
        let text = |event: &Value, field: &str| event[field].as_str().unwrap_or_default().to_owned();
        self.events()
            .iter()
            .filter(|event| event["type"] == "step-finished")
            .map(|event| (text(event, "step"), text(event, "outcome")))
            .collect()
    }

    /// The steps of a run with `--json` that were really executed.
    #[must_use]
    pub fn executed(&self) -> Vec<String> {
        self.steps()
            .into_iter()
            .filter(|(_, outcome)| outcome == "passed" || outcome == "failed")
            .map(|(step, _)| step)
            .collect()
    }

    /// How many tests passed in all suites of a run with `--json`.
    #[must_use]
    pub fn tests_passed(&self) -> u64 {
        let finished = self.events().into_iter().filter(|event| event["type"] == "step-finished");
        finished.filter_map(|event| event["tests"]["passed"].as_u64()).sum()
    }
}
