//! A storefront's shop that serves.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tests::{Example, Ordinary, Outcome};

/// A storefront whose shop serves until this value is dropped.
pub(crate) struct Shop<'a> {
    storefront: &'a Example,
    user: Ordinary<'a>,
}

impl<'a> Shop<'a> {
    pub(crate) fn of(storefront: &'a Example) -> Self {
        Self { storefront, user: Ordinary::with_caches(storefront) }
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome {
        self.user.run(arguments)
    }

    /// Edits what `money` says of unknown currencies.
    pub(crate) fn edit(&self, from: &str, to: &str) {
        self.storefront.edit("libs/money/src/money/currency.py", from, to);
    }

    /// What services and supervisors have written, for whoever wonders about a failure.
    fn logs(&self) -> String {
        let logs = self.place().join("logs");
        let files = fs::read_dir(logs).into_iter().flatten().flatten().map(|entry| entry.path());
        files.map(|file| format!("{}\n{}\n", file.display(), fs::read_to_string(&file).unwrap_or_default())).collect()
    }

    /// Another program in the place of the example's own, not yet started.
    pub(crate) fn command_of(&self, program: &str, arguments: &[&str]) -> Command {
        self.user.command_of(Path::new(program), arguments)
    }

    /// A program of this machine, as the user of the storefront, not yet started.
    pub(crate) fn command_here(&self, program: &str) -> Command {
        self.user.started(Command::new(program))
    }

    /// The command lines of processes that have anything to do with this storefront, by pid.
    pub(crate) fn processes(&self) -> BTreeMap<i32, String> {
        let place = self.storefront.directory();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        let pid = |process: &Path| process.file_name()?.to_str()?.parse().ok();
        processes.filter_map(|entry| Some((pid(&entry.path())?, command_line(&entry.path(), &place)?))).collect()
    }

    /// The directory of what serves.
    pub(crate) fn place(&self) -> PathBuf {
        self.storefront.state().join("environments/testing/shop")
    }
}

/// The command line of a process, if it, its directory or its environment names a place.
fn command_line(process: &Path, place: &Path) -> Option<String> {
    let text =
        |file: &str| String::from_utf8_lossy(&fs::read(process.join(file)).unwrap_or_default()).replace('\0', " ");
    let named = |text: &str| text.contains(&*place.to_string_lossy());
    let line = text("cmdline");
    let works_there = fs::read_link(process.join("cwd")).is_ok_and(|directory| directory.starts_with(place));
    (named(&line) || works_there || named(&text("environ"))).then_some(line)
}

impl Drop for Shop<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}", self.logs());
        }
        let _ = self.run(&["down"]);
    }
}

/// The URL at the end of what a run prints.
#[track_caller]
pub(crate) fn url(run: &Outcome) -> String {
    let last = run.stdout.lines().last().unwrap_or_default();
    let at = last.find("http://127.0.0.1:");
    last[at.unwrap_or_else(|| panic!("no URL at the end of\n{}\n{}", run.stdout, run.stderr))..].trim().to_owned()
}

/// Versions that were sent to an environment in a run with `--json`.
pub(crate) fn switched(run: &Outcome) -> Vec<String> {
    let live = run.events().into_iter().filter(|event| event["type"] == "live" && event["found"] == false);
    live.filter_map(|event| event["live"]["version"].as_str().map(str::to_owned)).collect()
}
