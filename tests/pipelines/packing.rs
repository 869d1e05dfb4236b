//! A tree that is there already, up to its Debian package: what the bench of packing runs. `TREE` names its tar archive,
//! `SUMS` what `md5sum` says of its files.

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
    sums: PathBuf,
}

impl Step for Tree {
    const KIND: &'static str = "virtualenv";
    const VERSION: u32 = 1;

    fn inputs(&self) -> Inputs {
        Inputs::none()
    }

    fn outputs(&self) -> Vec<String> {
        vec!["tree".to_owned(), "sums".to_owned()]
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        for (name, from) in [("tree", &self.archive), ("sums", &self.sums)] {
            fs::copy(from, work.output(name, name)?).map_err(Failure::io("cannot copy", from))?;
        }
        let facts = [("path", "/opt/bigapp"), ("name", "bigapp"), ("version", "1.0.0"), ("architecture", "amd64")];
        facts.into_iter().for_each(|(name, value)| work.fact(name, value));
        Ok(())
    }
}

fn pipeline() -> Pipeline {
    let place = |name| std::env::var_os(name).map(PathBuf::from).unwrap_or_default();
    let tree = Tree { archive: place("TREE"), sums: place("SUMS") };
    Pipeline::new("packing").default_kind(Develop).job(application("bigapp").step(tree).deb(Deb::new()))
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
