//! What can be done with an environment on this machine.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Duration,
};

use rustix::process::Signal;

use super::{
    Live, Package, configuration, depends, health,
    history::{self, Pin},
    installed::Installed,
    place::Place,
    takeover::Takeover,
    unpack,
};
use crate::{
    deploy::{
        BlueGreen, Slot,
        supervisor::{Ask, Control, Record, launch},
    },
    run::{
        Failure, FailureKind,
        process::{Cancel, end_leftovers},
    },
    support::FileLock,
};

/// How long a service has to answer when only its state is asked for.
const GLANCE: Duration = Duration::from_secs(2);

/// How long a supervisor may take to end beyond the drains of its slots.
const END: Duration = Duration::from_secs(10);

/// One application's environment on this machine.
#[derive(Debug, Clone)]
pub struct LocalHost {
    name: String,
    place: Place,
}

impl LocalHost {
    /// The environment below a state directory: `<state>/environments/<environment>/<application>/`. Nothing is made.
    #[must_use]
    pub fn new(state: &Path, environment: &str, application: &str) -> Self {
        let directory = state.join("environments").join(environment).join(application);
        // the supervisor has another directory to start from
        let directory = std::path::absolute(&directory).unwrap_or(directory);
        Self { name: format!("{application} in {environment}"), place: Place::new(directory) }
    }

    /// What serves, asked of the process, its socket and its health check; `None` if nothing was ever made live.
    ///
    /// # Errors
    /// When the environment's files cannot be read.
    pub fn status(&self) -> Result<Option<Live>, Failure> {
        let Some((slot, installed)) = self.current()? else { return Ok(None) };
        let record = Record::read(&self.place).filter(Record::is_alive);
        let healthy = record.as_ref().is_some_and(|record| {
            health::check(&Record::socket(&record.sockets, slot), &installed.how.health_check, GLANCE).is_ok()
        });
        let port = record.map(|record| record.port).or(self.port()?);
        self.live(slot, &installed, port, healthy).map(Some)
    }

    /// Makes a package live. The same package, healthy, stays; dead, is started in the same slot. `port` is the front's; a
    /// free one by default, which the environment keeps. `say` is told what happens.
    ///
    /// What was [rolled back](Self::rollback) from does not become live again: what is live then stays, and says that it is
    /// pinned.
    ///
    /// # Errors
    /// When it does not get healthy, or the machine cannot run it; the old version then serves on.
    pub fn switch(
        &self,
        package: &Package,
        how: &BlueGreen,
        port: Option<u16>,
        cancel: &Cancel,
        say: &dyn Fn(&str),
    ) -> Result<Live, Failure> {
        let _lock = self.lock()?;
        let current = self.current()?;
        if let Some((slot, installed)) = &current {
            let pin = self.pin(installed)?;
            if pin.as_ref().is_some_and(|pin| pin.digest == package.digest) {
                say(&format!(
                    "{} was rolled back from and stays away: {} is pinned",
                    package.version, installed.version
                ));
                return self.keep(*slot, installed.clone(), port, cancel, say);
            }
            if installed.digest == package.digest {
                let installed = Installed { how: how.clone(), ..installed.clone() };
                return self.keep(*slot, installed, port, cancel, say);
            }
        }
        let opened = unpack::open(package)?;
        depends::check(&opened.control, say)?;
        let (record, mut control) = self.supervised(port, say)?;
        let slot = current.as_ref().map_or(Slot::Blue, |(live, _)| live.other());
        let there = Installed::read(&self.place, slot).unwrap_or_default();
        let installed = match there.filter(|there| there.digest == package.digest && there.how == *how) {
            Some(there) => there,
            None => {
                // what is left of a run that was killed is not wanted
                control.until_ended(slot, Duration::MAX).map_err(|error| self.gone(&error))?;
                say(&format!("unpacks {} {} into {slot}", package.name, package.version));
                opened.into_slot(&self.place, slot, how)?
            }
        };
        configuration::put(&self.place, slot, &installed, say)?;
        let takeover = Takeover { place: &self.place, slot, installed: &installed, rollback: false, cancel, say };
        if let Err(error) = takeover.run(control) {
            // Nobody should be able to roll back to what never was live.
            if error.kind != FailureKind::Cancelled {
                let _ = fs::remove_file(Installed::path(&self.place, slot));
            }
            return Err(error);
        }
        Pin::remove(&self.place).map_err(Failure::io("cannot remove", &self.place.pin()))?;
        let live = self.live(slot, &installed, Some(record.port), true)?;
        say(&format!("{slot} is live at {}", live.url));
        Ok(live)
    }

    /// Makes the other slot's version live, and pins it: until there is a newer package, or [`unpin`](Self::unpin).
    ///
    /// # Errors
    /// When there is none, or it does not get healthy.
    pub fn rollback(&self, say: &dyn Fn(&str)) -> Result<Live, Failure> {
        let _lock = self.lock()?;
        let nothing = || Failure::refused(format!("{} has no version to roll back to", self.name));
        let (live, from) = self.current()?.ok_or_else(nothing)?;
        let slot = live.other();
        let record = Installed::path(&self.place, slot);
        let to = Installed::read(&self.place, slot).map_err(Failure::io("cannot read", &record))?;
        let to = to.ok_or_else(nothing)?;
        let (supervisor, control) = self.supervised(None, say)?;
        // Before the switch: a run after a crash between the two must not bring it back.
        let pin = Pin { version: from.version, digest: from.digest };
        let earlier = Pin::read(&self.place).unwrap_or_default();
        let file = self.place.pin();
        pin.write(&self.place).map_err(Failure::io("cannot write", &file))?;
        let cancel = Cancel::new();
        let takeover = Takeover { place: &self.place, slot, installed: &to, rollback: true, cancel: &cancel, say };
        if let Err(error) = takeover.run(control) {
            let undone = match earlier {
                Some(earlier) => earlier.write(&self.place),
                None => Pin::remove(&self.place).map(|_| ()),
            };
            undone.map_err(Failure::io("cannot write", &file))?;
            return Err(error);
        }
        let live = self.live(slot, &to, Some(supervisor.port), true)?;
        say(&format!("{slot} is live again at {}", live.url));
        Ok(live)
    }

