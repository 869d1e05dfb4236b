//! Findings that may only become fewer.

use std::collections::BTreeMap;

use super::lint;
use crate::{
    event::Event,
    python::baseline::{self, Recorded},
    run::{Failure, FailureKind, Outcome, Work},
    store::Figure,
    support::words,
};

/// Passes findings if there are no more of any code than were recorded; where nothing was, says so and passes.
pub(super) fn compare(
    work: &mut Work<'_>,
    counts: &BTreeMap<String, u64>,
    refusal: Option<Failure>,
) -> Result<(), Failure> {
    Figure::leave(work, counts);
    let total = lint::findings(total(counts));
    let Some(before) = baseline::recorded(work)? else {
        uncompared(work, &total);
        work.summary(format!("{total}, compared with nothing"));
        return Ok(());
    };
    let more = more(&before, counts);
    if more.is_empty() {
        work.summary(format!("{total}, {} in {}", self::total(&before.counts), before.place));
        return Ok(());
    }
    let message = format!("more findings than in {}: {}", before.place, words::list(&more));
    Err(Failure { message, ..refusal.unwrap_or_else(|| Failure::new("")) })
}

/// Whether a known outcome still passes: what it is compared with is no part of its key.
pub(super) fn recall(work: &mut Work<'_>, outcome: &Outcome) -> Result<(), Failure> {
    let counts = Figure::left(outcome).unwrap_or_default();
    match baseline::recorded(work)? {
        None => uncompared(work, &lint::findings(total(&counts))),
        Some(before) if !more(&before, &counts).is_empty() => {
            let why = format!("there are fewer findings in {} now", before.place);
            return Err(Failure::of(FailureKind::Stale, why));
        }
        Some(_) => {}
    }
    Ok(())
}

fn uncompared(work: &Work<'_>, total: &str) {
    let channel = baseline::channel(work.context());
    let step = &work.step().id;
    let message = format!("`{step}` has {total}, compared with nothing: channel `{channel}` holds no figure");
    work.emit(Event::Warning { message });
}

fn total(counts: &BTreeMap<String, u64>) -> usize {
    counts.values().map(|count| *count as usize).sum()
}

/// `3 F401 (2 before)`: codes of which there are more.
fn more(before: &Recorded, now: &BTreeMap<String, u64>) -> Vec<String> {
    let then = |code: &String| before.counts.get(code).copied().unwrap_or_default();
    let grown = now.iter().filter(|(code, count)| **count > then(code));
    grown.map(|(code, count)| format!("{count} {code} ({} before)", then(code))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_refuses_only_codes_of_which_there_are_more() {
        let counts = |text: &[(&str, u64)]| text.iter().map(|(code, count)| ((*code).to_owned(), *count)).collect();
        let before = Recorded { counts: counts(&[("F401", 2), ("E501", 9)]), place: "develop".to_owned() };
        assert!(more(&before, &counts(&[("F401", 2), ("E501", 1)])).is_empty());
        assert_eq!(more(&before, &counts(&[("F401", 3), ("W291", 1)])), ["3 F401 (2 before)", "1 W291 (0 before)"]);
    }
}
