//! Programs that were written a moment ago.

use std::{
    io, thread,
    time::{Duration, Instant},
};

/// How long a program may stay busy.
const PATIENCE: Duration = Duration::from_secs(10);

const PAUSE: Duration = Duration::from_millis(2);

/// Starts a program as soon as nobody writes to it (`ETXTBSY`). What other threads of this program start holds every file
/// that is being written at that moment until it has become another program: what was closed here is not closed there yet.
///
/// # Errors
/// When it cannot be started, or somebody goes on writing to it.
pub(crate) fn once_written<T>(mut start: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    let begin = Instant::now();
    loop {
        match start() {
            Err(error) if error.kind() == io::ErrorKind::ExecutableFileBusy && begin.elapsed() < PATIENCE => {
                thread::sleep(PAUSE);
            }
            done => return done,
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{
        fs::{self, Permissions},
        os::unix::fs::PermissionsExt,
        process::Command,
    };

    use super::*;

    #[test]
    fn a_program_that_is_being_written_is_started_when_it_is_whole() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("program");
        fs::write(&path, "#!/bin/sh\nexit 7\n").expect("space");
        fs::set_permissions(&path, Permissions::from_mode(0o755)).expect("a mode");
        let mut writing = Some(fs::OpenOptions::new().append(true).open(&path).expect("it can be written to"));
        let mut attempts = 0;
        let started = once_written(|| {
            attempts += 1;
            let started = Command::new(&path).status();
            drop(writing.take());
            started
        });
        assert_eq!(started.expect("it is whole").code(), Some(7));
        assert!(attempts > 1, "nobody may run what is being written");
    }
}
