//! Coverage of a suite: every process of its environment is measured, and the figures are told by paths in the checkout.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use crate::python::{
    Coverage, Lock, Toolchain,
    coverage_rc::{CoverageRc, Measured},
    suite_place::SuitePlace,
};
use crate::{
    context::SourceTree,
    run::{Failure, Work, process::Command},
};

/// Starts measuring in every process of the environment, the first one included.
const START: &str =
    "import os; os.environ.get('COVERAGE_PROCESS_START') and __import__('coverage').process_startup()\n";

/// Puts the data of all processes together and writes them as JSON.
const REPORT: &str = "import coverage, sys
measured = coverage.Coverage(config_file=sys.argv[1])
measured.combine()
measured.save()
measured.json_report(outfile=sys.argv[2])
";

/// Coverage of a suite, from its configuration to the artifact.
pub(in crate::python) struct Measuring {
    /// Its configuration, which every measured process reads.
    pub(in crate::python) rc: PathBuf,
    data: PathBuf,
}

impl Measuring {
    pub(in crate::python) fn prepare(work: &Work<'_>, place: &SuitePlace) -> Result<Self, Failure> {
        let directory = work.scratch().join("coverage");
        fs::create_dir_all(&directory).map_err(Failure::io("cannot make", &directory))?;
        let rc = match &place.survey.coverage {
            Some(configuration) => {
                let file = work.source().join(&configuration.file);
                let text = fs::read_to_string(&file).map_err(Failure::io("cannot read", &file))?;
                CoverageRc::read(&configuration.file, &text).map_err(|error| {
                    Failure::new(format!("`{}` cannot be read: {error}", configuration.file.display()))
                })?
            }
            None => CoverageRc::default(),
        };
        if let Some(bound) = rc.fail_under() {
            work.say(&format!("`fail_under = {bound}` is left out: a coverage ratchet decides"));
        }
        let names: BTreeSet<String> = place.packages().iter().filter_map(|package| module(package)).collect();
        let parents: BTreeSet<String> = place.packages().iter().map(|package| parent(package)).collect();
        let (names, parents): (Vec<_>, Vec<_>) = (names.into_iter().collect(), parents.into_iter().collect());
        let measured = if names.is_empty() || work.outcome("wheel").is_none() {
            Measured::Directory
        } else {
            Measured::Packages { names: &names, parents: &parents, tests: &place.tests_inside() }
        };
        let version = work.outcome("resolve").cloned().map(|outcome| Lock::of(work, &outcome)).transpose()?;
        let version = version.and_then(|lock| lock.package("coverage")?.version.parse::<pep440_rs::Version>().ok());
        let exits = version.is_some_and(|version| version.release() >= &[7, 10][..]);
        let measuring = Self { rc: directory.join("coveragerc"), data: directory.join("data") };
        let text = rc.text(&measured, &measuring.data, exits);
        fs::write(&measuring.rc, text).map_err(Failure::io("cannot write", &measuring.rc))?;
        let start = place.site.join("gopythongo_coverage.pth");
        fs::write(&start, START).map_err(Failure::io("cannot write", &start))?;
        Ok(measuring)
    }

    pub(in crate::python) fn collect(
        &self,
        work: &mut Work<'_>,
        toolchain: &Toolchain,
        place: &SuitePlace,
    ) -> Result<Coverage, Failure> {
        let written = self.data.parent().and_then(|directory| fs::read_dir(directory).ok());
        let written = written
            .into_iter()
            .flatten()
            .flatten()
            .any(|entry| entry.file_name().to_string_lossy().starts_with("data."));
        if !written {
            return Err(Failure::new("the suite passed, but coverage measured nothing")
                .hint("do the tests import the package? `.step(Pytest::new().without_coverage())` does without"));
        }
        let json = work.scratch().join("coverage.json");
        let script = self.rc.with_file_name("report.py");
        fs::write(&script, REPORT).map_err(Failure::io("cannot write", &script))?;
        let command = Command::new(place.environment.join("bin/python"))
            .arg(script)
            .arg(&self.rc)
            .arg(&json)
            .directory(&place.checkout)
            .envs(toolchain.base_env(work));
        work.run(&command).map_err(|mut failure| {
            failure.message = format!("coverage cannot report: {}", failure.message);
            failure
        })?;
        let text = fs::read(&json).map_err(Failure::io("cannot read", &json))?;
        let tree = work.tree()?;
        let parents: BTreeSet<String> = place.packages().iter().map(|package| parent(package)).collect();
        let coverage = Coverage::read(&text, |path| Some(in_checkout(path, &parents, &tree)))
            .map_err(|error| Failure::new(format!("coverage's report cannot be read: {error}")))?;
        let bytes = serde_json::to_vec(&coverage).map_err(|error| Failure::new(error.to_string()))?;
        let output = work.output("coverage", "coverage.json")?;
        fs::write(&output, bytes).map_err(Failure::io("cannot write", &output))?;
        Ok(coverage)
    }
}

/// The path in the checkout of a measured file: installed files stand below one of the packages' parents there.
pub(in crate::python) fn in_checkout(path: &str, parents: &BTreeSet<String>, tree: &SourceTree) -> String {
    let Some((_, inner)) = path.rsplit_once("site-packages/") else {
        return path.split_once("/checkout/").map_or(path, |(_, inner)| inner).to_owned();
    };
    let places =
        parents.iter().map(|parent| if parent.is_empty() { inner.to_owned() } else { format!("{parent}/{inner}") });
    let mut places: Vec<String> = places.collect();
    let there = places.iter().position(|place| tree.files.iter().any(|file| file.path == Path::new(place)));
    // a generated file is in no checkout: it belongs beside the others
    if places.is_empty() { inner.to_owned() } else { places.swap_remove(there.unwrap_or(0)) }
}

/// The name that a package or module is imported by.
fn module(package: &Path) -> Option<String> {
    Some(package.file_stem()?.to_str()?.to_owned())
}

pub(in crate::python) fn parent(package: &Path) -> String {
    package.parent().map(|parent| parent.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn measured_files_are_named_as_in_the_checkout() {
        let file = |path: &str| crate::context::SourceFile {
            path: path.into(),
            executable: false,
            digest: crate::support::Digest::of(""),
        };
        let tree = SourceTree { directory: PathBuf::new(), files: vec![file("src/money/x.py"), file("six.py")] };
        let parents: BTreeSet<String> = [String::new(), "src".to_owned()].into();
        let name = |path: &str| in_checkout(path, &parents, &tree);
        assert_eq!(name("../env/lib/python3.11/site-packages/money/x.py"), "src/money/x.py");
        assert_eq!(name("/s/env/lib/python3.11/site-packages/six.py"), "six.py");
        assert_eq!(name("/s/checkout/shop/views.py"), "shop/views.py");
        assert_eq!(name("shop/views.py"), "shop/views.py");
    }
}
