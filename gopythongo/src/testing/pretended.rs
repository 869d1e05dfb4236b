//! Pure steps whose commands are simulated: they read and leave what the real ones would, and run nothing.

use std::{collections::BTreeMap, fs};

use super::{
    simulated::Simulated,
    world::{Act, Subject},
};
use crate::{
    package::Deb,
    python::{Coverage, FileCoverage},
    run::{Failure, FailureKind, Inputs, Key, Outcome, TestCounts, Work},
    store::{Settled, Store},
    support::Digest,
    version::DebianVersion,
};

/// What a suite covers unless a test says otherwise: so many lines of so many.
const COVERED: (u32, u32) = (19, 20);

/// A package of the pipeline's as a run sees it.
struct Dependency {
    name: String,
    version: String,
    payload: Digest,
    wheel: Digest,
    staged: bool,
}

impl Simulated {
    pub(super) fn key_of_inputs(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        let inputs = self.inner.inputs();
        let job = key.step().job.clone();
        if inputs.source {
            key.part("the source", self.act.world.source(&job));
        }
        if inputs.index {
            let (store, channel) = (key.service::<Store>()?, key.context().channel.clone());
            for seen in self.dependencies(&store, key.run_id(), &channel, &job)? {
                key.part(&seen.name, format!("{} {} {}", seen.version, seen.payload, seen.wheel));
            }
        }
        if let ("sdist", Some(plan)) = (self.inner.kind(), key.job()?.version.clone()) {
            key.part("version", plan.version(plan.number));
        }
        if self.inner.outputs().iter().any(|output| output == "coverage") {
            key.part("what it covers", format!("{:?}", self.act.world.state().coverage.get(&job)));
        }
        let channel = key.context().channel.clone();
        key.part("channel", channel);
        key.declared(&Inputs { source: false, environment: Vec::new(), executables: Vec::new(), ..inputs })
    }

    pub(super) fn recall_pretended(&self, work: &mut Work<'_>, outcome: &Outcome, run: &str) -> Result<(), Failure> {
        match self.inner.kind() {
            "wheel" | "deb" => self.inner.recall(work, outcome, run),
            "resolve" => {
                let store = work.service::<Store>()?;
                let seen = self.dependencies(&store, work.run_id(), &work.context().channel, &work.step().job)?;
                let lock = outcome.artifacts.get("lock").map(|lock| read(work, &lock.digest)).transpose()?;
                let now: BTreeMap<_, _> = seen.iter().map(|seen| (seen.name.clone(), seen.wheel)).collect();
                if lock.map(|lock| locked(&lock)) != Some(now) {
                    return Err(Failure::of(FailureKind::Stale, "a package is another one"));
                }
                self.record(work, &seen)
            }
            _ => Ok(()),
        }
    }

    pub(super) fn pretend(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let id = work.step().id.clone();
        self.act.begin(&id)?;
        match self.inner.kind() {
            _ if self.has_own_code() => self.inner.run(work)?,
            "sdist" => self.sdist(work)?,
            "wheel" => self.wheel(work)?,
            "resolve" => self.resolve(work)?,
            "virtualenv" => self.virtualenv(work)?,
            "deb" => self.deb(work)?,
            _ => self.other(work)?,
        }
        let subject = self.subject(work)?;
        self.act.world.state().passed.entry(id).or_default().insert(subject);
        self.act.pause()
    }

    /// What a run sees of the packages upstream of a job, by name.
    fn dependencies(&self, store: &Store, run: &str, channel: &str, job: &str) -> Result<Vec<Dependency>, Failure> {
        let stage = store.stage(run, channel)?;
        let base = store.generation(stage.base)?;
        let seen = self.act.upstream(job).iter().filter_map(|name| {
            let staged = stage.staged.get(name);
            let release = staged.or_else(|| base.newest(channel, name))?;
            let (version, payload, wheel) = (release.version.clone(), release.payload, Act::wheel(release));
            Some(Dependency { name: name.clone(), version, payload, wheel, staged: staged.is_some() })
        });
        Ok(seen.collect())
    }

