//! A library in another repository, which a variable names.

use gopythongo::prelude::*;

fn pipeline() -> Pipeline {
    let url = std::env::var("MONEY_REPOSITORY").unwrap_or_default();
    let money = library("money").git(url).command("look", ["cat", "branch"]).upload();
    Pipeline::new("elsewhere").job(money)
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}
