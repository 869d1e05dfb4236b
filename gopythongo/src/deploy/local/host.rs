//! What can be done with an environment on this machine.

use std::{fs, io, path::Path, time::Duration};

use super::{
    Live, Package, configuration, depends, health,
    history::{self, Pin},
    installed::Installed,
    place::Place,
    takeover::Takeover,
    trial, unpack,
};
use crate::{
    deploy::{
        BlueGreen, Slot,
        supervisor::{Ask, Control, Record},
    },
    run::{
        Failure, FailureKind,
        process::{Cancel, end_leftovers},
    },
    support::FileLock,
};

/// How long a service has to answer when only its state is asked for.
const GLANCE: Duration = Duration::from_secs(2);

/// One application's environment on this machine.
#[derive(Debug, Clone)]
pub struct LocalHost {
    pub(super) name: String,
    pub(super) place: Place,
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

    /// Whether what is live is checked and drained as is said. What it was deployed with stays in force until a
    /// [switch](Self::switch) says otherwise, with the same package or another.
    ///
    /// # Errors
    /// When the environment's files cannot be read.
    pub fn is_run_by(&self, how: &BlueGreen) -> Result<bool, Failure> {
        Ok(self.current()?.is_some_and(|(_, installed)| installed.how == *how))
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
            // of a program that was killed when this was live already
            trial::end(&self.place, *slot)?;
            let pin = self.pin(installed)?;
            if pin.as_ref().is_some_and(|pin| pin.digest == package.digest) {
                say(&format!(
                    "{} was rolled back from and stays away: {} is pinned",
                    package.version, installed.version
                ));
                return self.keep(*slot, installed, &installed.how, port, cancel, say);
            }
            if installed.digest == package.digest {
                return self.keep(*slot, installed, how, port, cancel, say);
            }
        }
        let opened = unpack::open(package)?;
        depends::check(&opened.control, say)?;
        let (record, mut control) = self.supervised(port, say)?;
        let slot = current.as_ref().map_or(Slot::Blue, |(live, _)| live.other());
        let there = Installed::read(&self.place, slot).unwrap_or_default();
        let installed = match there.filter(|there| there.digest == package.digest) {
            Some(there) => self.run_by(slot, there, how)?,
            None => {
                // what is left of a run that was killed is not wanted
                control.until_ended(slot, Duration::MAX).map_err(|error| self.gone(&error))?;
                say(&format!("unpacks {} {} into {slot}", package.name, package.version));
                opened.into_slot(&self.place, slot, how)?
            }
        };
        let takeover = Takeover { place: &self.place, slot, installed: &installed, rollback: false, cancel, say };
        self.take_over(&takeover, control)?;
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
        let to = trial::last_live(&self.place, slot);
        let to = to.map_err(Failure::io("cannot read", &Installed::path(&self.place, slot)))?.ok_or_else(nothing)?;
        let (supervisor, mut control) = self.supervised(None, say)?;
        if trial::is_on(&self.place, slot) {
            // what was tried last was interrupted
            control.until_ended(slot, Duration::MAX).map_err(|error| self.gone(&error))?;
            trial::undo(&self.place, slot)?;
        }
        // Before the switch: a run after a crash between the two must not bring it back.
        let pin = Pin { version: from.version, digest: from.digest };
        let earlier = Pin::read(&self.place).unwrap_or_default();
        let file = self.place.pin();
        pin.write(&self.place).map_err(Failure::io("cannot write", &file))?;
        let cancel = Cancel::new();
        let takeover = Takeover { place: &self.place, slot, installed: &to, rollback: true, cancel: &cancel, say };
        if let Err(error) = self.take_over(&takeover, control) {
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

    pub(super) fn lock(&self) -> Result<FileLock, Failure> {
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
    pub(super) fn port(&self) -> Result<Option<u16>, Failure> {
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
        let previous = trial::last_live(&self.place, slot.other()).unwrap_or_default();
        Ok(Live {
            slot,
            version: installed.version.clone(),
            digest: installed.digest,
            url: format!("http://127.0.0.1:{}/", port.unwrap_or_default()),
            healthy,
            pinned,
            previous: previous.map(|previous| previous.version),
            since: history::since(&self.place, installed.digest),
            approved: self.approvals()?.of(&installed.digest).cloned(),
        })
    }

    /// Makes a slot live, with its configuration. If that fails, the other one has what it had before; what was on trial is
    /// gone, unless somebody only interrupted it.
    fn take_over(&self, takeover: &Takeover<'_>, control: Control) -> Result<(), Failure> {
        let Takeover { slot, installed, say, .. } = *takeover;
        let serving = self.current()?.filter(|(live, _)| *live != slot);
        configuration::put(&self.place, slot, installed, say)?;
        let Err(error) = takeover.run(control) else { return trial::end(&self.place, slot) };
        if let Some((live, serving)) = serving
            && let Err(error) = configuration::put(&self.place, live, &serving, &|_| {})
        {
            say(&error.message);
        }
        if error.kind != FailureKind::Cancelled {
            // on trial still, it is tried again or forgotten by the next switch
            let _ = trial::undo(&self.place, slot);
        }
        Err(error)
    }

    /// Sees to it that what is live serves, and is run as is said: started if nothing runs, restarted once if it is not well.
    /// What it is checked by from now on is tried first.
    fn keep(
        &self,
        slot: Slot,
        installed: &Installed,
        how: &BlueGreen,
        port: Option<u16>,
        cancel: &Cancel,
        say: &dyn Fn(&str),
    ) -> Result<Live, Failure> {
        let (record, mut control) = self.supervised(port, say)?;
        let before = &installed.how.health_check;
        let socket = Record::socket(&record.sockets, slot);
        let serves_as_before = *before != how.health_check && health::check(&socket, before, GLANCE).is_ok();
        let wanted = Installed { how: how.clone(), ..installed.clone() };
        let takeover = Takeover { place: &self.place, slot, installed: &wanted, rollback: false, cancel, say };
        if let Err(mut error) = takeover.until_healthy(&mut control) {
            if error.kind != FailureKind::Failed {
                return Err(error);
            }
            if serves_as_before {
                error.message += &format!(" at `{}`; it serves on, and is checked at `{before}`", how.health_check);
                return Err(error.hint(format!(
                    "deploy a version that answers `{}`, or go back to `.health_check(\"{before}\")`",
                    how.health_check
                )));
            }
            say(&format!("{slot} is not well, and is started again"));
            self.ask(&mut control, Ask::Restart(slot))?;
            takeover.until_healthy(&mut control)?;
        }
        let wanted = self.run_by(slot, wanted, how)?;
        self.live(slot, &wanted, Some(record.port), true)
    }

    /// Says how what a slot holds is run from now on.
    fn run_by(&self, slot: Slot, installed: Installed, how: &BlueGreen) -> Result<Installed, Failure> {
        let installed = Installed { how: how.clone(), ..installed };
        installed.write(&self.place, slot).map_err(Failure::io("cannot write", &Installed::path(&self.place, slot)))?;
        Ok(installed)
    }
}
