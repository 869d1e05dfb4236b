//! What git said of a work tree, remembered for as long as everything that it looked at is what it was.
//!
//! To answer, git reads every directory that is not ignored, and asks for the state of every file that it tracks. Here each of
//! them is asked for its state, and nothing is read: a directory in which a name came or went has other times (POSIX.1-2024,
//! XBD 4.12), as has a file that was written. What was changed shortly before git was asked is not trusted, as git itself does
//! with its index (racy-git(7)): then nothing is remembered, until a later run finds it settled.

use std::{
    collections::HashMap,
    ffi::OsStr,
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use super::{
    git::{GitError, Repository},
    git_status::status,
    seen::{answer, ask, is_still, look},
    stamp::{Put, Take},
    surveys::SurveyText,
};
use crate::support::{Digest, Durability, write_atomic};

/// What the file begins with; something else is another format. Then come the digest of the rest, what was seen, the answer, and
/// notes on sources.
const HEADER: &[u8] = b"gopythongo present 2\n";

/// What git is asked in any case: which commit it is, of which branch.
const HEAD: [&str; 4] = ["rev-parse", "HEAD", "--symbolic-full-name", "HEAD"];

/// What git says now, or said when everything was as it is.
#[derive(Debug)]
pub(super) struct Present {
    toplevel: PathBuf,
    file: PathBuf,
    said: Vec<u8>,
    /// From then on, everything is what it was when git answered.
    since: SystemTime,
    /// What is known of sources, by their directories.
    notes: HashMap<PathBuf, Note>,
    /// Whether the file says so.
    is_written: bool,
}

/// What is known of a source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Note {
    /// The digest of its files, which are listed as git says.
    digest: Option<Digest>,
    survey: Option<Arc<SurveyText>>,
}

impl Note {
    /// What the survey of this source looked at.
    fn looked(&self, source: &Path) -> Vec<PathBuf> {
        let mut looked = Take(self.survey.as_ref().map_or(&[], |survey| &survey.looked));
        // joined with nothing, a path ends with a slash
        let path = |below: &OsStr| if below.is_empty() { source.to_owned() } else { source.join(below) };
        std::iter::from_fn(|| looked.text().map(path)).collect()
    }
}

impl Present {
    /// Asks for the state of a work tree; remembers it below a directory, if there is one.
    ///
    /// # Errors
    /// When there is no git program, or it refuses.
    pub(super) fn ask(toplevel: &Path, memory: Option<&Path>) -> Result<(Repository, Option<Self>), GitError> {
        let since = SystemTime::now();
        let said = status(toplevel)?;
        let repository = Repository::told(toplevel, &said);
        let present = |memory| {
            let file = place(memory, toplevel);
            Self { toplevel: toplevel.to_owned(), file, said, since, notes: HashMap::new(), is_written: false }
        };
        Ok((repository, memory.map(present)))
    }

    /// What is remembered below a directory, if everything is what it was.
    pub(super) fn recall(toplevel: &Path, memory: &Path) -> Option<(Repository, Self)> {
        let since = SystemTime::now();
        let file = place(memory, toplevel);
        let bytes = fs::read(&file).ok()?;
        let mut rest = Take(bytes.strip_prefix(HEADER)?);
        if rest.digest()? != Digest::of(rest.0) {
            return None;
        }
        let (seen, said) = (rest.part()?, rest.part()?.to_vec());
        let head = ask(toplevel, &HEAD);
        let same = is_still(toplevel, seen);
        let head = head.and_then(answer)?;
        let repository = Repository::told(toplevel, &said);
        let branch = repository.branch.as_ref().map_or_else(|| "HEAD".to_owned(), |name| format!("refs/heads/{name}"));
        let expected = format!("{}\n{branch}\n", repository.commit.as_ref()?);
        if !same? || head != expected.as_bytes() {
            return None;
        }
        let notes = read_notes(rest)?;
        Some((repository, Self { toplevel: toplevel.to_owned(), file, said, since, notes, is_written: true }))
    }

    /// The digests of sources that are what they were.
    pub(super) fn sources(&self) -> impl Iterator<Item = (PathBuf, Digest)> {
        self.notes.iter().filter_map(|(source, note)| Some((source.clone(), note.digest?)))
    }

    /// The surveys of sources that look at nothing else than what they looked at.
    pub(super) fn surveys(&self) -> HashMap<PathBuf, Arc<SurveyText>> {
        self.notes.iter().filter_map(|(source, note)| Some((source.clone(), note.survey.clone()?))).collect()
    }

    /// Remembers the answer, with the digests and surveys of sources that were read since, if nothing has changed meanwhile.
    /// Without it, git is asked again.
    ///
    /// # Errors
    /// When something cannot be read or written.
    pub(super) fn save(
        &self,
        read: HashMap<PathBuf, Digest>,
        surveyed: HashMap<PathBuf, Arc<SurveyText>>,
    ) -> io::Result<()> {
        let mut notes = self.notes.clone();
        for (source, digest) in read {
            notes.entry(source).or_default().digest = Some(digest);
        }
        for (source, survey) in surveyed {
            notes.entry(source).or_default().survey = Some(survey);
        }
        if self.is_written && notes == self.notes {
            return Ok(());
        }
        let surveyed = notes.iter().flat_map(|(source, note)| note.looked(source));
        let Some(seen) = look(&self.toplevel, &self.said, self.since, surveyed)? else { return Ok(()) };
        let mut body = Vec::new();
        body.put_part(&seen);
        body.put_part(&self.said);
        for (source, Note { digest, survey }) in &notes {
            let SurveyText { looked, survey } = survey.as_deref().cloned().unwrap_or_default();
            body.put_text(source.as_os_str());
            body.put_part(digest.as_ref().map_or(&[][..], |digest| digest.bytes()));
            body.put_part(&looked);
            body.put_part(&survey);
        }
        let bytes = [HEADER, Digest::of(&body).bytes(), &body].concat();
        write_atomic(&self.file, &bytes, Durability::Cached)
    }
}

fn place(memory: &Path, toplevel: &Path) -> PathBuf {
    memory.join(Digest::of(toplevel.as_os_str().as_encoded_bytes()).short(32))
}

fn read_notes(mut rest: Take<'_>) -> Option<HashMap<PathBuf, Note>> {
    let mut notes = HashMap::new();
    while !rest.0.is_empty() {
        let source = rest.owned_text()?.into();
        let digest = rest.part()?.first_chunk().map(|bytes| Digest::from_bytes(*bytes));
        let (looked, survey) = (rest.part()?.to_vec(), rest.part()?.to_vec());
        let survey = (!survey.is_empty()).then(|| Arc::new(SurveyText { looked, survey }));
        notes.insert(source, Note { digest, survey });
    }
    Some(notes)
}

#[cfg(test)]
#[path = "present_tests.rs"]
mod tests;
