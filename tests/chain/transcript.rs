//! Transcripts in documents: what somebody typed, and what was printed. Knows how to compare them with what is printed
//! today, but for what differs from run to run.

use std::collections::BTreeMap;

/// A line that stands for any number of lines left out.
const LEFT_OUT: &str = "…";

/// The code blocks of a document in a language: what stands between a fence that names it and the next fence.
pub(crate) fn blocks(document: &str, language: &str) -> Vec<String> {
    let opening = format!("```{language}");
    let mut blocks = Vec::new();
    let mut open: Option<String> = None;
    for line in document.lines() {
        match &mut open {
            Some(_) if line == "```" => blocks.extend(open.take()),
            Some(block) => {
                block.push_str(line);
                block.push('\n');
            }
            None if line == opening => open = Some(String::new()),
            None => {}
        }
    }
    blocks
}

/// A command and what it printed.
#[derive(Debug, Default)]
pub(crate) struct Exchange {
    /// What stands behind `$ `.
    pub(crate) command: String,
    /// The lines below it, up to the next command.
    pub(crate) lines: Vec<String>,
}

impl Exchange {
    /// The exchanges of a block.
    pub(crate) fn all(block: &str) -> Vec<Self> {
        let mut exchanges: Vec<Self> = Vec::new();
        for line in block.lines() {
            if let Some(command) = line.strip_prefix("$ ") {
                exchanges.push(Self { command: command.to_owned(), lines: Vec::new() });
            } else if let Some(exchange) = exchanges.last_mut() {
                exchange.lines.push(line.to_owned());
            }
        }
        exchanges
    }

    /// Fails the test unless today's output is the transcript's. Steps end in any order, so the order of lines does not
    /// count; where lines are left out, there may be more of them today.
    #[track_caller]
    pub(crate) fn is_still(&self, printed: &str) {
        let mut today: BTreeMap<String, i32> = BTreeMap::new();
        printed.lines().for_each(|line| *today.entry(steady(line)).or_default() += 1);
        let told = self.lines.iter().filter(|line| *line != LEFT_OUT);
        told.for_each(|line| *today.entry(steady(line)).or_default() -= 1);
        let gone: Vec<&String> = today.iter().filter(|(_, count)| **count < 0).map(|(line, _)| line).collect();
        let new: Vec<&String> = today.iter().filter(|(_, count)| **count > 0).map(|(line, _)| line).collect();
        let complete = !self.lines.iter().any(|line| line == LEFT_OUT);
        assert!(
            gone.is_empty() && (new.is_empty() || !complete),
            "`{}` prints something else today\nonly in the document: {gone:#?}\nonly today: {new:#?}\ntoday:\n{printed}",
            self.command
        );
    }
}

/// A line without what differs from run to run: times, ids of runs, counters of versions, numbers of other people's
/// packages, and the space that they take.
fn steady(line: &str) -> String {
    // how long ago, after a comma
    let is_ago = line.ends_with(" ago") || line.ends_with("just now");
    let line = line.rsplit_once(", ").filter(|_| is_ago).map_or(line, |(line, _)| line);
    let mut words: Vec<String> = line.split_whitespace().map(word).collect();
    for at in 1..words.len() {
        let unit = words[at].trim_end_matches(',');
        if ["kB", "MB", "packages"].contains(&unit) && words[at - 1].parse::<f64>().is_ok() {
            words[at - 1] = "N".to_owned();
        }
    }
    words.join(" ")
}

