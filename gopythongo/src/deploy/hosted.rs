//! An application's environment on a host, whichever host it is.

use std::fmt;

use super::{Approvals, Approved, BlueGreen, Candidate, Live, LocalHost, Package};
use crate::run::{Failure, process::Cancel};

/// What can be done with an application's environment on a host; [`LocalHost`] says what each means. Whatever stands for
/// one passes the tests of `deploy::contract`.
pub(crate) trait Hosted: fmt::Debug {
    /// What serves; `None` if nothing was ever made live.
    fn status(&self) -> Result<Option<Live>, Failure>;

    /// Whether what is live is checked and drained as is said.
    fn is_run_by(&self, how: &BlueGreen) -> Result<bool, Failure>;

    /// What waits here, and what was approved.
    fn approvals(&self) -> Result<Approvals, Failure>;

    /// Remembers that a run waits for an approval.
    fn request(&self, candidate: Candidate) -> Result<(), Failure>;

    /// Remembers an approval.
    fn approve(&self, approved: Approved) -> Result<(), Failure>;

    /// Makes a package live.
    fn switch(
        &self,
        package: &Package,
        how: &BlueGreen,
        port: Option<u16>,
        cancel: &Cancel,
        say: &dyn Fn(&str),
    ) -> Result<Live, Failure>;
}

impl Hosted for LocalHost {
    fn status(&self) -> Result<Option<Live>, Failure> {
        Self::status(self)
    }

    fn is_run_by(&self, how: &BlueGreen) -> Result<bool, Failure> {
        Self::is_run_by(self, how)
    }

    fn approvals(&self) -> Result<Approvals, Failure> {
        Self::approvals(self)
    }

    fn request(&self, candidate: Candidate) -> Result<(), Failure> {
        Self::request(self, candidate)
    }

    fn approve(&self, approved: Approved) -> Result<(), Failure> {
        Self::approve(self, approved)
    }

    fn switch(
        &self,
        package: &Package,
        how: &BlueGreen,
        port: Option<u16>,
        cancel: &Cancel,
        say: &dyn Fn(&str),
    ) -> Result<Live, Failure> {
        Self::switch(self, package, how, port, cancel, say)
    }
}
