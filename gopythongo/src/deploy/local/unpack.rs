//! Unpacking a `.deb` into a slot.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink},
    path::{Component, Path, PathBuf},
};

use tar::{Archive, EntryType};

use super::{Package, installed::Installed, place::Place, trial};
use crate::{
    deploy::{BlueGreen, Slot},
    package::ServiceDescription,
    run::Failure,
    support::{Digest, archive::Ar},
};

/// A package that was opened and found to be what it is said to be.
pub(super) struct Opened<'a> {
    package: &'a Package,
    ar: Ar,
    /// The control paragraph.
    pub(super) control: String,
}

/// Opens a package's file and compares its digest.
///
/// # Errors
/// When it cannot be read, or is another file than the one that was tested.
pub(super) fn open(package: &Package) -> Result<Opened<'_>, Failure> {
    let file = &package.file;
    let found = Digest::of_file(file).map_err(Failure::io("cannot read", file))?;
    if found != package.digest {
        return Err(Failure::lacking(format!(
            "`{}` is not what was tested: its digest is {}, not {}",
            file.display(),
            found.short(12),
            package.digest.short(12)
        )));
    }
    let damaged = Failure::io("cannot unpack", file);
    let opened = Ar::open(file).and_then(|ar| {
        let control = ar.tar("control.tar", control)?;
        Ok(Opened { package, ar, control })
    });
    opened.map_err(damaged)
}

fn control(tar: &mut dyn Read) -> io::Result<String> {
    for entry in Archive::new(tar).entries()? {
        let mut entry = entry?;
        if entry.path()?.components().eq([Component::CurDir, Component::Normal("control".as_ref())])
            || entry.path()?.as_os_str() == "control"
        {
            let mut text = String::new();
            entry.read_to_string(&mut text)?;
            return Ok(text);
        }
    }
    Err(io::Error::other("its `control.tar` has no `control`"))
}

impl Opened<'_> {
    /// Unpacks it into a slot that does not run, where it is on [trial](super::trial).
    ///
    /// # Errors
    /// When something cannot be written, the package leads out of its root, or has no service.
    pub(super) fn into_slot(self, place: &Place, slot: Slot, how: &BlueGreen) -> Result<Installed, Failure> {
        let begun = place.directory().join(format!("{slot}.new"));
        trial::remove(&begun)?;
        let root = begun.join("root");
        let into = |error| Failure::io("cannot unpack", &self.package.file)(error);
        self.ar.tar("data.tar", |tar| write(tar, &root)).map_err(into)?;
        let service = self.service(&root)?;
        let installed = Installed {
            name: self.package.name.clone(),
            version: self.package.version.clone(),
            digest: self.package.digest,
            how: how.clone(),
            service,
        };
        trial::begin(place, slot, &begun)?;
        installed.write(place, slot).map_err(Failure::io("cannot write", &Installed::path(place, slot)))?;
        Ok(installed)
    }

    fn service(&self, root: &Path) -> Result<ServiceDescription, Failure> {
        let name = &self.package.name;
        let member = ServiceDescription::member(name);
        let bytes = match fs::read(root.join(&member)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(Failure::new(format!("the package `{name}` has no service that could be made live"))
                    .hint("say what it runs: `.deb(Deb::new().service(Service::gunicorn(\"module:application\")))`"));
            }
            read => read.map_err(Failure::io("cannot read", Path::new(&member)))?,
        };
        let service: ServiceDescription = serde_json::from_slice(&bytes)
            .map_err(|error| Failure::lacking(format!("`/{member}` of the package `{name}` is damaged: {error}")))?;
        if service.version != ServiceDescription::VERSION {
            let message = format!("`/{member}` of the package `{name}` has the version {}", service.version);
            return Err(Failure::lacking(message).hint("it was made by a newer GoPythonGo: update this one"));
        }
        Ok(service)
    }
}

/// Writes a tar's members below a root. Owners are not kept: everything is this user's. Links may lead anywhere, as those of
/// an installed system do; nothing is written through one.
fn write(tar: &mut dyn Read, root: &Path) -> io::Result<()> {
    directory(root)?;
    for entry in Archive::new(tar).entries()? {
        let mut entry = entry?;
        let member = entry.path()?.into_owned();
        let wrong = |why: &str| io::Error::other(format!("its member `{}` {why}", member.display()));
        let path = relative(&member).ok_or_else(|| wrong("leads out of its root"))?;
        let Some(parent) = path.parent() else { continue };
        let full = real(root, parent)?.join(path.file_name().unwrap_or_default());
        let mode = entry.header().mode()?;
        match entry.header().entry_type() {
            EntryType::Directory => {
                if !is_directory(&full)? {
                    directory(&full)?;
                }
            }
            EntryType::Regular | EntryType::Continuous | EntryType::GNUSparse => {
                let mode = if mode & 0o111 == 0 { 0o644 } else { 0o755 };
                let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(&full)?;
                io::copy(&mut entry, &mut file)?;
            }
            EntryType::Symlink => {
                symlink(entry.link_name()?.ok_or_else(|| wrong("is a link to nothing"))?, &full)?;
            }
            EntryType::Link => {
                let to = entry.link_name()?.ok_or_else(|| wrong("is a link to nothing"))?;
                let to = relative(&to).ok_or_else(|| wrong("is a link out of its root"))?;
                let from = real(root, to.parent().unwrap_or(Path::new("")))?.join(to.file_name().unwrap_or_default());
                fs::hard_link(from, &full)?;
            }
            _ => return Err(wrong("is neither file, directory nor link")),
        }
    }
    Ok(())
}

/// A member's path below the root; `None` if it leads out of it.
fn relative(member: &Path) -> Option<PathBuf> {
    let mut path = PathBuf::new();
    for component in member.components() {
        match component {
            Component::Normal(name) => path.push(name),
            Component::CurDir | Component::RootDir => {}
            Component::ParentDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

/// The directory `path` below `root`, made if it is missing, without a link on the way.
fn real(root: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut full = root.to_owned();
    for name in path.components() {
        full.push(name);
        if !is_directory(&full)? {
            directory(&full)?;
        }
    }
    Ok(full)
}

/// Whether there is a directory; an error if there is anything else, so that no member is written through a link.
fn is_directory(path: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(path) {
        Ok(metadata) if metadata.is_dir() => Ok(true),
        Ok(_) => Err(io::Error::other(format!("`{}` is no directory", path.display()))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn directory(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o755).create(path)
}
