//! Sees whether this program was built so that it hashes at a twentieth of its speed, and says what to write against it.

use std::time::Instant;

use crate::support::Digest;

/// What is hashed: enough to tell 20 MB/s from 500 in a few milliseconds at most.
const SAMPLE: usize = 64 * 1024;

/// Slower than this in bytes a second is a build without optimisation, on any machine that this runs on.
const SLOW: f64 = 80e6;

/// A warning with the lines to paste, if hashing is slow.
pub(super) fn warning() -> Option<String> {
    let sample = vec![0; SAMPLE];
    // the best of a few: a busy machine interrupts
    let speed = (0..3).map(|_| speed(&sample)).fold(0.0, f64::max);
    (speed < SLOW).then(|| {
        format!(
            "this program was built without optimised hashing ({:.0} MB/s); put this into the workspace's Cargo.toml:\n{}",
            speed / 1e6,
            ["sha2", "md-5", "miniz_oxide", "crc32fast", "simd-adler32"]
                .map(|package| format!("  [profile.dev.package.{package}]\n  opt-level = 3"))
                .join("\n")
        )
    })
}

fn speed(sample: &[u8]) -> f64 {
    let begin = Instant::now();
    std::hint::black_box(Digest::of(sample));
    #[expect(clippy::cast_precision_loss, reason = "the sample's size is exact in a double")]
    let bytes = sample.len() as f64;
    bytes / begin.elapsed().as_secs_f64().max(1e-9)
}
