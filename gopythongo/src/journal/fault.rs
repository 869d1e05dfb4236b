//! A fault for tests: the program is killed at one of its journal writes. Without one, this costs a look at an empty cell.

use std::sync::OnceLock;

use rustix::process::{Signal, getpid, kill_process};

static ARMED: OnceLock<Fault> = OnceLock::new();

/// Where a program is killed, as by `kill -9`. Records are counted from 1, which is the plan of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// Half of that record is written.
    Torn(u64),
    /// That record is written, and nothing is done yet that follows it.
    Written(u64),
}

impl Fault {
    /// Makes this program die so. The first one counts; it cannot be taken back.
    pub fn arm(self) {
        let _ = ARMED.set(self);
    }

    /// How much of a line is written, if this is the moment to die after that.
    pub(super) fn cut(number: u64, length: usize) -> Option<usize> {
        match ARMED.get()? {
            Self::Torn(at) if *at == number => Some(length / 2),
            Self::Written(at) if *at == number => Some(length),
            _ => None,
        }
    }

    /// Dies.
    pub(super) fn strike() -> ! {
        let _ = kill_process(getpid(), Signal::KILL);
        // nobody has seen this line
        std::process::abort()
    }
}
