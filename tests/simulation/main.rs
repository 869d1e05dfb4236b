//! Simulations that take longer than a team's own tests should.

mod exhaustive;
mod mutants;
