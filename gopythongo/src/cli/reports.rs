//! `--reports DIR`: what tests and linters say, in the formats that build servers read.

use std::{
    collections::BTreeMap,
    fs, io,
    path::{Path, PathBuf},
};

use super::print;
use crate::{
    cache::{Cache, blob_path},
    context::{Context, Redactor},
    event::{Event, Sink, Stamped},
    python::Coverage,
    run::{Outcome, RunDirectory},
};

/// Writes `DIR/JOB/STEP.EXTENSION` as each step ends: also of one that failed or was cached.
///
/// | extension | what |
/// |---|---|
/// | `junit.xml` | JUnit, of steps that test |
/// | `cobertura.xml`, `lcov` | coverage, of steps that measure it |
/// | `sarif` | SARIF 2.1.0, of linters |
pub(super) struct Reports {
    directory: PathBuf,
    blobs: PathBuf,
    work: PathBuf,
    /// Where each job's source is in the repository.
    sources: BTreeMap<String, PathBuf>,
    redactor: Redactor,
    said: bool,
}

impl Reports {
    pub(super) fn new(directory: &Path, run: &RunDirectory, context: &Context, redactor: &Redactor) -> Self {
        let source = |directory: &Path| directory.strip_prefix(&context.root).unwrap_or(directory).to_owned();
        let sources = context.jobs.iter().map(|(name, job)| (name.clone(), source(&job.directory))).collect();
        let (directory, work, blobs) =
            (directory.to_owned(), run.work(), Cache::read_only(&run.state().join("cache")).blobs().to_owned());
        Self { directory, blobs, work, sources, redactor: redactor.clone(), said: false }
    }

    /// What a step left by its artifacts' names: of one that failed, what lies where it worked.
    fn left(&self, step: &str, result: Option<&Outcome>) -> Vec<(String, PathBuf)> {
        if let Some(outcome) = result {
            let artifacts = outcome.artifacts.iter();
            return artifacts.map(|(name, one)| (name.clone(), blob_path(&self.blobs, &one.digest))).collect();
        }
        let outputs = RunDirectory::outputs(&RunDirectory::scratch(&self.work, step));
        let files = walkdir::WalkDir::new(outputs).min_depth(2).max_depth(2).into_iter().flatten();
        files
            .filter_map(|file| {
                let name = file.path().parent()?.file_name()?.to_str()?.to_owned();
                Some((name, file.into_path()))
            })
            .collect()
    }

    fn write(&self, step: &str, result: Option<&Outcome>) -> io::Result<()> {
        let job = step.split_once('/').map_or(step, |(job, _)| job);
        let source = self.sources.get(job).cloned().unwrap_or_default();
        let place = |path: &str| source.join(path).to_string_lossy().into_owned();
        for (name, file) in self.left(step, result) {
            let reports: Vec<(&str, Vec<u8>)> = match name.as_str() {
                "junit" => vec![("junit.xml", self.text(&file)?)],
                "sarif" => vec![("sarif", self.text(&file)?)],
                "coverage" => {
                    let Ok(coverage) = serde_json::from_slice::<Coverage>(&fs::read(&file)?) else { continue };
                    vec![("cobertura.xml", coverage.cobertura(place)?), ("lcov", coverage.lcov(place).into_bytes())]
                }
                _ => continue,
            };
            for (extension, bytes) in reports {
                let path = self.directory.join(format!("{step}.{extension}"));
                fs::create_dir_all(path.parent().unwrap_or(&self.directory))?;
                fs::write(path, bytes)?;
            }
        }
        Ok(())
    }

    /// What a tool wrote, without secrets.
    fn text(&self, file: &Path) -> io::Result<Vec<u8>> {
        let bytes = fs::read(file)?;
        if !self.redactor.knows_any() {
            return Ok(bytes);
        }
        Ok(self.redactor.redact(&String::from_utf8_lossy(&bytes)).into_bytes())
    }
}

impl Sink for Reports {
    fn event(&mut self, event: &Stamped) {
        let Event::StepFinished { step, result, .. } = &event.event else { return };
        if let Err(error) = self.write(step, result.as_deref())
            && !std::mem::replace(&mut self.said, true)
        {
            print::warning(format!("cannot write reports into `{}`: {error}", self.directory.display()));
        }
    }
}
