//! The storefront's pipeline, killed at a journal write: `KILLED` is `torn` or `written` and the number of the record.

use gopythongo::{prelude::*, testing::Fault};

#[expect(dead_code, unreachable_pub, reason = "it is a program of its own, whose `main` is another")]
#[path = "../../examples/storefront/pipeline.rs"]
mod storefront;

fn fault(moment: &str) -> Option<Fault> {
    let (how, record) = moment.split_once(' ')?;
    let record = record.parse().ok()?;
    match how {
        "torn" => Some(Fault::Torn(record)),
        "written" => Some(Fault::Written(record)),
        _ => None,
    }
}

fn main() -> ExitCode {
    // the supervisor that it starts is not told
    if let Ok(moment) = std::env::var("KILLED") {
        let Some(fault) = fault(&moment) else {
            eprintln!("KILLED is `{moment}`, not `torn 1` or `written 1`");
            return ExitCode::from(2);
        };
        fault.arm();
    }
    gopythongo::main(storefront::pipeline)
}
