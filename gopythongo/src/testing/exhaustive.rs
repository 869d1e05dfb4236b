//! Every choice of faults at every point where one can come, and runs whose steps come in other orders.

use std::{fmt, fs, io, sync::Arc};

use super::{
    end::End,
    performance::perform,
    schedule::{Mishap, Schedule, THREADS},
    simulation::Simulation,
    world::{Moment, Progress},
};
use crate::{
    context::Context,
    deploy::Switch,
    event::RunState,
    journal::{Beginning, Record},
    plan::Lowered,
    run::Rehearsal,
};

/// How many orders of steps are tried.
const INTERLEAVINGS: u64 = 1_000;

/// What was tried, all of which held.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Explored {
    /// Choices of faults, none among them, each to the end of the run or of its last resumption.
    pub schedules: usize,
    /// Orders of steps, each with up to as many faults.
    pub interleavings: usize,
    /// Runs and resumptions altogether. What several schedules begin with is played once.
    pub runs: usize,
}

impl fmt::Display for Explored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} schedules and {} interleavings, {} runs", self.schedules, self.interleavings, self.runs)
    }
}

/// What one schedule came to.
struct Played {
    /// Which steps began, by run.
    began: Vec<Vec<String>>,
    broken: Vec<String>,
    end: Option<End>,
    /// How a test would say what was played.
    script: String,
    /// Where schedules with one fault more go on.
    paused: Option<Arc<Paused>>,
}

/// A run that failed, or was killed, before it is resumed.
struct Paused {
    moment: Moment,
    progress: Progress,
    run: String,
    journal: Vec<u8>,
    began: Vec<Vec<String>>,
    script: String,
}

/// A schedule that is still to be played, and where it begins if not at the beginning.
type Waiting = (Schedule, Option<Arc<Paused>>);

/// What all schedules begin with.
struct Stage<'a> {
    simulation: &'a Simulation,
    lowered: Arc<Lowered>,
    context: Arc<Context>,
    moment: Moment,
    generation: u64,
    /// How a test would say what was played before.
    script: String,
    /// With what all journals begin.
    beginning: Option<Arc<Beginning>>,
    /// How many faults there are at most.
    faults: usize,
    runs: usize,
}

impl Simulation {
    /// Tries every choice of up to so many faults, each at every point of the run, or of the resumption that follows, at which
    /// it can come: a step fails, the program is killed before or after an effect whose receipt is not written, an effect's
    /// answer is lost. What waits for an approval gets it. Then tries 1,000 orders of steps, three under way at once, with
    /// faults here and there. Everything was built and promoted once before, and has changed since. After the last fault the
    /// run is resumed until it is done.
    ///
    /// Two faults are enough to see what one does to the way back from another; three take an hour.
    ///
    /// # Panics
    /// When something does not hold that always must (as for [`run`](Self::run)), what the [team claims](Self::always) does
    /// not, or when all is done something is otherwise than it is without faults, or was done twice. The schedule is told, and how to
    /// repeat it alone.
    #[track_caller]
    pub fn exhaustive(self, faults: usize) -> Explored {
        self.explore(faults, INTERLEAVINGS)
    }

    #[track_caller]
    pub(super) fn explore(&self, faults: usize, interleavings: u64) -> Explored {
        let mut stage = self.set_the_stage(faults);
        let nothing = Schedule::default();
        let reference = stage.play(&nothing, None);
        stage.check(&reference, &nothing, None);
        let mut waiting = stage.worse(&nothing, &reference, None);
        let (points, mut schedules) = (waiting.clone(), 1);
        while let Some((schedule, begin)) = waiting.pop() {
            let played = stage.play(&schedule, begin.as_deref());
            stage.check(&played, &schedule, reference.end.as_ref());
            waiting.extend(stage.worse(&schedule, &played, begin.as_ref()));
            schedules += 1;
        }
        for seed in 0..interleavings {
            let mut random = fastrand::Rng::with_seed(seed);
            let mut schedule = Schedule { seed: Some(seed), ..Schedule::default() };
            // the faults have been tried in all places: here they are tried in other orders
            let some = if seed % 4 == 0 { random.usize(..=faults) } else { 0 };
            for run in 0..some {
                if let Some((_, step, fault)) = random.choice(&points).and_then(|(point, _)| point.faults.first()) {
                    schedule = schedule.and(run, step, *fault);
                }
            }
            let played = stage.play(&schedule, None);
            stage.check(&played, &schedule, reference.end.as_ref());
        }
        Explored { schedules, interleavings: usize::try_from(interleavings).unwrap_or_default(), runs: stage.runs }
    }

