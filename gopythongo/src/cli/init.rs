//! `gopythongo init`: a pipeline for the repository in a directory.

use std::path::PathBuf;

use clap::Args;

use super::{Error, Exit, print};
use crate::init::{CrateSource, Repository, package};

/// `init [DIR]`
#[derive(Debug, Args)]
pub(super) struct Init {
    /// The top of the repository
    #[arg(value_name = "DIR", default_value = ".")]
    directory: PathBuf,
    /// Print the files, and write none
    #[arg(long)]
    dry_run: bool,
    /// Where the pipeline gets this crate from: a directory, a version or the URL of a git repository [default: where this program was installed from]
    #[arg(id = "crate", long = "crate", value_name = "PATH|VERSION|URL")]
    source: Option<String>,
}

impl Init {
    pub(super) fn execute(&self) -> Result<Exit, Error> {
        let source = match &self.source {
            Some(text) => CrateSource::parse(text)?,
            None => CrateSource::installed()?,
        };
        let repository = Repository::look(&self.directory)?;
        let files = package(&repository, &source)?;
        if self.dry_run {
            print::result(files.print());
            return Ok(Exit::Done);
        }
        files.write()?;
        print::result(repository.told());
        print::result(format!("wrote {}", files.names()));
        if let Some(path) = source.elsewhere(repository.top()) {
            print::warning(format!(
                "`pipeline/Cargo.toml` names a directory of this machine, `{}`: for others, write a version or `git = \"URL\"`",
                path.display()
            ));
        }
        print::result("read `pipeline/pipeline.rs`, then `cargo test -p pipeline` and `gopythongo plan`");
        Ok(Exit::Done)
    }
}
