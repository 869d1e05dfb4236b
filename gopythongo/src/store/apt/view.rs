//! The repository's files, written into a generation that is not current yet.

use std::{
    collections::BTreeSet,
    fs::{self, OpenOptions, Permissions},
    io,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{
    Keyring,
    packages::pool_path,
    suite::{Suite, is_same_release},
};
use crate::{
    store::{Blobs, DebRelease, Generation, StoreError},
    support::{Digest, operations, sync_together},
};

/// What a suite's directory holds beside its indices.
const SIGNED: [&str; 2] = ["InRelease", "Release.gpg"];
const RELEASE: &str = "Release";

/// Where indices are by their digests, below the store's directory.
const BY_HASH: &str = "by-hash/SHA256";

/// What is written where, below a store's directory.
///
/// | path | what |
/// |---|---|
/// | `generations/N/apt/dists/SUITE/…` | the suites of a generation |
/// | `generations/N/apt/key.asc` | the key that signed them |
/// | `generations/N/apt/pool` | a link to `pool` |
/// | `pool/main/s/shop/….deb` | packages, linked to blobs; a path is never used again |
/// | `by-hash/SHA256/…` | the indices of all generations: a client that read an old `Release` finds what it names |
#[derive(Debug)]
pub(in crate::store) struct View<'a> {
    pub(in crate::store) store: &'a Path,
    pub(in crate::store) blobs: Blobs,
    pub(in crate::store) keyring: &'a Keyring,
}

impl View<'_> {
    /// Writes the repository of `generation` into its directory, `into`; `previous` is that of the current one. A suite that
    /// says what it said before keeps its files and its date.
    ///
    /// # Errors
    /// When a file cannot be written, or a suite not be signed.
    pub(in crate::store) fn write(
        &self,
        generation: &Generation,
        previous: &Path,
        into: &Path,
    ) -> Result<(), StoreError> {
        let native = native();
        let compressed = |name: &String| Suite::of(generation, name, native);
        let suites = generation.channels.keys().map(compressed).collect::<io::Result<Vec<_>>>();
        let suites: Vec<Suite> =
            suites.map_err(StoreError::io("cannot compress an index of", into))?.into_iter().flatten().collect();
        if suites.is_empty() {
            return Ok(());
        }
        let mut to_sync = self.fill_pool(generation)?;
        let apt = into.join("apt");
        make_directory(&apt)?;
        link_to("../../../pool", &apt.join("pool"))?;
        let can_sign = self.keyring.can_sign()?;
        let mut unsigned = Vec::new();
        for suite in &suites {
            let (directory, before) = (dists(&apt, suite), dists(&previous.join("apt"), suite));
            self.indices(suite, &directory)?;
            let release = suite.release(generation.time);
            let kept = fs::read_to_string(before.join(RELEASE)).is_ok_and(|text| is_same_release(&text, &release));
            let signed = before.join(SIGNED[0]).exists();
            if kept && (signed || !can_sign) {
                let files = if signed { [RELEASE].iter().chain(&SIGNED) } else { [RELEASE].iter().chain(&[]) };
                for file in files {
                    link(&before.join(file), &directory.join(file))?;
                }
            } else {
                write(&directory.join(RELEASE), release.as_bytes())?;
                unsigned.push(directory);
            }
        }
        if can_sign {
            if !unsigned.is_empty() {
                self.keyring.sign(&unsigned)?;
            }
            for file in unsigned.iter().flat_map(|directory| SIGNED.map(|file| directory.join(file))) {
                readable(&file)?;
            }
            let key = self.keyring.key();
            let bytes = fs::read(&key).map_err(StoreError::io("cannot read", &key))?;
            write(&apt.join("key.asc"), &bytes)?;
        }
        let by_hash = self.store.join(BY_HASH);
        to_sync.extend(by_hash.ancestors().take_while(|above| *above != self.store).map(Path::to_owned));
        to_sync.extend(below(&apt)?);
        sync_together(&to_sync).map_err(|(path, error)| cannot_sync(&path)(error))
    }

    /// Sees to it that every package is in the pool; gives what of it is to be brought to the disk: an earlier promotion
    /// that came to nothing may have put it there, and brought nothing to the disk.
    fn fill_pool(&self, generation: &Generation) -> Result<Vec<PathBuf>, StoreError> {
        let mut to_sync = BTreeSet::new();
        let channels = generation.channels.values().flat_map(|channel| &channel.debs);
        for (package, release) in channels.flat_map(|(package, all)| all.iter().map(move |release| (package, release)))
        {
            let path = self.store.join(pool_path(package, &release.file));
            let blob = self.blobs.path(&release.digest);
            to_sync.extend(path.ancestors().skip(1).take_while(|above| *above != self.store).map(Path::to_owned));
            if is_same(&path, &blob, release)? {
                continue;
            }
            make_directories(self.store, path.parent().unwrap_or(self.store))?;
            place(&path, |temporary| link(&blob, temporary))?;
            to_sync.insert(path);
        }
        Ok(to_sync.into_iter().collect())
    }

    /// Writes the indices under their digests, for all generations, and under their names, for this one.
    fn indices(&self, suite: &Suite, directory: &Path) -> Result<(), StoreError> {
        let by_hash = self.store.join(BY_HASH);
        make_directories(self.store, &by_hash)?;
        for (path, bytes) in &suite.indices {
            let stored = by_hash.join(Digest::of(bytes).to_string());
            if !fs::read(&stored).is_ok_and(|found| found == *bytes) {
                place(&stored, |temporary| write(temporary, bytes))?;
            }
            let named = directory.join(path);
            let around = named.parent().unwrap_or(directory);
            make_directories(directory.parent().unwrap_or(directory), around)?;
            link(&stored, &named)?;
            let link = around.join("by-hash");
            if !link.is_symlink() {
                // generations, N, apt, dists, the suite, main, binary-…
                let depth = 6 + suite.name.split('/').count();
                link_to(&format!("{}by-hash", "../".repeat(depth)), &link)?;
            }
        }
        Ok(())
    }
}