fn word(word: &str) -> String {
    let is_digit = |c: char| c.is_ascii_digit();
    let is_stamp = |text: &str| text.len() == 15 && text.char_indices().all(|(at, c)| (at == 8) != c.is_ascii_digit());
    let is_id = |part: &str| part.split_once('-').is_some_and(|(stamp, rest)| is_stamp(stamp) && rest.len() == 4);
    let parts: Vec<&str> = word.split('/').map(|part| if is_id(part) { "RUN" } else { part }).collect();
    let word = parts.join("/");
    let bare = word.trim_end_matches([';', ':', ',']);
    if bare
        .strip_suffix('s')
        .is_some_and(|time| time.starts_with(is_digit) && time.chars().all(|c| is_digit(c) || ".m".contains(c)))
    {
        return word.replace(bare, "TIME");
    }
    if let Some((host, rest)) = word.split_once("127.0.0.1:") {
        return format!("{host}127.0.0.1:PORT{}", rest.trim_start_matches(is_digit));
    }
    // 1.5.0.dev1, money-1.5.0.dev2+d0123abcd.tar.gz, shop_0.7.0~dev2_all.deb
    let Some((start, dev, rest)) =
        [".dev", "~dev"].into_iter().find_map(|dev| word.split_once(dev).map(|(start, rest)| (start, dev, rest)))
    else {
        return word;
    };
    let rest = rest.trim_start_matches(is_digit);
    let local =
        |rest: &str| rest.len() >= 10 && rest.starts_with("+d") && rest[2..10].bytes().all(|b| b.is_ascii_hexdigit());
    format!("{start}{dev}{}", if local(rest) { &rest[10..] } else { rest })
}

/// The host and port of the URL of this machine that a text names last.
pub(crate) fn served(text: &str) -> Option<String> {
    let (_, rest) = text.rsplit_once("http://127.0.0.1:")?;
    let port: String = rest.chars().take_while(char::is_ascii_digit).collect();
    Some(format!("127.0.0.1:{port}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_are_found_by_language() {
        let document = "a\n```sh\nls\n```\n```console\n$ ls\nx\n```\n    ```sh\n";
        assert_eq!(blocks(document, "sh"), ["ls\n"]);
        let exchanges = Exchange::all(&blocks(document, "console")[0]);
        assert_eq!((exchanges[0].command.as_str(), exchanges[0].lines.as_slice()), ("ls", &["x".to_owned()][..]));
    }

    #[test]
    fn what_differs_from_run_to_run_does_not_count() {
        for (line, expect) in [
            ("run 20261123t040014-jjan of shop: develop build, 19 steps", "run RUN of shop: develop build, 19 steps"),
            (
                "✓ money/wheel     12.5s  money-1.5.0.dev2+da89c2c00-py3-none-any.whl",
                "✓ money/wheel TIME money-1.5.0.dev-py3-none-any.whl",
            ),
            (
                "promoted money 1.5.0.dev14, b 1.dev1 to develop in 1m05s;",
                "promoted money 1.5.0.dev, b 1.dev to develop in TIME;",
            ),
            ("✓ shop/resolve  0.0s  10 packages", "✓ shop/resolve TIME N packages"),
            (
                "✓ shop/virtualenv  2.7s  7 packages, 2.6 MB at /opt/shop",
                "✓ shop/virtualenv TIME N packages, N MB at /opt/shop",
            ),
            ("  log: runs/20261123t040014-jjan/logs/x.log", "log: runs/RUN/logs/x.log"),
            ("96.4 % of 341 lines", "96.4 % of 341 lines"),
            ("changed since run 20261123t040014-jjan, just now", "changed since run RUN"),
            ("changed since run 20261123t040014-jjan, 2 minutes ago", "changed since run RUN"),
            (
                "shop 0.7.0~dev2+d0123abcd is live in testing: http://127.0.0.1:40211/",
                "shop 0.7.0~dev is live in testing: http://127.0.0.1:PORT/",
            ),
        ] {
            assert_eq!(steady(line), expect);
        }
    }

    #[test]
    #[should_panic(expected = "only in the document: [\n    \"b\"")]
    fn a_line_that_is_gone_is_noticed() {
        Exchange { command: "x".to_owned(), lines: vec!["a".to_owned(), "b".to_owned(), LEFT_OUT.to_owned()] }
            .is_still("a\nc\n");
    }

    #[test]
    #[should_panic(expected = "only today: [\n    \"c\"")]
    fn a_line_that_is_new_is_noticed() {
        Exchange { command: "x".to_owned(), lines: vec!["a".to_owned()] }.is_still("c\na\n");
    }
}
