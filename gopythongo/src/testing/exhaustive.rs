//! Every choice of faults at every point where one can come, and runs whose steps come in other orders.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{
    performance::{first_record, perform},
    schedule::{Mishap, Schedule},
    simulation::{Simulation, end},
    world::{Moment, Progress},
};
use crate::{context::Context, event::RunState, plan::Lowered, store::Figure, support::Digest};

/// How many orders of steps are tried.
const INTERLEAVINGS: u64 = 1_000;

/// How many steps are under way at once where they come in other orders.
const THREADS: usize = 3;

/// What was tried, all of which held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explored {
    /// Choices of faults, none among them, each to the end of the run or of its last resumption.
    pub schedules: usize,
    /// Orders of steps, each with up to as many faults.
    pub interleavings: usize,
    /// Runs and resumptions altogether.
    pub runs: usize,
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} schedules and {} interleavings, {} runs", self.schedules, self.interleavings, self.runs)
    }
}

/// What is left of a run when all is done, without what may differ: ids, and times.
#[derive(Debug, Clone, PartialEq, Eq)]
struct End {
    state: &'static str,
    promotions: u64,
    /// By channel and package: versions and digests.
    packages: BTreeMap<(String, String), Vec<Shows>>,
    figures: BTreeMap<(String, String), Figure>,
    /// By environment and application.
    live: BTreeMap<(String, String), Serves>,
    elsewhere: BTreeMap<String, u32>,
}

/// The version and the digests of a release.
type Shows = (String, Vec<Digest>);

/// Version and digest of what serves, and how often another one became live.
type Serves = (Option<(String, Digest)>, usize);

/// What one schedule came to.
struct Played {
    /// Which steps began, by run.
    began: Vec<Vec<String>>,
    broken: Vec<String>,
    end: Option<End>,
}

/// What all schedules begin with.
struct Stage<'a> {
    simulation: &'a Simulation,
    lowered: Arc<Lowered>,
    context: Arc<Context>,
    moment: Moment,
    generation: u64,
    /// What the cache knows of the build before.
    known: Vec<u8>,
    /// The first record of the journals.
    first_record: Vec<u8>,
    runs: usize,
}

impl Simulation {
    /// Tries every choice of up to so many faults, each at every point of the run, or of the resumption that follows, at which
    /// it can come: a step fails, the program is killed before or after an effect whose receipt is not written, an effect's
    /// answer is lost. Then tries 1,000 orders of steps, three under way at once, with faults here and there. Everything was
    /// built and promoted once before, and has changed since. After the last fault the run is resumed until it is done.
    ///
    /// Two faults are enough to see what one does to the way back from another; three take an hour.
    ///
    /// # Panics
    /// When something does not hold that always must (as for [`run`](Self::run)), what the [team claims](Self::always) does
    /// not, or when all is done something is otherwise than it is without faults, or was done twice. The schedule is told.
    #[track_caller]
    pub fn exhaustive(self, faults: usize) -> Explored {
        self.explore(faults, INTERLEAVINGS)
    }

    #[track_caller]
    pub(super) fn explore(&self, faults: usize, interleavings: u64) -> Explored {
        let mut stage = self.set_the_stage();
        let nothing = Schedule::default();
        let reference = stage.play(&nothing);
        reference.check(&nothing, None);
        let mut waiting = stage.worse(&nothing, &reference, faults);
        let (points, mut schedules) = (waiting.clone(), 1);
        while let Some(schedule) = waiting.pop() {
            let played = stage.play(&schedule);
            played.check(&schedule, reference.end.as_ref());
            waiting.extend(stage.worse(&schedule, &played, faults));
            schedules += 1;
        }
        for seed in 0..interleavings {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut schedule = Schedule { seed: Some(seed), ..Schedule::default() };
            // the faults have been tried in all places: here they are tried in other orders
            let some = if seed % 4 == 0 { random.usize(..=faults) } else { 0 };
            for run in 0..some {
                if let Some((_, step, fault)) = random.choice(&points).and_then(|point| point.faults.first()) {
                    schedule = schedule.and(run, step, *fault);
                }
            }
            stage.play(&schedule).check(&schedule, reference.end.as_ref());
        }
        Explored { schedules, interleavings: usize::try_from(interleavings).unwrap_or_default(), runs: stage.runs }
    }

