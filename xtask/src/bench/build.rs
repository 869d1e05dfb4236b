//! What compiling costs whoever writes a pipeline: from nothing, and after an edit.

use std::{
    fs::File,
    time::{Duration, Instant, SystemTime},
};

use anyhow::Result;

use super::figure::Figure;
use crate::command::{cargo, output, root};

/// How often the program is linked again.
const ROUNDS: usize = 5;

pub(super) fn run() -> Result<Vec<Figure>> {
    let target = tempfile::tempdir()?;
    let build = || -> Result<Duration> {
        let begin = Instant::now();
        let arguments = ["build", "--quiet", "--locked", "--package", "pipeline"];
        output(cargo().args(arguments).env("CARGO_TARGET_DIR", target.path()))?;
        Ok(begin.elapsed())
    };
    output(cargo().args(["fetch", "--quiet", "--locked"]))?;
    eprintln!("build: from nothing");
    let cold = build()?;
    let mut relinked = Vec::new();
    for _ in 0..ROUNDS {
        // what an editor's "save" does to cargo, without changing what is written
        let file = File::options().append(true).open(root().join("examples/storefront/pipeline.rs"))?;
        file.set_modified(SystemTime::now())?;
        relinked.push(build()?);
    }
    Ok(vec![
        Figure::seconds("`cargo build -p pipeline` from nothing, wall", [cold]).at_most(60.0),
        Figure::seconds("the same after a change of pipeline.rs, wall", relinked).at_most(2.0),
    ])
}
