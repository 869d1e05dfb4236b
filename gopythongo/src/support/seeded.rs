//! Property tests that say how they are repeated.

use proptest::test_runner::{Config, RngSeed};

/// A configuration for so many cases, whose seed is printed: `PROPTEST_RNG_SEED` repeats them.
pub(crate) fn seeded(cases: u32) -> Config {
    let default = Config::default();
    let seed = match default.rng_seed {
        RngSeed::Fixed(seed) => seed,
        RngSeed::Random => fastrand::u64(..),
    };
    println!("{cases} cases, repeated by PROPTEST_RNG_SEED={seed}");
    Config { cases, rng_seed: RngSeed::Fixed(seed), failure_persistence: None, ..default }
}
