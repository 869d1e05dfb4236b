//! What a source consisted of, file by file: keys hold its digest, and only the explanation of a miss needs the files.

use std::{
    collections::HashMap,
    fs, io,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::Parts;
use crate::{
    context::SourceTree,
    support::{Digest, Durability, write_atomic},
};

/// The name of the part of a key that stands for all files of a source.
pub(crate) const SOURCE: &str = "its source";

/// The sources that a run has read, by their digests. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Manifests(Arc<Mutex<HashMap<String, Arc<SourceTree>>>>);

impl Manifests {
    /// Remembers a source; gives its digest.
    pub(crate) fn know(&self, tree: &Arc<SourceTree>) -> Digest {
        let digest = tree.digest();
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(digest.to_string(), tree.clone());
        digest
    }

    fn get(&self, digest: &str) -> Option<Arc<SourceTree>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(digest).cloned()
    }

    /// Writes what the sources in a key consist of to the directory of all manifests, once each.
    pub(super) fn write(&self, directory: &Path, parts: &Parts) -> io::Result<()> {
        for (_, digest) in parts.iter().filter(|(name, _)| *name == SOURCE) {
            let path = place(directory, digest);
            if let Some(tree) = self.get(digest).filter(|_| !path.exists()) {
                let text: String = lines(&tree).iter().map(|(name, value)| format!("{name}\0{value}\0")).collect();
                write_atomic(&path, text.as_bytes(), Durability::Cached)?;
            }
        }
        Ok(())
    }

    /// The manifests of the sources in a key, as far as they are written, with the digests of those.
    pub(super) fn written(directory: &Path, parts: &Parts) -> Vec<(String, PathBuf)> {
        let sources = parts.iter().filter(|(name, _)| *name == SOURCE);
        sources.map(|(_, digest)| (digest.to_owned(), place(directory, digest))).collect()
    }

    /// A key with the files of its sources in the place of their digests, as far as they are known.
    pub(super) fn expanded(&self, directory: &Path, parts: &Parts) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for (name, value) in parts.iter() {
            let files = (name == SOURCE).then(|| match self.get(value) {
                Some(tree) => Some(lines(&tree)),
                None => read(&place(directory, value)),
            });
            match files.flatten() {
                Some(files) => all.extend(files),
                None => all.push((name.to_owned(), value.to_owned())),
            }
        }
        all
    }
}

/// Where the manifest of a source lies.
pub(super) fn place(directory: &Path, digest: &str) -> PathBuf {
    directory.join(digest)
}

/// A part of a key for each file: its path for people, its mode and digest.
fn lines(tree: &SourceTree) -> Vec<(String, String)> {
    let line = |file: &crate::context::SourceFile| {
        let mode = if file.executable { "x" } else { "" };
        (format!("`{}`", file.path.display()), format!("{mode}{}", file.digest))
    };
    tree.files.iter().map(line).collect()
}

fn read(path: &Path) -> Option<Vec<(String, String)>> {
    let text = fs::read_to_string(path).ok()?;
    let mut words = text.split_terminator('\0');
    let mut lines = Vec::new();
    while let (Some(name), Some(value)) = (words.next(), words.next()) {
        lines.push((name.to_owned(), value.to_owned()));
    }
    Some(lines)
}
