//! A tree that is there already, up to its Debian package: what the bench of packing runs. `TREE` names its tar archive.

use std::{fs, path::PathBuf};

use gopythongo::{
    prelude::*,
    run::{Failure, Inputs, Step, Work},
};
use serde::Serialize;

/// Stands where a virtual environment is built.
#[derive(Debug, Serialize)]
struct Tree {
    archive: PathBuf,
}

impl Step for Tree {
    const KIND: &'static str = "virtualenv";
    const VERSION: u32 = 1;

    fn inputs(&self) -> Inputs {
        Inputs::none()
    }

    fn outputs(&self) -> Vec<String> {
        vec!["tree".to_owned()]
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let path = work.output("tree", "tree.tar")?;
        fs::copy(&self.archive, &path).map_err(Failure::io("cannot copy", &self.archive))?;
        let facts = [("path", "/opt/bigapp"), ("name", "bigapp"), ("version", "1.0.0"), ("architecture", "amd64")];
        facts.into_iter().for_each(|(name, value)| work.fact(name, value));
        Ok(())
    }
}

fn pipeline() -> Pipeline {
    let archive = std::env::var_os("TREE").map(PathBuf::from).unwrap_or_default();
    Pipeline::new("packing").default_kind(Develop).job(application("bigapp").step(Tree { archive }).deb(Deb::new()))
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
