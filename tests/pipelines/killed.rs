//! The storefront's pipeline, killed at a journal write: `KILLED` is `torn` or `written` and the number of the record.

use gopythongo::prelude::*;

#[expect(dead_code, unreachable_pub, reason = "it is a program of its own, whose `main` is another")]
#[path = "../../examples/storefront/pipeline.rs"]
mod storefront;

fn main() -> ExitCode {
    if let Err(error) = tests::arm() {
        eprintln!("{error}");
        return ExitCode::from(2);
    }
    gopythongo::main(storefront::pipeline)
}
