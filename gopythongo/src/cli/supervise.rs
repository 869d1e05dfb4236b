//! `supervise`: what a deployment leaves behind. Started by deployments, not by people.

use std::path::PathBuf;

use clap::Args;

use super::{Error, Exit};
use crate::deploy;

/// `supervise`
#[derive(Debug, Args)]
pub(super) struct Supervise {
    /// The environment's directory
    directory: PathBuf,
    /// The front's port on 127.0.0.1; a free one by default
    #[arg(long)]
    port: Option<u16>,
}

impl Supervise {
    pub(super) fn execute(&self) -> Result<Exit, Error> {
        deploy::supervise(&self.directory, self.port)?;
        Ok(Exit::Done)
    }
}
