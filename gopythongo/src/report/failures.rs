//! A failure as its reader needs it at three in the morning: what, where, the last words, what to do next.

use super::{
    elapsed::elapsed,
    story::{Red, Telling, clean},
};
use crate::{
    run::{FailureKind, RunDirectory},
    support::words,
};

/// The failure of one step, in lines.
pub(super) fn report(red: &Red, telling: &Telling) -> Vec<String> {
    let paint = telling.paint;
    let failure = &red.failure;
    let is_waiting = failure.kind == FailureKind::Waiting;
    let mut lines = vec![if is_waiting {
        format!("{}: {}", paint.doubtful(&red.step), clean(&failure.message))
    } else {
        format!("{} after {}: {}", paint.bad(&red.step), elapsed(red.ms), clean(&failure.message))
    }];
    if let Some(command) = &failure.command {
        let words: Vec<String> = command.argv.iter().map(|word| words::shell(&clean(word))).collect();
        lines.push(format!("  command    {}", words.join(" ")));
        if !command.directory.as_os_str().is_empty() {
            lines.push(format!("  directory  {}", command.directory.display()));
        }
        lines.push(format!("  status     {}", command.status));
        lines.extend(quoted("output", &command.tail));
    }
    if is_waiting {
        lines.extend(failure.tail.iter().map(|line| format!("  {}", clean(line))));
    } else {
        lines.extend(quoted("log", &failure.tail));
    }
    if !red.held.is_empty() {
        lines.push(format!("  not run because of it: {}", words::list(&red.held)));
    }
    if let Some(hint) = &failure.hint {
        lines.push(format!("  {} {}", paint.doubtful("hint:"), clean(hint)));
    }
    if let Some(directory) = telling.directory.as_ref().filter(|_| red.logged) {
        lines.push(format!("  log: {}", RunDirectory::log(directory, &red.step).display()));
    }
    lines
}

/// The last lines of something, each behind a bar; nothing if there are none.
fn quoted(what: &str, tail: &[String]) -> Vec<String> {
    if tail.is_empty() {
        return Vec::new();
    }
    let head = format!("  the last {} of its {what}:", words::count(tail.len(), "line"));
    let lines = tail.iter().map(|line| format!("  | {}", clean(line)).trim_end().to_owned());
    std::iter::once(head).chain(lines).collect()
}
