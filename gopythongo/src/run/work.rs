//! What a step is given while it runs: its directories, its inputs, its commands, its log.

use std::{
    fs,
    io::PipeReader,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Instant,
};

use super::{
    Artifact, Failure, FailureKind, Needed, Outcome, Receipt, Services, TestCounts,
    copies::Copies,
    failure::FailedCommand,
    key::missing,
    process::{Cancel, Command, Finished, Spent, Status, Supervisor},
    scratch::Scratch,
    trees::Trees,
};
use crate::{
    context::{Context, JobContext, Pristine, Redactor, Secret, Secrets, SourceTree},
    event::{Event, RunState},
    plan::PlannedStep,
    support::{Digest, words},
};

/// The last lines of a command's output that a failure repeats.
const TAIL: usize = 40;

/// What all steps of a run share.
pub(crate) struct Shared {
    pub(crate) run: String,
    pub(crate) context: Arc<Context>,
    pub(crate) services: Services,
    pub(crate) supervisor: Arc<Supervisor>,
    pub(crate) redactor: Redactor,
    pub(crate) cancel: Cancel,
    pub(crate) trees: Arc<Trees>,
    /// Architecture and release, which are in every key.
    pub(crate) machine: &'static str,
    /// Where blobs of the cache are: artifacts of earlier steps.
    pub(crate) blobs: PathBuf,
    /// Copies of sources that wait for another command.
    pub(super) copies: Copies,
    /// How a step says that the run ends.
    pub(crate) conclusion: Mutex<Option<RunState>>,
}

impl Shared {
    /// What is known of the source of a step's job.
    pub(crate) fn job(&self, step: &PlannedStep) -> Result<&JobContext, Failure> {
        let job = self.context.jobs.get(&step.job);
        job.ok_or_else(|| Failure::refused(format!("`{}` belongs to no job with a source", step.id)))
    }
}

/// What a step is given while it runs.
pub struct Work<'a> {
    pub(super) shared: &'a Shared,
    pub(super) step: &'a PlannedStep,
    pub(super) needed: &'a Needed<'a>,
    pub(super) scratch: Scratch<'a>,
    /// The copy of the source that is left to others when the step has ended.
    pub(super) copy: Option<(PathBuf, Pristine)>,
    pub(super) outcome: Outcome,
    /// Why the outcome is not for later runs, if it is not.
    pub(super) unsure: Option<String>,
    pub(super) spent: Spent,
    pub(super) deadline: Instant,
    pub(super) line: &'a (dyn Fn(&str) + Sync),
    pub(super) emit: &'a (dyn Fn(Event) + Sync),
}

