//! A process that is no child of this program, until it is dead.

use std::time::Duration;

/// Waits for one process, whatever gets its number afterwards.
#[derive(Debug)]
pub(crate) struct Watched {
    #[cfg(target_os = "linux")]
    process: std::os::fd::OwnedFd,
}

#[cfg(target_os = "linux")]
impl Watched {
    /// Watches the process that has this number now; `None` if there is none.
    pub(crate) fn of(pid: i32) -> Option<Self> {
        use rustix::process::{Pid, PidfdFlags, pidfd_open};

        let process = pidfd_open(Pid::from_raw(pid)?, PidfdFlags::empty()).ok()?;
        Some(Self { process })
    }

    /// Waits until it is dead; `false` if it then still lives.
    pub(crate) fn until_dead(&self, limit: Duration) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};

        let limit = Timespec::try_from(limit).unwrap_or_default();
        poll(&mut [PollFd::new(&self.process, PollFlags::IN)], Some(&limit)).is_ok_and(|ready| ready > 0)
    }
}

/// Elsewhere the table of processes is empty, and nobody is waited for.
#[cfg(not(target_os = "linux"))]
impl Watched {
    pub(crate) fn of(_pid: i32) -> Option<Self> {
        None
    }

    pub(crate) fn until_dead(&self, _limit: Duration) -> bool {
        true
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_process_is_waited_for_by_whoever_is_not_its_parent_too() {
        let mut child = Command::new("sleep").arg("600").spawn().expect("sleep can be started");
        let watched = Watched::of(i32::try_from(child.id()).expect("pids are small")).expect("it lives");
        assert!(!watched.until_dead(Duration::ZERO));
        child.kill().expect("it lives");
        assert!(watched.until_dead(Duration::from_secs(10)));
        child.wait().expect("it was started");
    }
}
