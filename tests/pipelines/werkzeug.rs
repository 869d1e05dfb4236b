//! The Pallets pipeline with a werkzeug that is green itself and breaks flask.

use gopythongo::{pipeline::Source, prelude::*};

#[path = "../../examples/pallets/pipeline.rs"]
#[expect(dead_code, reason = "the example is a program of its own")]
pub mod pallets;

fn pipeline() -> Pipeline {
    let mut pipeline = pallets::pipeline();
    for job in pipeline.jobs.iter_mut().filter(|job| job.name == "werkzeug") {
        job.source = Source::Sdist { requirement: "werkzeug==3.1.7".to_owned(), subdirectory: None };
    }
    pipeline
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