impl Work<'_> {
    /// The run's id.
    #[must_use]
    pub fn run_id(&self) -> &str {
        &self.shared.run
    }

    /// The step.
    #[must_use]
    pub fn step(&self) -> &PlannedStep {
        self.step
    }

    /// The context that the plan was made for.
    #[must_use]
    pub fn context(&self) -> &Context {
        &self.shared.context
    }

    /// What is known of the job's source.
    ///
    /// # Errors
    /// When the step belongs to no job.
    pub fn job(&self) -> Result<&JobContext, Failure> {
        self.shared.job(self.step)
    }

    /// The job's source directory, for reading only.
    #[must_use]
    pub fn source(&self) -> PathBuf {
        self.step.source.clone().unwrap_or_default()
    }

    /// The job's source files.
    ///
    /// # Errors
    /// When they cannot be read.
    pub fn tree(&self) -> Result<Arc<SourceTree>, Failure> {
        self.shared.trees.get(&self.source())
    }

    /// Puts a copy of the job's source files into an empty directory: one that an earlier step has left as it was, if there is one.
    ///
    /// # Errors
    /// When a file cannot be read or written, or is no longer what was hashed.
    pub(crate) fn copy_source(&mut self, to: &Path) -> Result<(), Failure> {
        let copied = self.shared.copies.put(&self.tree()?, to);
        let pristine = copied.map_err(Failure::io("cannot copy the source to", to))?;
        self.copy = pristine.map(|pristine| (to.to_owned(), pristine));
        Ok(())
    }

    /// An empty directory of this step's own, removed when the step ends.
    #[must_use]
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Where to write an artifact that the step declared: the path of a file in an own directory.
    /// The file's name travels with the artifact; call it once for each artifact.
    ///
    /// # Errors
    /// When the directory cannot be made.
    pub fn output(&self, artifact: &str, file: &str) -> Result<PathBuf, Failure> {
        let directory = super::RunDirectory::outputs(self.scratch()).join(artifact);
        fs::create_dir_all(&directory).map_err(Failure::io("cannot make", &directory))?;
        Ok(directory.join(file))
    }

    /// What a step of the same job left, by its kind.
    #[must_use]
    pub fn outcome(&self, kind: &str) -> Option<&Outcome> {
        super::outcome::of_kind(self.needed, self.step, kind)
    }

    /// What the steps that this one needs left.
    #[must_use]
    pub fn needed(&self) -> &Needed<'_> {
        self.needed
    }

    /// Puts an artifact of another step of the same job into the scratch directory, under its own name, and gives its path.
    ///
    /// # Errors
    /// When the step left no such artifact, or it cannot be read.
    pub fn artifact(&self, kind: &str, name: &str) -> Result<PathBuf, Failure> {
        let artifact = self
            .outcome(kind)
            .and_then(|outcome| outcome.artifacts.get(name))
            .ok_or_else(|| Failure::refused(format!("`{}/{kind}` left no `{name}`", self.step.job)))?;
        let blob = self.blob(&artifact.digest);
        let directory = self.scratch().join(".inputs").join(kind).join(name);
        fs::create_dir_all(&directory).map_err(Failure::io("cannot make", &directory))?;
        let path = directory.join(&artifact.file);
        if !path.exists() {
            fs::copy(&blob, &path).map_err(Failure::io("cannot copy", &blob))?;
        }
        Ok(path)
    }

    /// The blob of an artifact; read only.
    #[must_use]
    pub fn blob(&self, digest: &Digest) -> PathBuf {
        crate::cache::blob_path(&self.shared.blobs, digest)
    }

    /// Leaves bytes as an artifact, without a file in between: for steps that are simulated, where a blob that is there is
    /// whole.
    pub(crate) fn leave(&mut self, artifact: &str, file: String, bytes: &[u8]) -> Result<(), Failure> {
        let digest = Digest::of(bytes);
        let blob = self.blob(&digest);
        if !blob.exists() {
            let shard = blob.parent().unwrap_or(&self.shared.blobs);
            fs::create_dir_all(shard).map_err(Failure::io("cannot make", shard))?;
            fs::write(&blob, bytes).map_err(Failure::io("cannot write", &blob))?;
        }
        self.outcome.artifacts.insert(artifact.to_owned(), Artifact { file, digest, size: bytes.len() as u64 });
        Ok(())
    }

    /// Remembers a small fact for later steps.
    pub fn fact(&mut self, name: &str, value: impl ToString) {
        self.outcome.facts.insert(name.to_owned(), value.to_string());
    }

    /// Remembers how many tests ran.
    pub fn tests(&mut self, counts: TestCounts) {
        self.outcome.tests = Some(counts);
    }

    /// Says the result in one line.
    pub fn summary(&mut self, line: impl Into<String>) {
        self.outcome.summary = Some(line.into());
    }

    /// Keeps the outcome from later runs, which are told why: `a quarantined test failed`. It stays that of this run.
    pub fn only_for_this_run(&mut self, why: impl Into<String>) {
        self.unsure = Some(why.into());
    }

    /// Leaves a receipt; every effect must.
    pub fn receipt(&mut self, receipt: Receipt) {
        self.outcome.receipt = Some(receipt);
    }

    /// Writes a line into the step's log.
    pub fn say(&self, line: &str) {
        (self.line)(line);
    }

    /// Tells the run's reports something that is not said by how the step ends.
    pub fn emit(&self, event: Event) {
        (self.emit)(event);
    }

    /// Says how the run ends if every step passes; the last one that says it counts.
    pub fn conclude(&self, state: RunState) {
        *self.shared.conclusion.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(state);
    }

    /// Says how the run ends if every step passes, from what was said before.
    pub(crate) fn conclude_after(&self, next: impl FnOnce(Option<RunState>) -> RunState) {
        let mut conclusion = self.shared.conclusion.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        *conclusion = Some(next(conclusion.take()));
    }

    /// What tells the step to end early, for work that no command does.
    pub(crate) fn cancel(&self) -> &Cancel {
        &self.shared.cancel
    }

    /// A service that a domain lends to its steps.
    ///
    /// # Errors
    /// When the run was started without it.
    pub fn service<T: Send + Sync + 'static>(&self) -> Result<Arc<T>, Failure> {
        self.shared.services.get().ok_or_else(|| missing::<T>(&self.step.id))
    }

    /// A secret that the step declared among its inputs. From then on it is taken out of all that the run prints and keeps.
    ///
    /// # Errors
    /// When the step did not declare it, the build is a stranger's, or the secret cannot be had.
    pub fn secret(&self, name: &str) -> Result<Secret, Failure> {
        let id = &self.step.id;
        let declared = self.step.inputs.secrets.get(name);
        let from = declared.ok_or_else(|| {
            Failure::refused(format!("`{id}` declares no secret `{name}`")).hint("declare it by `Inputs::secret`")
        })?;
        if !self.shared.context.is_trusted() {
            return Err(Failure::refused(format!("`{id}` gets no secrets: what is built is a stranger's")));
        }
        let secret = self.service::<Secrets>()?.get(from, &self.shared.supervisor, &self.shared.cancel);
        secret.map_err(|error| {
            let failure = match error.is_passing {
                true => Failure::infrastructure(error.message),
                false => Failure::lacking(error.message),
            };
            error.hint.into_iter().fold(failure, Failure::hint)
        })
    }

    /// A command that sees every secret that the step declared, as a variable of its name.
    ///
    /// # Errors
    /// As [`secret`](Self::secret).
    pub(crate) fn with_secrets(&self, command: Command) -> Result<Command, Failure> {
        let mut names = self.step.inputs.secrets.keys();
        names.try_fold(command, |command, name| Ok(command.env(name, self.secret(name)?.expose())))
    }

    /// The text with `***` for every secret that the run knows.
    pub(crate) fn redact(&self, text: &str) -> String {
        self.shared.redactor.redact(text)
    }

    /// Runs a command; every other end than exit code 0 is a failure with the tail of its output.
    ///
    /// # Errors
    /// When it cannot be started, fails, takes longer than the step may, or the run is interrupted.
    pub fn run(&mut self, command: &Command) -> Result<(), Failure> {
        let (finished, tail) = self.observe(command)?;
        match finished.status {
            Status::Exited(0) => Ok(()),
            status => Err(failure(command, status, tail)),
        }
    }

    /// The same of a command that reads `input` on its standard input; its other end is written by another thread.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn feed(&mut self, command: &Command, input: PipeReader) -> Result<(), Failure> {
        let (finished, tail) = self.watched(command, Some(input), &mut |_| {})?;
        match finished.status {
            Status::Exited(0) => Ok(()),
            status => Err(failure(command, status, tail)),
        }
    }

    /// Runs a command whose exit code the step judges itself; the last lines of its output come along.
    ///
    /// # Errors
    /// When it cannot be started, takes longer than the step may, or the run is interrupted.
    pub fn observe(&mut self, command: &Command) -> Result<(Finished, Vec<String>), Failure> {
        self.watched(command, None, &mut |_| {})
    }

    /// The same, and each line of the output goes to `each` too.
    ///
    /// # Errors
    /// As [`observe`](Self::observe).
    pub fn read(&mut self, command: &Command, each: &mut dyn FnMut(&str)) -> Result<(Finished, Vec<String>), Failure> {
        self.watched(command, None, each)
    }

    fn watched(
        &mut self,
        command: &Command,
        input: Option<PipeReader>,
        heard: &mut dyn FnMut(&str),
    ) -> Result<(Finished, Vec<String>), Failure> {
        self.say(&format!("$ {}", display(command)));
        let mut tail = std::collections::VecDeque::new();
        let line = self.line;
        let (supervisor, cancel) = (&self.shared.supervisor, &self.shared.cancel);
        let mut each = |text: &str| {
            if tail.len() == TAIL {
                tail.pop_front();
            }
            tail.push_back(text.to_owned());
            line(text);
            heard(text);
        };
        let command_in_time = self.limited(command);
        let finished = match input {
            Some(input) => supervisor.feed(&command_in_time, input, cancel, &mut each),
            None => supervisor.run(&command_in_time, cancel, &mut each),
        }
        .map_err(|error| Failure::lacking(error.to_string()))?;
        self.spent.add(&finished);
        let tail: Vec<String> = tail.into();
        match finished.status {
            status @ Status::TimedOut(_) => Err(self.too_slow(command, status, tail)),
            Status::Cancelled => Err(failure(command, Status::Cancelled, tail)),
            _ => Ok((finished, tail)),
        }
    }

    /// Runs a command and gives its standard output.
    ///
    /// # Errors
    /// As [`run`](Self::run).
    pub fn capture(&mut self, command: &Command) -> Result<String, Failure> {
        let mut tail = Vec::new();
        let line = self.line;
        let (finished, output) = self
            .shared
            .supervisor
            .capture(&self.limited(command), &self.shared.cancel, &mut |text| {
                tail.push(text.to_owned());
                line(text);
            })
            .map_err(|error| Failure::lacking(error.to_string()))?;
        self.spent.add(&finished);
        match finished.status {
            Status::Exited(0) => Ok(String::from_utf8_lossy(&output).into_owned()),
            status => {
                let skip = tail.len().saturating_sub(TAIL);
                let tail = tail.split_off(skip);
                Err(match status {
                    Status::TimedOut(_) => self.too_slow(command, status, tail),
                    _ => failure(command, status, tail),
                })
            }
        }
    }

    /// The failure of a command that was [observed](Self::observe), with a message of the step's own.
    #[must_use]
    pub fn failed(
        &self,
        command: &Command,
        finished: &Finished,
        tail: Vec<String>,
        message: impl Into<String>,
    ) -> Failure {
        let mut failure = failure(command, finished.status, tail);
        failure.message = message.into();
        failure
    }

    fn too_slow(&self, command: &Command, status: Status, tail: Vec<String>) -> Failure {
        let limit = humantime::format_duration(self.step.timeout);
        failure(command, status, tail)
            .hint(format!("`{}` may take {limit} altogether; it and its descendants were ended", self.step.id))
    }

    fn limited(&self, command: &Command) -> Command {
        let left = self.deadline.saturating_duration_since(Instant::now());
        let limit = command.timeout.map_or(left, |timeout| timeout.min(left));
        command.clone().timeout(limit)
    }
}

/// The command as one line that a shell would understand.
fn display(command: &Command) -> String {
    let words = std::iter::once(command.program.as_os_str()).chain(command.args.iter().map(AsRef::as_ref));
    words.map(|word| words::shell(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
}

fn failure(command: &Command, status: Status, tail: Vec<String>) -> Failure {
    let (kind, verb) = match status {
        Status::Exited(_) | Status::Signalled(_) => (FailureKind::Failed, "ended with"),
        Status::TimedOut(_) => (FailureKind::Timeout, "was too slow:"),
        Status::Cancelled => (FailureKind::Cancelled, "was"),
    };
    let status = status.to_string();
    let program = command
        .program
        .file_name()
        .map_or_else(|| command.program.display().to_string(), |name| name.to_string_lossy().into_owned());
    Failure::of(kind, format!("`{program}` {verb} {status}")).command(FailedCommand {
        argv: std::iter::once(command.program.as_os_str())
            .chain(command.args.iter().map(AsRef::as_ref))
            .map(|word| word.to_string_lossy().into_owned())
            .collect(),
        directory: command.directory.clone().unwrap_or_default(),
        status,
        tail,
    })
}