    /// Tells the stage what of the channel the run relies on, as a resolution does.
    fn record(&self, work: &Work<'_>, seen: &[Dependency]) -> Result<(), Failure> {
        let relied = seen.iter().filter(|seen| !seen.staged).map(|seen| (seen.name.clone(), Some(seen.payload)));
        let relied: Vec<_> = relied.collect();
        work.service::<Store>()?.update_stage(work.run_id(), |stage| stage.resolved.extend(relied))?;
        Ok(())
    }

    /// What the step looks at.
    fn subject(&self, work: &Work<'_>) -> Result<Subject, Failure> {
        let wheel = work.outcome("wheel").and_then(|wheel| wheel.artifacts.get("wheel"));
        let own = wheel.map_or_else(|| self.act.world.source(&work.step().job), |artifact| artifact.digest);
        let seen = match work.outcome("resolve").and_then(|lock| lock.artifacts.get("lock")) {
            Some(lock) => locked(&read(work, &lock.digest)?),
            None if self.inner.inputs().index => {
                let store = work.service::<Store>()?;
                let seen = self.dependencies(&store, work.run_id(), &work.context().channel, &work.step().job)?;
                seen.into_iter().map(|seen| (seen.name, seen.wheel)).collect()
            }
            None => BTreeMap::new(),
        };
        Ok(Subject { own, seen })
    }

    fn sdist(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let (name, plan) = self.named(work)?;
        let version = work.service::<Store>()?.reserve(work.run_id(), &name, &plan)?;
        let source = self.act.world.source(&work.step().job);
        work.leave("sdist", format!("{}-{version}.tar.gz", name.replace('-', "_")), format!("{source}").as_bytes())?;
        work.fact("name", name);
        work.fact("version", version);
        Ok(())
    }

    fn wheel(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let (name, _) = self.named(work)?;
        let missing = || Failure::new("the sdist left no version");
        let sdist = work.outcome("sdist").cloned().ok_or_else(missing)?;
        let version = sdist.facts.get("version").ok_or_else(missing)?.clone();
        let parsed = version.parse().map_err(|_| missing())?;
        let payload = self.act.world.source(&work.step().job);
        let store = work.service::<Store>()?;
        let (run, channel) = (work.run_id().to_owned(), work.context().channel.clone());
        let settled = store.settle(&run, &name, &parsed, &payload, &channel, work.context().commit.as_deref())?;
        let version = match settled {
            Settled::Existing(release) => release.version,
            Settled::New => version,
        };
        let file = name.replace('-', "_");
        let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n");
        work.leave("wheel", format!("{file}-{version}-py3-none-any.whl"), format!("{metadata}{payload}").as_bytes())?;
        work.leave("sdist", format!("{file}-{version}.tar.gz"), format!("{payload}").as_bytes())?;
        work.leave("metadata", "METADATA".to_owned(), metadata.as_bytes())?;
        work.fact("name", name);
        work.fact("version", version);
        work.fact("payload", payload);
        Ok(())
    }

    fn resolve(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let store = work.service::<Store>()?;
        let seen = self.dependencies(&store, work.run_id(), &work.context().channel, &work.step().job)?;
        self.record(work, &seen)?;
        let lines = seen.iter().map(|seen| format!("{} {} {}\n", seen.name, seen.wheel, seen.version));
        work.leave("lock", "lock.json".to_owned(), lines.collect::<String>().as_bytes())
    }

