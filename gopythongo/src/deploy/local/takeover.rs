//! One slot takes over from the other: started, healthy, one rename, the other drained.

use std::{
    io,
    time::{Duration, Instant},
};

use super::{
    health::{self, Unwell},
    history::Change,
    installed::Installed,
    place::Place,
};
use crate::{
    deploy::{
        Slot,
        supervisor::{Ask, Control, Report, SlotReport, tail},
    },
    run::{Failure, FailureKind, process::Cancel},
    support::words::count,
};

/// Between two health checks: at first, and at last.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(200));

/// A service that has died so often does not get healthy.
const DEATHS: u32 = 3;

/// What a service may take to end beyond its drain: more than it is given, so that this is never what gives up.
const SLACK: Duration = Duration::from_secs(10);

/// How many lines of a slot's log an error shows.
const TAIL: usize = 20;

/// A slot that is to be live.
pub(super) struct Takeover<'a> {
    pub(super) place: &'a Place,
    pub(super) slot: Slot,
    pub(super) installed: &'a Installed,
    pub(super) rollback: bool,
    pub(super) cancel: &'a Cancel,
    pub(super) say: &'a dyn Fn(&str),
}

impl Takeover<'_> {
    /// Makes the slot live. Whatever goes wrong before the rename, and should it die while the other one still stands, the
    /// other one serves on. When this returns, what is not live does not run.
    pub(super) fn run(&self, mut control: Control) -> Result<(), Failure> {
        let old = self.place.live().filter(|live| *live != self.slot);
        if let Some(old) = old {
            self.ask(&mut control, Ask::Hold(old))?;
        }
        self.ask(&mut control, Ask::Hold(self.slot))?;
        let begin = Instant::now();
        let healthy = self.until_healthy(&mut control);
        if let Err(error) = healthy {
            self.give_up(&mut control)?;
            return Err(error);
        }
        let deaths = self.deaths(&self.ask(&mut control, Ask::Report)?);
        (self.say)(&format!("{} is healthy after {:.1} s", self.slot, begin.elapsed().as_secs_f64()));
        self.rename(self.slot)?;
        if let Some(old) = old
            && let Err(error) = self.drain(&mut control, old, deaths)
        {
            self.rename(old)?;
            self.give_up(&mut control)?;
            return Err(error);
        }
        let Installed { version, digest, .. } = self.installed;
        let history = Change::now(self.slot, version, *digest, self.rollback).record(self.place);
        history.map_err(Failure::io("cannot write", &self.place.history()))?;
        if let Some(old) = old {
            self.ask(&mut control, Ask::Release(old))?;
            self.until_ended(&mut control, old)?;
        }
        Ok(())
    }

    /// Waits until the slot's service answers its health check.
    pub(super) fn until_healthy(&self, control: &mut Control) -> Result<(), Failure> {
        let how = &self.installed.how;
        let begin = Instant::now();
        let mut unwell = Unwell::Absent;
        let mut pause = PAUSE.0;
        let before = self.deaths(&self.ask(control, Ask::Report)?);
        let mut relocated = false;
        loop {
            if self.cancel.is_cancelled() {
                let message = format!("interrupted while {} was awaited in {}", self.name(), self.slot);
                return Err(Failure::of(FailureKind::Cancelled, message));
            }
            let report = self.ask(control, Ask::Report)?;
            let left = how.timeout.saturating_sub(begin.elapsed());
            if let Some(SlotReport { socket, deaths, last, relocated: why, .. }) = report.slot(self.slot) {
                if let (Some(why), false) = (why, relocated) {
                    (self.say)(&format!("runs relocated, because this machine makes no view: {why}"));
                    relocated = true;
                }
                let recent = deaths.saturating_sub(before);
                if recent >= DEATHS {
                    let times = count(recent as usize, "time");
                    let last = last.as_deref().unwrap_or("in an unknown way");
                    return Err(self.failed(&format!("ended by itself {times}, at last with {last}")));
                }
                match health::check(socket, &how.health_check, left) {
                    Ok(()) if self.still_lives(control, *deaths)? => return Ok(()),
                    Ok(()) => {}
                    Err(found) => unwell = found,
                }
            }
            if left.is_zero() {
                let limit = humantime::format_duration(how.timeout);
                return Err(self.failed(&format!("did not get healthy within {limit}: {unwell}")));
            }
            self.ask(control, Ask::Change(pause.min(left)))?;
            pause = (pause * 2).min(PAUSE.1);
        }
    }

    /// Whether it was the service that answered, and not what it left behind.
    fn still_lives(&self, control: &mut Control, deaths: u32) -> Result<bool, Failure> {
        let report = self.ask(control, Ask::Report)?;
        Ok(report.slot(self.slot).is_some_and(|report| report.alive && report.deaths == deaths))
    }

    /// Waits until the other slot has answered its requests, or their time is over. An error if the new service dies
    /// meanwhile.
    fn drain(&self, control: &mut Control, old: Slot, deaths: u32) -> Result<(), Failure> {
        let begin = Instant::now();
        let limit = self.installed.how.drain;
        let mut said = false;
        let mut report = self.ask(control, Ask::Report)?;
        loop {
            if self.deaths(&report) > deaths {
                let last = report.slot(self.slot).and_then(|report| report.last.clone()).unwrap_or_default();
                let after = begin.elapsed().as_secs_f64();
                return Err(self.failed(&format!("ended by itself {after:.1} s after the switch, with {last}")));
            }
            let left = report.slot(old).map_or(0, |report| report.in_flight);
            if left == 0 {
                return Ok(());
            }
            if !said {
                (self.say)(&format!("{old} has {} to answer", count(left, "request")));
                said = true;
            }
            if begin.elapsed() >= limit || self.cancel.is_cancelled() {
                (self.say)(&format!("{old} is ended with {} unanswered", count(left, "request")));
                return Ok(());
            }
            report = self.ask(control, Ask::Change(PAUSE.1))?;
        }
    }

    /// Ends the slot's service, which is not live.
    fn give_up(&self, control: &mut Control) -> Result<(), Failure> {
        self.ask(control, Ask::Release(self.slot))?;
        self.until_ended(control, self.slot)
    }

    fn until_ended(&self, control: &mut Control, slot: Slot) -> Result<(), Failure> {
        control.until_ended(slot, self.installed.how.drain * 2 + SLACK).map_err(|error| self.gone(&error))
    }

    fn rename(&self, slot: Slot) -> Result<(), Failure> {
        self.place.set_live(slot).map_err(Failure::io("cannot make the link `live` in", self.place.directory()))
    }

    fn deaths(&self, report: &Report) -> u32 {
        report.slot(self.slot).map_or(0, |report| report.deaths)
    }

    fn ask(&self, control: &mut Control, ask: Ask) -> Result<Report, Failure> {
        control.ask(ask).map_err(|error| self.gone(&error))
    }

    fn gone(&self, error: &io::Error) -> Failure {
        let log = self.place.log("supervisor");
        Failure::lacking(format!("the supervisor is gone: {error}"))
            .hint(format!("its log is `{}`; run again, and another one is started", log.display()))
            .tail(tail(&log, TAIL))
    }

    fn name(&self) -> String {
        format!("`{}` {}", self.installed.name, self.installed.version)
    }

    fn failed(&self, what: &str) -> Failure {
        let log = self.place.log(self.slot.word());
        Failure::new(format!("{} {what}", self.name()))
            .hint(format!("its log is `{}`", log.display()))
            .tail(tail(&log, TAIL))
    }
}
