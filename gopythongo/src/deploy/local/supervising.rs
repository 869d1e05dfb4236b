//! The supervisor of an environment: found, started, replaced, ended.

use std::{fs, io, path::PathBuf, time::Duration};

use rustix::process::Signal;

use super::{LocalHost, installed::Installed};
use crate::{
    deploy::{
        Slot,
        supervisor::{Ask, Control, Record, Report, launch, port_is_free},
    },
    run::{Failure, process::end_leftovers},
};

/// How long a supervisor may take to end beyond the drains of its slots.
const END: Duration = Duration::from_secs(10);

impl LocalHost {
    /// The supervisor of this environment with its front on a port, started if it is not there.
    pub(super) fn supervised(&self, port: Option<u16>, say: &dyn Fn(&str)) -> Result<(Record, Control), Failure> {
        if let Some(record) = Record::read(&self.place).filter(Record::is_alive) {
            let stays = record.is_known() && port.is_none_or(|port| port == record.port);
            if let (true, Ok(control)) = (stays, Control::connect(&record.control())) {
                return Ok((record, control));
            }
            match port {
                Some(port) if port != record.port => {
                    // else nothing would serve in the end
                    port_is_free(&self.place, port)?;
                    say(&format!("moves from port {} to {port}", record.port));
                }
                _ => say("replaces its supervisor"),
            }
            self.end(&record)?;
        }
        launch(&self.place, port.or(self.port()?))
    }

    /// Ends a supervisor and its slots: kindly, and if that is in vain by force.
    pub(super) fn end(&self, record: &Record) -> Result<(), Failure> {
        let drains = Slot::BOTH.iter().filter_map(|slot| Installed::read(&self.place, *slot).ok().flatten());
        let limit = END + drains.map(|installed| installed.how.drain).max().unwrap_or_default();
        let asked = Control::connect(&record.control()).and_then(|mut control| control.ask(Ask::End));
        if asked.is_err() {
            record.signal(Signal::TERM);
        }
        if !record.until_dead(limit) {
            record.signal(Signal::KILL);
            if !record.until_dead(END) {
                return Err(Failure::lacking(format!("the supervisor of {} cannot be ended", self.name)));
            }
        }
        end_leftovers(&self.place.id());
        for leftover in [record.sockets.clone(), self.place.supervisor()] {
            remove(&leftover).map_err(Failure::io("cannot remove", &leftover))?;
        }
        Ok(())
    }

    pub(super) fn ask(&self, control: &mut Control, ask: Ask) -> Result<Report, Failure> {
        control.ask(ask).map_err(|error| self.gone(&error))
    }

    pub(super) fn gone(&self, error: &io::Error) -> Failure {
        Failure::lacking(format!("the supervisor of {} is gone: {error}", self.name))
    }
}

fn remove(path: &PathBuf) -> io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}
