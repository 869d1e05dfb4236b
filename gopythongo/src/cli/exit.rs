//! Exit codes: what a build server learns without reading.

use std::process::ExitCode;

use crate::{
    event::RunState,
    run::{Ended, FailureKind, RunErrorKind},
};

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// Done: 0.
    Done,
    /// A step failed: 1.
    StepFailed,
    /// Wrong usage or an invalid pipeline: 2.
    Usage,
    /// The machine or a server lacks something: a tool, a credential, a connection: 3.
    Lacking,
    /// Refused: a lock, a conflict, a rule: 4.
    Refused,
    /// Interrupted by a signal: 128 and its number.
    Interrupted(i32),
}

impl Exit {
    /// The code.
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(self.number())
    }

    fn number(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::StepFailed => 1,
            Self::Usage => 2,
            Self::Lacking => 3,
            Self::Refused => 4,
            Self::Interrupted(signal) => u8::try_from(128 + signal).unwrap_or(u8::MAX),
        }
    }
}

impl From<RunErrorKind> for Exit {
    fn from(kind: RunErrorKind) -> Self {
        match kind {
            RunErrorKind::Usage => Self::Usage,
            RunErrorKind::Lacking => Self::Lacking,
            RunErrorKind::Refused => Self::Refused,
        }
    }
}

impl From<FailureKind> for Exit {
    fn from(kind: FailureKind) -> Self {
        worst(std::iter::once(kind))
    }
}

impl From<&Ended> for Exit {
    fn from(ended: &Ended) -> Self {
        match ended.state {
            RunState::Checked | RunState::Promoted { .. } | RunState::Live { .. } | RunState::Staged { .. } => {
                Self::Done
            }
            RunState::Interrupted { signal } => Self::Interrupted(signal),
            RunState::Waiting { .. } => Self::Refused,
            RunState::Failed | RunState::NotLive { .. } => {
                worst(ended.failures.iter().map(|(_, failure)| failure.kind))
            }
        }
    }
}

/// A red test is news about the code and outweighs what the machine lacks, which outweighs a refusal.
fn worst(kinds: impl Iterator<Item = FailureKind>) -> Exit {
    let mut worst = None;
    for kind in kinds {
        let exit = match kind {
            FailureKind::Failed | FailureKind::Timeout => return Exit::StepFailed,
            FailureKind::Lacking | FailureKind::Infrastructure => Exit::Lacking,
            FailureKind::Refused | FailureKind::Waiting | FailureKind::Stale => Exit::Refused,
            FailureKind::Cancelled => continue,
        };
        worst = if worst == Some(Exit::Lacking) { worst } else { Some(exit) };
    }
    worst.unwrap_or(Exit::StepFailed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::Failure;

    #[track_caller]
    fn check(state: RunState, kinds: &[FailureKind], expect: u8) {
        let failures = kinds.iter().map(|kind| ("a/b".to_owned(), Failure::of(*kind, "no"))).collect();
        assert_eq!(Exit::from(&Ended { state, failures }).number(), expect);
    }

    #[test]
    fn codes_are_the_documented_ones() {
        use FailureKind::{Cancelled, Failed, Lacking, Refused, Stale, Timeout, Waiting};
        check(RunState::Checked, &[], 0);
        check(RunState::Promoted { generation: 1 }, &[], 0);
        check(RunState::Live { generation: Some(1), urls: Default::default() }, &[], 0);
        check(RunState::NotLive { generation: Some(1) }, &[Failed], 1);
        check(RunState::NotLive { generation: Some(1) }, &[Lacking], 3);
        check(RunState::NotLive { generation: Some(1) }, &[Refused], 4);
        check(RunState::Waiting { generation: Some(1), steps: Vec::new() }, &[Waiting], 4);
        check(RunState::NotLive { generation: Some(1) }, &[Waiting, Failed], 1);
        check(RunState::Staged { left_out: Vec::new() }, &[], 0);
        check(RunState::Failed, &[Timeout], 1);
        check(RunState::Failed, &[Lacking, Cancelled, Failed], 1);
        check(RunState::Failed, &[Refused, Lacking], 3);
        check(RunState::Failed, &[Lacking, Refused], 3);
        check(RunState::Failed, &[Cancelled, Stale], 4);
        check(RunState::Interrupted { signal: 2 }, &[Cancelled], 130);
        check(RunState::Interrupted { signal: 15 }, &[], 143);
        assert_eq!(Exit::Usage.number(), 2);
    }
}
