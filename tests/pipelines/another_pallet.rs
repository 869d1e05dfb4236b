//! The Pallets pipeline with another version of one library: `PALLET=werkzeug==3.1.7`.

use gopythongo::{pipeline::Source, prelude::*};

#[path = "../../examples/pallets/pipeline.rs"]
#[expect(dead_code, reason = "the example is a program of its own")]
pub mod pallets;

fn pipeline() -> Pipeline {
    let mut pipeline = pallets::pipeline();
    let requirement = std::env::var("PALLET").unwrap_or_default();
    let name = requirement.split("==").next().unwrap_or_default();
    for job in pipeline.jobs.iter_mut().filter(|job| job.name == name) {
        job.source = Source::Sdist { requirement: requirement.clone(), subdirectory: None };
    }
    pipeline
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