    fn virtualenv(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let subject = self.subject(work)?;
        let (name, _) = self.named(work)?;
        let version = work.outcome("wheel").and_then(|wheel| wheel.facts.get("version")).cloned();
        let lines = subject.lock();
        let text = format!("{name} {}\n{lines}", subject.own);
        work.leave("tree", "tree.tar".to_owned(), text.as_bytes())?;
        work.leave("lock", "lock.json".to_owned(), lines.as_bytes())?;
        work.fact("name", name);
        work.fact("version", version.unwrap_or_else(|| "1.0.0".to_owned()));
        work.fact("architecture", "all");
        Ok(())
    }

    fn deb(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let job = work.step().job.clone();
        let tree =
            work.outcome("virtualenv").cloned().ok_or_else(|| Failure::new("there is no virtual environment"))?;
        let upstream = tree.facts.get("version").and_then(|version| version.parse().ok());
        let upstream = upstream.ok_or_else(|| Failure::new("the virtual environment has no version"))?;
        let tree = tree.artifacts.get("tree").ok_or_else(|| Failure::new("there is no tree"))?.digest;
        let text = read(work, &tree)?;
        let name = Deb::of(&self.inner).map_or_else(|| job.clone(), |deb| deb.package_name(&job));
        let payload = Digest::of(&text);
        let (store, channel) = (work.service::<Store>()?, work.context().channel.clone());
        let commit = work.context().commit.clone();
        let given = store.allocate_deb(work.run_id(), &name, &upstream, &payload, &channel, commit.as_deref())?;
        let version: DebianVersion = given.version.parse().map_err(|error| Failure::new(format!("{error}")))?;
        let paragraph = format!("Package: {name}\nVersion: {version}\nArchitecture: all\n");
        let file = format!("{name}_{}_all.deb", version.file_part());
        work.leave("deb", file, format!("{paragraph}\n{text}").as_bytes())?;
        work.leave("control", "control".to_owned(), paragraph.as_bytes())?;
        for (fact, value) in [("name", name), ("version", given.version), ("architecture", "all".to_owned())] {
            work.fact(fact, value);
        }
        work.fact("payload", payload);
        Ok(())
    }

    fn other(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let subject = self.subject(work)?;
        for output in self.inner.outputs() {
            let bytes = if output == "coverage" {
                serde_json::to_vec(&self.coverage(&work.step().job)).map_err(|error| Failure::new(error.to_string()))?
            } else {
                format!("{output} of {} {}\n{}", work.step().id, subject.own, subject.lock()).into_bytes()
            };
            work.leave(&output, format!("{output}.json"), &bytes)?;
            if output == "coverage" {
                work.tests(TestCounts { passed: 1, ..TestCounts::default() });
            }
        }
        Ok(())
    }

    /// What the suites of a job cover.
    fn coverage(&self, job: &str) -> Coverage {
        let (covered, total) = match self.act.world.state().coverage.get(job) {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 1000")]
            Some(percent) => ((percent.clamp(0.0, 100.0) * 10.0).round() as u32, 1000),
            None => COVERED,
        };
        let file = FileCoverage {
            executed: (1..=covered).collect(),
            missing: (covered + 1..=total).collect(),
            ..FileCoverage::default()
        };
        Coverage { files: [("module.py".to_owned(), file)].into() }
    }

    fn named(&self, work: &Work<'_>) -> Result<(String, crate::version::VersionPlan), Failure> {
        let job = work.job()?;
        let name = job.survey.distribution.as_ref().map(|distribution| distribution.name.clone());
        name.zip(job.version.clone()).ok_or_else(|| Failure::new("the source is no distribution"))
    }
}

/// The text of an artifact.
fn read(work: &Work<'_>, digest: &Digest) -> Result<String, Failure> {
    let blob = work.blob(digest);
    fs::read_to_string(&blob).map_err(Failure::io("cannot read", &blob))
}

/// Names and digests, a line each.
pub(super) fn locked(text: &str) -> BTreeMap<String, Digest> {
    let lines = text.lines().filter_map(|line| {
        let mut words = line.split(' ');
        Some((words.next()?.to_owned(), words.next()?.parse().ok()?))
    });
    lines.collect()
}
