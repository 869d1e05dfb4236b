//! An application's environment on a host, whichever host it is.

use std::fmt;

use super::{BlueGreen, Live, LocalHost, Package};
use crate::run::{Failure, process::Cancel};

/// What can be done with an application's environment on a host; [`LocalHost`] says what each means. Whatever stands for
/// one passes the tests of `deploy::contract`.
pub(crate) trait Hosted: fmt::Debug {
    /// What serves; `None` if nothing was ever made live.
    fn status(&self) -> Result<Option<Live>, Failure>;

    /// Whether what is live is checked and drained as is said.
    fn is_run_by(&self, how: &BlueGreen) -> Result<bool, Failure>;

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