fn dists(apt: &Path, suite: &Suite) -> PathBuf {
    apt.join("dists").join(&suite.name)
}

/// dpkg's name of the architecture of this machine.
pub(crate) fn native() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        "x86" => "i386",
        "arm" => "armhf",
        "powerpc64" => "ppc64el",
        other => other,
    }
}

/// Writes a file that everybody may read: apt does not read as who runs us.
fn write(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let made = operations::open(path, OpenOptions::new().write(true).create_new(true));
    let written = made.and_then(|mut file| {
        operations::write(&mut file, path, bytes)?;
        file.set_permissions(Permissions::from_mode(0o644))
    });
    written.map_err(StoreError::io("cannot write", path))
}

fn readable(path: &Path) -> Result<(), StoreError> {
    fs::set_permissions(path, Permissions::from_mode(0o644)).map_err(StoreError::io("cannot write", path))
}

/// The same file under another name; where file systems have no such links, a copy.
fn link(from: &Path, to: &Path) -> Result<(), StoreError> {
    if operations::link(from, to).is_ok() {
        return Ok(());
    }
    operations::copy(from, to).map_err(StoreError::io("cannot write", to))
}

fn link_to(target: &str, path: &Path) -> Result<(), StoreError> {
    operations::symlink(target, path).map_err(StoreError::io("cannot make", path))
}

/// Whether a package in the pool is what it should be: a link to its blob, or the same bytes.
fn is_same(path: &Path, blob: &Path, release: &DebRelease) -> Result<bool, StoreError> {
    let Ok(found) = path.metadata() else { return Ok(false) };
    let is_linked = || blob.metadata().is_ok_and(|blob| (blob.dev(), blob.ino()) == (found.dev(), found.ino()));
    if found.len() != release.size || is_linked() {
        return Ok(found.len() == release.size);
    }
    Digest::of_file(path).map(|digest| digest == release.digest).map_err(StoreError::io("cannot read", path))
}

/// Makes a file under a temporary name beside it, and renames it.
fn place(path: &Path, make: impl FnOnce(&Path) -> Result<(), StoreError>) -> Result<(), StoreError> {
    let directory = path.parent().unwrap_or(path);
    let reserved = operations::temporary(directory).map_err(StoreError::io("cannot write in", directory))?;
    let temporary = reserved.into_temp_path();
    operations::remove(&temporary).map_err(StoreError::io("cannot write", path))?;
    make(&temporary)?;
    operations::persist(temporary, path).map_err(StoreError::io("cannot write", path))
}

/// Makes directories that everybody may enter, from below `top` on.
fn make_directories(top: &Path, directory: &Path) -> Result<(), StoreError> {
    let missing: Vec<&Path> = directory.ancestors().take_while(|above| *above != top && !above.is_dir()).collect();
    missing.into_iter().rev().try_for_each(make_directory)
}

fn make_directory(directory: &Path) -> Result<(), StoreError> {
    operations::make_directories(directory)
        .and_then(|_| fs::set_permissions(directory, Permissions::from_mode(0o755)))
        .map_err(StoreError::io("cannot make", directory))
}

/// A directory and everything in it that has bytes of its own, for bringing it to the disk.
fn below(directory: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let entries = walkdir::WalkDir::new(directory).into_iter();
    let entries = entries.filter(|entry| entry.as_ref().map_or(true, |entry| !entry.file_type().is_symlink()));
    let paths = entries.map(|entry| entry.map(walkdir::DirEntry::into_path));
    paths
        .collect::<Result<_, _>>()
        .map_err(|error| StoreError::new(format!("cannot read `{}`: {error}", directory.display())))
}

/// Brings a directory with everything in it to the disk.
///
/// # Errors
/// When something cannot be.
pub(super) fn sync_below(directory: &Path) -> Result<(), StoreError> {
    sync_together(&below(directory)?).map_err(|(path, error)| cannot_sync(&path)(error))
}

/// Brings a file or directory to the disk.
///
/// # Errors
/// When it cannot be.
pub(in crate::store) fn sync(path: &Path) -> Result<(), StoreError> {
    operations::sync(path).map_err(cannot_sync(path))
}

fn cannot_sync(path: &Path) -> impl FnOnce(io::Error) -> StoreError {
    StoreError::io("cannot bring to the disk", path)
}
