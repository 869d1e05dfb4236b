//! The grammar of requirements and markers (PEP 508). Knows nothing of what they mean.

use pep440_rs::VersionSpecifiers;

use crate::python::{
    marker::{Comparison, Marker, Term, Tree, Variable},
    name::normalize,
    requirement::Requirement,
};

/// What is left of the text. White space before a token never counts.
pub(in crate::python) struct Parser<'a>(pub(in crate::python) &'a str);

/// Or what is wrong, and where.
pub(in crate::python) type Parsed<T> = Result<T, String>;

impl<'a> Parser<'a> {
    /// All of the text is a requirement.
    pub(in crate::python) fn requirement(&mut self) -> Parsed<Requirement> {
        let name = self.identifier("a name")?;
        let mut extras = Vec::new();
        if self.take("[") && !self.take("]") {
            loop {
                extras.push(normalize(self.identifier("an extra")?));
                if self.take("]") {
                    break;
                }
                self.expect(",")?;
            }
        }
        let mut url = None;
        let mut specifiers = VersionSpecifiers::empty();
        if self.take("@") {
            let rest = self.0.trim_start();
            let (word, rest) = rest.split_at(rest.find(char::is_whitespace).unwrap_or(rest.len()));
            if word.is_empty() {
                return Err("a URL is expected after `@`".to_owned());
            }
            url = Some(word.to_owned());
            self.0 = rest;
        } else {
            specifiers = self.specifiers()?;
        }
        let marker = if self.take(";") { Some(Marker(self.any()?)) } else { None };
        self.end()?;
        Ok(Requirement { name: normalize(name), extras, specifiers, url, marker })
    }

    /// All of the text is a marker.
    pub(in crate::python) fn marker(&mut self) -> Parsed<Marker> {
        let tree = self.any()?;
        self.end()?;
        Ok(Marker(tree))
    }

    fn specifiers(&mut self) -> Parsed<VersionSpecifiers> {
        let bracketed = self.take("(");
        let end = self.0.find(if bracketed { [')', ';'] } else { [';', ';'] }).unwrap_or(self.0.len());
        let (text, rest) = self.0.split_at(end);
        self.0 = rest;
        if bracketed {
            self.expect(")")?;
        }
        let text = text.trim().trim_end_matches(',');
        if text.is_empty() {
            return Ok(VersionSpecifiers::empty());
        }
        if !text.starts_with(['=', '!', '<', '>', '~']) {
            return Err(format!("a comparison such as `>=1.0` is expected at `{text}`"));
        }
        text.parse().map_err(|_| format!("`{text}` is not a set of versions (PEP 440)"))
    }

    fn any(&mut self) -> Parsed<Tree> {
        let mut trees = vec![self.all()?];
        while self.word("or") {
            trees.push(self.all()?);
        }
        Ok(Tree::any(trees))
    }

    fn all(&mut self) -> Parsed<Tree> {
        let mut trees = vec![self.comparison()?];
        while self.word("and") {
            trees.push(self.comparison()?);
        }
        Ok(Tree::all(trees))
    }

    fn comparison(&mut self) -> Parsed<Tree> {
        if self.take("(") {
            let tree = self.any()?;
            self.expect(")")?;
            return Ok(tree);
        }
        let left = self.term()?;
        let comparison = self.operator()?;
        let right = self.term()?;
        if matches!((&left, &right), (Term::Literal(_), Term::Literal(_))) {
            return Err(format!("neither {left} nor {right} is a variable of an environment"));
        }
        Ok(Tree::Compare(left, comparison, right))
    }

    fn operator(&mut self) -> Parsed<Comparison> {
        if self.word("in") {
            return Ok(Comparison::In);
        }
        if self.word("not") {
            return if self.word("in") { Ok(Comparison::NotIn) } else { Err(self.expected("`in` after `not`")) };
        }
        let found = Comparison::SYMBOLS.into_iter().find(|(symbol, _)| self.take(symbol));
        found.map(|(_, comparison)| comparison).ok_or_else(|| self.expected("a comparison"))
    }

    fn term(&mut self) -> Parsed<Term> {
        for quote in ["'", "\""] {
            if self.take(quote) {
                let (text, rest) =
                    self.0.split_once(quote).ok_or_else(|| format!("the quote {quote}{} does not end", self.0))?;
                self.0 = rest;
                return Ok(Term::Literal(text.to_owned()));
            }
        }
        let rest = self.0.trim_start();
        let (word, rest) = rest.split_at(rest.find(|c: char| !is_name(c)).unwrap_or(rest.len()));
        if word.is_empty() {
            return Err(self.expected("a variable or a quoted text"));
        }
        self.0 = rest;
        Variable::named(word).map(Term::Variable).ok_or_else(|| format!("`{word}` is not a variable of an environment"))
    }

    fn identifier(&mut self, what: &str) -> Parsed<&'a str> {
        let rest = self.0.trim_start();
        let end = rest.find(|c: char| !is_name(c)).unwrap_or(rest.len());
        let word = &rest[..end];
        let edge = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        if !edge(word.chars().next()) || !edge(word.chars().last()) {
            return Err(self.expected(what));
        }
        self.0 = &rest[end..];
        Ok(word)
    }

    fn take(&mut self, symbol: &str) -> bool {
        let rest = self.0.trim_start().strip_prefix(symbol);
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn word(&mut self, word: &str) -> bool {
        let rest = self.0.trim_start().strip_prefix(word).filter(|rest| !rest.starts_with(is_name));
        self.0 = rest.unwrap_or(self.0);
        rest.is_some()
    }

    fn expect(&mut self, symbol: &str) -> Parsed<()> {
        if self.take(symbol) { Ok(()) } else { Err(self.expected(&format!("`{symbol}`"))) }
    }

    fn end(&self) -> Parsed<()> {
        if self.0.trim().is_empty() { Ok(()) } else { Err(self.expected("the end")) }
    }

    fn expected(&self, what: &str) -> String {
        match self.0.trim() {
            "" => format!("{what} is expected at its end"),
            rest => format!("{what} is expected at `{rest}`"),
        }
    }
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.')
}
