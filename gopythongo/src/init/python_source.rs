//! Python's text, read without understanding it: enough to see what a module defines at its top level.

/// The lines of a module that begin a statement at its top level, as they stand. Strings over several lines (documentation
/// with examples in it) and comments are no statements.
pub(super) fn statements(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut within: Option<&str> = None;
    for line in text.lines() {
        let begins = within.is_none() && line.starts_with(|c: char| c.is_alphabetic() || c == '_' || c == '@');
        if begins {
            found.push(line);
        }
        within = after(line, within);
    }
    found
}

/// The quotes of the string that is still open at the end of a line.
fn after<'a>(line: &'a str, mut within: Option<&'a str>) -> Option<&'a str> {
    let mut rest = line;
    loop {
        if let Some(quotes) = within {
            let Some(end) = rest.find(quotes) else { return within };
            rest = &rest[end + quotes.len()..];
        }
        let at = rest.find(['"', '\'', '#'])?;
        rest = &rest[at..];
        if rest.starts_with('#') {
            return None;
        }
        let triple = rest.get(..3).filter(|quotes| ["\"\"\"", "'''"].contains(quotes));
        within = match triple {
            Some("'''") => Some("'''"),
            Some(_) => Some("\"\"\""),
            None => None,
        };
        if let Some(quotes) = within {
            rest = &rest[quotes.len()..];
        } else {
            rest = closed(rest)?;
        }
    }
}

/// What follows the string of one line that `text` begins with; `None` where it does not end.
fn closed(text: &str) -> Option<&str> {
    let quote = text.chars().next()?;
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == quote => return Some(&text[at + 1..]),
            _ => {}
        }
    }
    None
}

/// The texts of the strings that stand on one line each.
pub(super) fn strings(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    for line in text.lines() {
        let mut rest = line;
        while let Some(at) = rest.find(['"', '\'', '#']) {
            rest = &rest[at..];
            let Some(after) = (!rest.starts_with('#')).then(|| closed(rest)).flatten() else { break };
            found.push(&rest[1..rest.len() - after.len() - 1]);
            rest = after;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_begins_at_the_top_level_is_a_statement() {
        let text = "\"\"\"Example::\n\napp = Flask(__name__)\n\"\"\"\nimport x  # it's \"\"\" here\n\nclass A:\n    app = 1\n\n\
                    text = '''\nlost = 1\n''' + \"it\\\"s\"\napp = X()\n";
        assert_eq!(statements(text), ["import x  # it's \"\"\" here", "class A:", "text = '''", "app = X()"]);
    }

    #[test]
    fn strings_are_read_without_their_quotes() {
        assert_eq!(strings("a = ['x>=1', \"y's\"]  # 'z'\nb = ''\n"), ["x>=1", "y's", ""]);
        assert_eq!(strings("it's\n\"a\"\n"), ["a"]);
    }
}