    /// Builds and promotes everything once, then changes it.
    #[track_caller]
    fn set_the_stage(&self) -> Stage<'_> {
        let (lowered, context) = self.lowered();
        let empty = self.world.moment();
        let (known, first_record) = (Vec::new(), Vec::new());
        let mut stage =
            Stage { simulation: self, lowered, context, moment: empty, generation: 0, known, first_record, runs: 0 };
        stage.play(&Schedule::default()).check(&Schedule::default(), None);
        for job in &self.test.pipeline.jobs {
            *self.world.state().revisions.entry(job.name.clone()).or_insert(1) += 1;
        }
        stage.moment = self.world.moment();
        stage.generation = self.world.store.current().map(|current| current.number).unwrap_or_default();
        stage
    }
}

impl Stage<'_> {
    /// Plays a schedule from the beginning to the end of its last resumption.
    #[track_caller]
    fn play(&mut self, schedule: &Schedule) -> Played {
        let world = &self.simulation.world;
        world.put_back(&self.moment);
        let cannot = |error: &dyn fmt::Display| -> ! { panic!("the simulated run cannot be kept: {error}") };
        let state = world.state_directory("schedule").unwrap_or_else(|error| cannot(&error));
        // without it everything is built as if for the first time
        let _ = std::fs::write(latest(&state), &self.known);
        let mut played = Played { began: Vec::new(), broken: Vec::new(), end: None };
        let mut progress = Progress { generation: self.generation, ..Progress::default() };
        let (mut run, mut last): (Option<String>, _) = (None, None);
        for attempt in 0..=schedule.faults.len() + 1 {
            let faults = schedule.faults.iter().filter(|(number, ..)| *number == attempt);
            progress.faults = faults.map(|(_, step, fault)| (step.clone(), *fault)).collect();
            let seed = schedule.seed.map(|seed| seed.wrapping_mul(31).wrapping_add(attempt as u64));
            let act = self.simulation.act(&self.lowered, &self.context, progress, seed);
            let act = Arc::new(act);
            let earlier = run.as_deref().ok_or(self.first_record.as_slice());
            let threads = if seed.is_some() { THREADS } else { 1 };
            let performed = perform(&act, &self.lowered, &self.context, &state, earlier, threads);
            let performed = performed.unwrap_or_else(|error| cannot(&error));
            self.runs += 1;
            played.broken.extend(act.false_receipts());
            played.broken.extend(performed.state.iter().flat_map(|state| act.undone(state)));
            progress = std::mem::take(&mut *act.progress());
            if self.first_record.is_empty() {
                self.first_record = first_record(&progress.journal);
            }
            played.broken.append(&mut progress.broken);
            played.began.push(progress.began.clone());
            progress = progress.afterwards();
            run = Some(performed.run);
            let done = matches!(
                performed.state,
                Some(RunState::Checked | RunState::Promoted { .. } | RunState::Live { .. } | RunState::Staged { .. })
            );
            last = Some((performed.state, performed.failures));
            if done || !played.broken.is_empty() {
                break;
            }
        }
        match last {
            Some((Some(state), failures)) if failures.is_empty() => played.end = Some(self.end(&state)),
            Some((_, failures)) if played.broken.is_empty() => {
                let why = failures.first().map(|(step, failure)| format!(": `{step}`: {failure}"));
                played.broken.push(format!("it does not come to its end{}", why.unwrap_or_default()));
            }
            _ => {}
        }
        if self.known.is_empty() {
            self.known = std::fs::read(latest(&state)).unwrap_or_default();
        }
        let _ = std::fs::remove_dir_all(&state);
        played
    }

    /// The schedules with one fault more, at a point that is reached after the last one.
    fn worse(&self, schedule: &Schedule, played: &Played, faults: usize) -> Vec<Schedule> {
        if schedule.faults.len() >= faults {
            return Vec::new();
        }
        let last = schedule.faults.last();
        let mut reached = last.is_none();
        let mut worse = Vec::new();
        for (run, steps) in played.began.iter().enumerate() {
            for step in steps {
                if reached {
                    let effect = self.lowered.plan.step(step).is_some_and(|step| step.effect.is_some());
                    worse.extend(Mishap::of(effect).iter().map(|fault| schedule.and(run, step, *fault)));
                }
                reached |= last.is_some_and(|(number, last, _)| *number == run && last == step);
            }
        }
        worse
    }

    fn end(&self, state: &RunState) -> End {
        let world = &self.simulation.world;
        let current = world.store.current().unwrap_or_default();
        let mut packages = BTreeMap::new();
        let mut figures = BTreeMap::new();
        for (name, channel) in &current.channels {
            for (package, releases) in &channel.packages {
                let all = releases.iter().map(|release| {
                    (release.version.clone(), release.files.iter().map(|file| file.digest).collect::<Vec<_>>())
                });
                packages.insert((name.clone(), package.clone()), all.collect());
            }
            for (package, releases) in &channel.debs {
                let all = releases.iter().map(|release| (release.version.clone(), vec![release.digest]));
                packages.insert((name.clone(), format!("{package} (deb)")), all.collect());
            }
            for (job, figure) in &channel.ratchets {
                figures.insert((name.clone(), job.clone()), figure.clone());
            }
        }
        let live = world.hosts.kept().into_iter().map(|(place, held)| {
            let live = held.live().map(|live| (live.version, live.digest));
            (place, (live, held.switches))
        });
        let elsewhere = world.state().elsewhere.clone();
        End { state: end(state), promotions: current.number, packages, figures, live: live.collect(), elsewhere }
    }
}

