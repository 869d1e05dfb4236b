//! Bytes as they come, cut into lines as they should be read.

use std::time::{Duration, Instant};

/// Lines longer than this, in bytes, are given in pieces.
const LONGEST: usize = 64 * 1024;

/// How often a line that redraws itself is shown before it ends.
const REDRAW: Duration = Duration::from_secs(1);

/// Cuts bytes at `\n` and `\r\n`. A lone `\r` redraws the line, as progress bars do: of its states the last one is
/// given, and while it lasts one a second.
pub(super) struct Lines {
    /// What follows the last `\n` or lone `\r`.
    pending: Vec<u8>,
    /// A `\r` came last: whether it redraws is not known before the next byte.
    returned: bool,
    /// The state before the last lone `\r`, in case that nothing follows it.
    redrawn: Vec<u8>,
    shown: Instant,
}

impl Lines {
    pub(super) fn new(now: Instant) -> Self {
        Self { pending: Vec::new(), returned: false, redrawn: Vec::new(), shown: now }
    }

    /// Takes bytes in, gives the lines that they complete.
    pub(super) fn push(&mut self, bytes: &[u8], now: Instant, line: &mut dyn FnMut(&str)) {
        for &byte in bytes {
            match byte {
                b'\n' => self.end(now, line),
                _ => {
                    if std::mem::take(&mut self.returned) {
                        self.redraw(now, line);
                    }
                    match byte {
                        b'\r' => self.returned = true,
                        _ => self.pending.push(byte),
                    }
                    if self.pending.len() >= LONGEST {
                        self.piece(line);
                    }
                }
            }
        }
    }

    /// Gives what is left when no more bytes come.
    pub(super) fn finish(&mut self, now: Instant, line: &mut dyn FnMut(&str)) {
        if !self.pending.is_empty() || !self.redrawn.is_empty() {
            self.end(now, line);
        }
    }

    fn end(&mut self, now: Instant, line: &mut dyn FnMut(&str)) {
        let last = if self.pending.is_empty() { &self.redrawn } else { &self.pending };
        line(&String::from_utf8_lossy(last));
        self.pending.clear();
        self.redrawn.clear();
        self.returned = false;
        self.shown = now;
    }

    fn redraw(&mut self, now: Instant, line: &mut dyn FnMut(&str)) {
        if self.pending.is_empty() {
            return;
        }
        if now.duration_since(self.shown) >= REDRAW {
            line(&String::from_utf8_lossy(&self.pending));
            self.pending.clear();
            self.redrawn.clear();
            self.shown = now;
        } else {
            self.redrawn = std::mem::take(&mut self.pending);
        }
    }

    /// Gives the longest piece that cuts no character in two.
    fn piece(&mut self, line: &mut dyn FnMut(&str)) {
        let cut = match std::str::from_utf8(&self.pending) {
            Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => error.valid_up_to(),
            _ => self.pending.len(),
        };
        let rest = self.pending.split_off(cut);
        line(&String::from_utf8_lossy(&self.pending));
        self.pending = rest;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines_of(chunks: &[&[u8]], step: Duration) -> Vec<String> {
        let mut now = Instant::now();
        let mut lines = Lines::new(now);
        let mut seen = Vec::new();
        for chunk in chunks {
            lines.push(chunk, now, &mut |line| seen.push(line.to_owned()));
            now += step;
        }
        lines.finish(now, &mut |line| seen.push(line.to_owned()));
        seen
    }

    #[test]
    fn a_table_of_lines() {
        let table: [(&[&[u8]], &[&str]); 9] = [
            (&[b"a\nb\n"], &["a", "b"]),
            (&[b"a\r\n\r\nb"], &["a", "", "b"]),
            (&[b"a\r", b"\nb\n"], &["a", "b"]),
            (&[b"10%\r20%\r", b"100%\n"], &["100%"]),
            (&[b"10%\r100%\r\n"], &["100%"]),
            (&[b"10%\r"], &["10%"]),
            (&[b"a", b"b", b"c"], &["abc"]),
            (&[b"\xff\xc3", b"\xa9\n"], &["\u{fffd}\u{e9}"]),
            (&[b"\n\n"], &["", ""]),
        ];
        for (chunks, expected) in table {
            assert_eq!(lines_of(chunks, Duration::ZERO), expected, "{chunks:?}");
        }
    }

    #[test]
    fn a_slow_progress_bar_is_shown_once_a_second() {
        let chunks: [&[u8]; 4] = [b"1%\r", b"2%\r", b"3%\r", b"4%\n"];
        assert_eq!(lines_of(&chunks, Duration::from_millis(600)), ["2%", "4%"]);
    }

    #[test]
    fn an_endless_line_comes_in_pieces_that_cut_no_character() {
        let text = format!("x{}", "\u{e9}".repeat(LONGEST));
        let pieces = lines_of(&[text.as_bytes()], Duration::ZERO);
        assert_eq!(pieces.concat(), text);
        assert!(pieces.len() == 3 && pieces.iter().all(|piece| piece.len() <= LONGEST));
    }
}
