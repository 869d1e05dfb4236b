//! `serve` of an example, running until it is dropped.

use std::{
    io::{BufRead, BufReader},
    process::{Child, ChildStdout, Stdio},
};

use rustix::process::{Pid, Signal, kill_process};

use crate::{Example, Outcome};

/// A running `serve`.
#[derive(Debug)]
pub struct Served {
    child: Child,
    /// Kept open: a server that cannot print would end.
    _stdout: BufReader<ChildStdout>,
    /// What it printed, until it began to wait.
    pub lines: Vec<String>,
    /// The simple index of `develop`, with a slash at the end.
    pub index: String,
    /// What uploads must bring.
    pub token: String,
}

impl Served {
    /// Serves the packages of an example on a free port.
    ///
    /// # Panics
    /// When `serve` does not begin with what it serves.
    #[must_use]
    pub fn of(example: &Example) -> Self {
        let mut command = example.command(&["serve", "--port", "0"]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("standard output"));
        let mut lines = Vec::new();
        while lines.last().is_none_or(|line| line != "until Ctrl-C") {
            let mut line = String::new();
            if stdout.read_line(&mut line).expect("`serve` prints") == 0 {
                let ended = child.wait_with_output().map(|output| Outcome::of(&output));
                panic!("`serve` printed {lines:?}, and ended: {ended:?}");
            }
            lines.push(line.trim_end().to_owned());
        }
        let mut words = lines.iter().flat_map(|line| line.split_whitespace());
        let index = words.find(|word| word.starts_with("http://")).expect("an index").to_owned();
        let token = std::fs::read_to_string(example.state().join("token")).expect("a token").trim().to_owned();
        Self { lines, index, token, _stdout: stdout, child }
    }

    /// Where twine uploads to.
    #[must_use]
    pub fn upload(&self) -> &str {
        self.index.strip_suffix("simple/").expect("the index ends with `simple/`")
    }

    /// The port.
    #[must_use]
    pub fn port(&self) -> &str {
        let rest = self.index.strip_prefix("http://127.0.0.1:").expect("it serves on loopback");
        rest.split('/').next().expect("a port")
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let _ = self.child.wait();
    }
}