impl Played {
    /// Panics if something did not hold.
    #[track_caller]
    fn check(&self, schedule: &Schedule, reference: Option<&End>) {
        let mut broken = self.broken.clone();
        if let (Some(end), Some(reference)) = (&self.end, reference)
            && end != reference
        {
            broken.push(difference(end, reference));
        }
        if broken.is_empty() {
            return;
        }
        let runs = self.began.iter().enumerate().map(|(run, steps)| {
            let name = if run == 0 { "the run".to_owned() } else { format!("resumption {run}") };
            format!("  {name}: {}\n", steps.join(", "))
        });
        panic!("{}\n\nschedule: {schedule}\nsteps that began:\n{}", broken.join("\n"), runs.collect::<String>());
    }
}

/// Where the cache keeps the latest outcome of each step.
fn latest(state: &Path) -> PathBuf {
    state.join("cache").join(crate::cache::BUCKET).join("latest")
}

/// How an end differs from the one without faults.
fn difference(end: &End, reference: &End) -> String {
    let mut lines = vec!["when all is done, it is not as it is without faults:".to_owned()];
    let mut compare = |what: &str, found: String, wanted: String| {
        if found != wanted {
            lines.push(format!("  {what}: {found}, instead of {wanted}"));
        }
    };
    compare("the run ended", end.state.to_owned(), reference.state.to_owned());
    compare("promotions", end.promotions.to_string(), reference.promotions.to_string());
    compare("packages", format!("{:?}", end.packages), format!("{:?}", reference.packages));
    compare("figures", format!("{:?}", end.figures), format!("{:?}", reference.figures));
    compare("live", format!("{:?}", end.live), format!("{:?}", reference.live));
    compare("effects elsewhere", format!("{:?}", end.elsewhere), format!("{:?}", reference.elsewhere));
    lines.join("\n")
}
