//! A merge kept both lines, and the second opened what the first had closed.
//! error: a protected environment does not take every version whose tests passed
//! help: leave one of them

use gopythongo::prelude::*;

fn production() -> Environment<Protected> {
    Environment::new("production", Master).host("local").protected()
}

fn main() {
    let _ = production().unattended("we are in a hurry");
}