    /// Takes the pin of a rollback away; gives whether there was one.
    ///
    /// # Errors
    /// When the environment's files cannot be written.
    pub fn unpin(&self) -> Result<bool, Failure> {
        Pin::remove(&self.place).map_err(Failure::io("cannot remove", &self.place.pin()))
    }

    /// Ends everything that runs here; gives whether anything did. What is answered at that moment is answered to its end.
    ///
    /// # Errors
    /// When it cannot be ended.
    pub fn down(&self) -> Result<bool, Failure> {
        if !self.place.directory().is_dir() {
            return Ok(false);
        }
        let _lock = self.lock()?;
        let mut ended = false;
        if let Some(record) = Record::read(&self.place) {
            ended = record.is_alive();
            self.end(&record)?;
        }
        Ok(end_leftovers(&self.place.id()) > 0 || ended)
    }

    fn lock(&self) -> Result<FileLock, Failure> {
        let path = self.place.lock();
        let attempt = FileLock::attempt(&path).map_err(Failure::io("cannot lock", &path))?;
        attempt.map_err(|held| {
            Failure::refused(format!("{} is being changed by another program: {}", self.name, held.holder))
                .hint("wait until it has ended, and try again")
        })
    }

    /// The live slot and what it holds.
    fn current(&self) -> Result<Option<(Slot, Installed)>, Failure> {
        let Some(slot) = self.place.live() else { return Ok(None) };
        let path = Installed::path(&self.place, slot);
        let installed = Installed::read(&self.place, slot).map_err(Failure::io("cannot read", &path))?;
        Ok(installed.map(|installed| (slot, installed)))
    }

    /// The port that the environment has had.
    fn port(&self) -> Result<Option<u16>, Failure> {
        let path = self.place.port();
        match fs::read_to_string(&path) {
            Ok(text) => Ok(text.trim().parse().ok()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(Failure::io("cannot read", &path)(error)),
        }
    }

    /// What was rolled back from, if what is live is what it was rolled back to.
    fn pin(&self, live: &Installed) -> Result<Option<Pin>, Failure> {
        let pin = Pin::read(&self.place).map_err(Failure::io("cannot read", &self.place.pin()))?;
        Ok(pin.filter(|pin| pin.digest != live.digest))
    }

    fn live(&self, slot: Slot, installed: &Installed, port: Option<u16>, healthy: bool) -> Result<Live, Failure> {
        let pinned = self.pin(installed)?.is_some();
        let previous = Installed::read(&self.place, slot.other()).unwrap_or_default();
        Ok(Live {
            slot,
            version: installed.version.clone(),
            digest: installed.digest,
            url: format!("http://127.0.0.1:{}/", port.unwrap_or_default()),
            healthy,
            pinned,
            previous: previous.map(|previous| previous.version),
            since: history::since(&self.place, installed.digest),
        })
    }

    /// Sees to it that what is live serves: started if nothing runs, restarted once if it is not well.
    fn keep(
        &self,
        slot: Slot,
        installed: Installed,
        port: Option<u16>,
        cancel: &Cancel,
        say: &dyn Fn(&str),
    ) -> Result<Live, Failure> {
        installed.write(&self.place, slot).map_err(Failure::io("cannot write", &self.place.slot(slot)))?;
        let (record, mut control) = self.supervised(port, say)?;
        let takeover = Takeover { place: &self.place, slot, installed: &installed, rollback: false, cancel, say };
        if let Err(error) = takeover.until_healthy(&mut control) {
            if error.kind != FailureKind::Failed {
                return Err(error);
            }
            say(&format!("{slot} is not well, and is started again"));
            self.ask(&mut control, Ask::Restart(slot))?;
            takeover.until_healthy(&mut control)?;
        }
        self.live(slot, &installed, Some(record.port), true)
    }

    /// The supervisor of this environment with its front on a port, started if it is not there.
    fn supervised(&self, port: Option<u16>, say: &dyn Fn(&str)) -> Result<(Record, Control), Failure> {
        if let Some(record) = Record::read(&self.place).filter(Record::is_alive) {
            let stays = record.is_known() && port.is_none_or(|port| port == record.port);
            if let (true, Ok(control)) = (stays, Control::connect(&record.control())) {
                return Ok((record, control));
            }
            match port {
                Some(port) if port != record.port => say(&format!("moves from port {} to {port}", record.port)),
                _ => say("replaces its supervisor"),
            }
            self.end(&record)?;
        }
        launch(&self.place, port.or(self.port()?))
    }

    /// Ends a supervisor and its slots: kindly, and if that is in vain by force.
    fn end(&self, record: &Record) -> Result<(), Failure> {
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

    fn ask(&self, control: &mut Control, ask: Ask) -> Result<crate::deploy::supervisor::Report, Failure> {
        control.ask(ask).map_err(|error| self.gone(&error))
    }

    fn gone(&self, error: &io::Error) -> Failure {
        Failure::lacking(format!("the supervisor of {} is gone: {error}", self.name))
    }
}

fn remove(path: &PathBuf) -> io::Result<()> {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.or_else(|error| if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) })
}
