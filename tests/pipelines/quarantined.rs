//! The project `tally` with its only test in quarantine, until the day in `UNTIL`.

use gopythongo::prelude::*;

fn pipeline() -> Pipeline {
    let until = std::env::var("UNTIL").unwrap_or_else(|_| "2099-12-31".to_owned());
    let flaky = Quarantine::new("tests/test_tally.py::test_words_are_counted", "ana", until);
    let tally = library("tally").source(".").step(Pytest::new().quarantine(flaky));
    Pipeline::new("quarantined").default_kind(Develop).job(tally)
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