    /// Builds and promotes everything once, then changes it.
    #[track_caller]
    fn set_the_stage(&self, faults: usize) -> Stage<'_> {
        let (lowered, context) = self.lowered();
        let moment = self.world.moment();
        let (generation, script, beginning, runs) = (0, String::new(), None, 0);
        let mut stage =
            Stage { simulation: self, lowered, context, moment, generation, script, beginning, faults, runs };
        let first = stage.play(&Schedule::default(), None);
        stage.check(&first, &Schedule::default(), None);
        stage.script = first.script;
        for job in self.test.pipeline.jobs.iter().filter(|job| job.is_built()) {
            stage.script.push_str(&format!(".changes({:?})", job.name));
            *self.world.state().revisions.entry(job.name.clone()).or_insert(1) += 1;
        }
        stage.moment = self.world.moment();
        stage.generation = self.world.store.current().map(|current| current.number).unwrap_or_default();
        stage
    }
}

impl Stage<'_> {
    /// Plays a schedule to the end of its last resumption, from the beginning or from where others have come to.
    #[track_caller]
    fn play(&mut self, schedule: &Schedule, begin: Option<&Paused>) -> Played {
        let cannot = |error: &dyn fmt::Display| -> ! { panic!("the simulated run cannot be kept: {error}") };
        let world = &self.simulation.world;
        let script = self.script.clone() + &schedule.order();
        let mut played = Played { began: Vec::new(), broken: Vec::new(), end: None, script, paused: None };
        let mut progress = Progress { generation: self.generation, ..Progress::default() };
        let (mut run, mut last): (Option<String>, _) = (None, None);
        world.put_back(begin.map_or(&self.moment, |begin| &begin.moment));
        if let Some(begin) = begin {
            begin.restore().unwrap_or_else(|error| cannot(&error));
            (progress, run) = (begin.progress.clone(), Some(begin.run.clone()));
            played.began.clone_from(&begin.began);
            played.script.clone_from(&begin.script);
        }
        // where somebody has to approve what is deployed, the run goes on when they have
        let is_protected = self.lowered.code.values().filter_map(Switch::of).any(Switch::is_protected);
        for attempt in played.began.len()..=schedule.faults.len() + 1 + usize::from(is_protected) {
            let faults = schedule.faults.iter().filter(|(number, ..)| *number == attempt);
            progress.faults = faults.map(|(_, step, fault)| (step.clone(), *fault)).collect();
            played.script.push_str(&schedule.script(attempt));
            let seed = schedule.seed_of(attempt);
            let rehearsal = Rehearsal::new(seed, world.cache.clone(), self.beginning.clone());
            let act = Arc::new(self.simulation.act(&self.lowered, &self.context, progress, rehearsal));
            let threads = if seed.is_some() { THREADS } else { 1 };
            let performed = perform(&act, &self.lowered, &self.context, run.as_deref(), threads, false);
            let performed = performed.unwrap_or_else(|error| cannot(&error));
            self.runs += 1;
            played.broken.extend(act.false_receipts());
            played.broken.extend(performed.state.iter().flat_map(|state| act.undone(state)));
            progress = std::mem::take(&mut *act.progress());
            played.broken.append(&mut progress.broken);
            played.began.push(progress.began.clone());
            progress = progress.afterwards();
            let done = matches!(
                performed.state,
                Some(RunState::Checked | RunState::Promoted { .. } | RunState::Live { .. } | RunState::Staged { .. })
            );
            if matches!(performed.state, Some(RunState::Waiting { .. })) {
                for (environment, application) in act.protected() {
                    if world.approve(environment, application) {
                        played.script.push_str(&format!(".approves({environment:?})"));
                    }
                }
            }
            last = Some((performed.state, performed.failures));
            if done || !played.broken.is_empty() {
                break;
            }
            let is_last = schedule.faults.last().is_some_and(|(number, ..)| *number == attempt);
            if is_last && schedule.faults.len() < self.faults && schedule.seed.is_none() {
                let (began, moment, progress) = (played.began.clone(), world.moment(), progress.clone());
                let journal = fs::read(&progress.journal).unwrap_or_else(|error| cannot(&error));
                let (run, script) = (performed.run.clone(), played.script.clone());
                played.paused = Some(Arc::new(Paused { moment, progress, run, journal, began, script }));
            }
            run = Some(performed.run);
        }
        match last {
            Some((Some(state), failures)) if failures.is_empty() => played.end = Some(End::of(world, &state)),
            Some((_, failures)) if played.broken.is_empty() => {
                let why = failures.first().map(|(step, failure)| format!(": `{step}`: {failure}"));
                played.broken.push(format!("it does not come to its end{}", why.unwrap_or_default()));
            }
            _ => {}
        }
        if self.beginning.is_none() {
            let (plan, context) = (self.lowered.plan.clone(), self.context.clone());
            let started = Record::Started { plan, context, arguments: Vec::new() };
            self.beginning = Beginning::of(&progress.journal, started).map(Arc::new);
        }
        let _ = fs::remove_dir_all(world.state_directory());
        played
    }

    /// The schedules with one fault more, at a point that is reached after the last one.
    fn worse(&self, schedule: &Schedule, played: &Played, begin: Option<&Arc<Paused>>) -> Vec<Waiting> {
        if schedule.faults.len() >= self.faults {
            return Vec::new();
        }
        let last = schedule.faults.last();
        let mut reached = last.is_none();
        let mut worse = Vec::new();
        for (run, steps) in played.began.iter().enumerate() {
            let paused = played.paused.as_ref().filter(|paused| paused.began.len() <= run);
            for step in steps {
                if reached {
                    let effect = self.lowered.plan.step(step).is_some_and(|step| step.effect.is_some());
                    let more = Mishap::of(effect).iter().map(|fault| schedule.and(run, step, *fault));
                    worse.extend(more.map(|schedule| (schedule, paused.or(begin).cloned())));
                }
                reached |= last.is_some_and(|(number, last, _)| *number == run && last == step);
            }
        }
        worse
    }

    /// Panics if something did not hold.
    #[track_caller]
    fn check(&self, played: &Played, schedule: &Schedule, reference: Option<&End>) {
        let mut broken = played.broken.clone();
        if let (Some(end), Some(reference)) = (&played.end, reference)
            && end != reference
        {
            broken.push("when all is done, it is not as it is without faults:".to_owned());
            broken.extend(end.difference(reference));
        }
        if broken.is_empty() {
            return;
        }
        let runs = played.began.iter().enumerate().map(|(run, steps)| {
            let name = if run == 0 { "the run".to_owned() } else { format!("resumption {run}") };
            format!("  {name}: {}\n", steps.join(", "))
        });
        let (broken, runs) = (broken.join("\n"), runs.collect::<String>());
        panic!(
            "{broken}\n\nschedule: {schedule}\nsteps that began:\n{runs}to repeat it, write in the place of \
             `.exhaustive(..)`:\n  {}\n",
            played.script
        );
    }
}

impl Paused {
    /// Puts its journal back.
    fn restore(&self) -> io::Result<()> {
        let path = &self.progress.journal;
        path.parent().map_or(Ok(()), fs::create_dir_all)?;
        fs::write(path, &self.journal)
    }
}
