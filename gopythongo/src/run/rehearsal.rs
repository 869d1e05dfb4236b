//! Who goes next in a run of which nothing is real: the same seed, the same order of steps and of what they do. The
//! scheduler, the journal and the effects are those of every run.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::{cache::Memory, journal::Beginning, support::Hasher};

/// How many threads take part at most.
const MOST: usize = 4;

/// A service that makes a run a rehearsal. One thread at a time goes on; where it says that others may
/// ([`pause`](Self::pause)), the seed decides who does.
#[derive(Debug)]
pub(crate) struct Rehearsal {
    seed: Option<u64>,
    /// What is known of earlier runs.
    pub(super) cache: Memory,
    beginning: Option<Arc<Beginning>>,
    state: Mutex<State>,
    /// One for each thread, which waits for its turn.
    turns: [Condvar; MOST],
}

#[derive(Debug, Default)]
struct State {
    random: fastrand::Rng,
    /// What each thread does.
    threads: Vec<Thread>,
    /// The one that goes on.
    turn: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thread {
    /// It was not started yet.
    Awaited,
    Ready,
    /// It has nothing to do until another has done something.
    Waiting,
    Gone,
}

/// A thread's part, which ends when this is dropped.
#[derive(Debug)]
pub(super) struct Part<'a> {
    rehearsal: &'a Rehearsal,
    number: usize,
}

impl Rehearsal {
    /// Without a seed, steps begin in the order in which a run with one thread begins them when all take equally long; with
    /// one, in another order that the plan allows.
    pub(crate) fn new(seed: Option<u64>, cache: Memory, beginning: Option<Arc<Beginning>>) -> Self {
        let state = State { random: fastrand::Rng::with_seed(seed.unwrap_or_default()), ..State::default() };
        Self { seed, cache, beginning, state: Mutex::new(state), turns: Default::default() }
    }

    /// How the journal begins, if that is known.
    pub(crate) fn beginning(&self) -> Option<&Beginning> {
        self.beginning.as_deref()
    }

    /// How long a step is said to take: it decides which of those that are ready begins.
    pub(super) fn cost(&self, step: &str) -> u64 {
        let Some(seed) = self.seed else { return 1 };
        let mut hasher = Hasher::new();
        hasher.part(seed.to_le_bytes()).part(step);
        1 + u64::from(hasher.finish().bytes()[0])
    }

    /// Awaits so many threads.
    pub(super) fn begin(&self, threads: usize) {
        let mut state = self.state();
        (state.threads, state.turn) = (vec![Thread::Awaited; threads], None);
    }

    /// A thread takes its part; the first one goes on when all have.
    pub(super) fn enter(&self, number: usize) -> Part<'_> {
        let mut state = self.state();
        state.threads[number] = Thread::Ready;
        if !state.threads.contains(&Thread::Awaited) {
            self.next(&mut state);
        }
        self.until_turn(state, number);
        Part { rehearsal: self, number }
    }

    /// Lets others go on, if the seed wants it.
    pub(crate) fn pause(&self) {
        let mut state = self.state();
        let Some(number) = state.turn else { return };
        self.next(&mut state);
        self.until_turn(state, number);
    }

    /// Lets others go on until one of them has [done something](Self::wake).
    pub(super) fn wait(&self, number: usize) {
        let mut state = self.state();
        state.threads[number] = Thread::Waiting;
        self.next(&mut state);
        self.until_turn(state, number);
    }

    /// Those that wait may look again, when it is their turn.
    pub(super) fn wake(&self) {
        let mut state = self.state();
        let waiting = state.threads.iter_mut().filter(|thread| **thread == Thread::Waiting);
        waiting.for_each(|thread| *thread = Thread::Ready);
    }

    fn next(&self, state: &mut State) {
        let before = state.turn;
        let many = state.threads.iter().filter(|thread| **thread == Thread::Ready).count();
        let place = if many > 1 { state.random.usize(..many) } else { 0 };
        let mut ready = state.threads.iter().enumerate().filter(|(_, thread)| **thread == Thread::Ready);
        state.turn = ready.nth(place).map(|(number, _)| number);
        if let Some(number) = state.turn.filter(|_| state.turn != before) {
            self.turns[number % MOST].notify_all();
        }
    }

    fn until_turn(&self, mut state: MutexGuard<'_, State>, number: usize) {
        while state.turn != Some(number) {
            state = self.turns[number % MOST].wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Part<'_> {
    fn drop(&mut self) {
        let mut state = self.rehearsal.state();
        state.threads[self.number] = Thread::Gone;
        self.rehearsal.next(&mut state);
    }
}
