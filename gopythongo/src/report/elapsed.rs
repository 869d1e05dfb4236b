//! How long something took, in the fewest characters that still say it.

/// `0.3s`, `12.3s`, `2m05s`, `1h02m`.
pub(super) fn elapsed(ms: u64) -> String {
    let seconds = ms / 1000;
    match seconds {
        0..60 => format!("{seconds}.{}s", ms % 1000 / 100),
        60..3600 => format!("{}m{:02}s", seconds / 60, seconds % 60),
        _ => format!("{}h{:02}m", seconds / 3600, seconds % 3600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::elapsed;

    #[test]
    fn durations_grow_coarser() {
        let shown: Vec<String> = [0, 349, 12_345, 59_999, 125_000, 3_725_000].into_iter().map(elapsed).collect();
        assert_eq!(shown, ["0.0s", "0.3s", "12.3s", "59.9s", "2m05s", "1h02m"]);
    }
}
