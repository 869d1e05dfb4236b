//! Configuration files: kept as they were edited here, as dpkg does (Debian Policy 10.7.3).

use std::{fs, io, path::Path};

use super::{installed::Installed, place::Place};
use crate::{deploy::Slot, run::Failure};

/// Puts a package's configuration files where they may be edited. One that was not edited since the package in the other slot
/// brought it is replaced; one that was is kept, and that is said: the new one is beside it.
pub(super) fn put(place: &Place, slot: Slot, installed: &Installed, say: &dyn Fn(&str)) -> Result<(), Failure> {
    for file in &installed.service.configuration {
        let below = file.trim_start_matches('/');
        let (own, old) = (place.root(slot).join(below), place.root(slot.other()).join(below));
        let kept = place.configuration().join(below);
        put_one(&own, &old, &kept, say).map_err(Failure::io("cannot write", &kept))?;
    }
    Ok(())
}

fn put_one(own: &Path, old: &Path, kept: &Path, say: &dyn Fn(&str)) -> io::Result<()> {
    let new = fs::read(own)?;
    let name = kept.file_name().unwrap_or_default().to_string_lossy();
    let with_suffix = |suffix: &str| kept.with_file_name(format!("{name}.dpkg-{suffix}"));
    let beside = with_suffix("dist");
    let current = match fs::read(kept) {
        Ok(current) => Some(current),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    let edited = current.is_some_and(|current| current != new && fs::read(old).map_or(true, |old| old != current));
    if let Some(directory) = kept.parent() {
        fs::create_dir_all(directory)?;
    }
    if !edited {
        // in one piece, and not in place: what runs has the one that it was started with
        let whole = with_suffix("new");
        fs::write(&whole, new)?;
        return fs::rename(whole, kept);
    }
    if fs::read(&beside).is_ok_and(|bytes| bytes == new) {
        return Ok(());
    }
    say(&format!("keeps `{}` as it was edited; the package's own is `{}`", kept.display(), beside.display()));
    fs::write(beside, new)
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;
    use crate::support::trees::{plant, tree};

    #[test]
    fn an_edited_file_is_kept_and_others_follow_the_package() {
        let directory = tree(&[("new", "b"), ("old", "a")]);
        let path = |name: &str| directory.path().join(name);
        let said = RefCell::new(Vec::new());
        let put = || {
            let say = |line: &str| said.borrow_mut().push(line.to_owned());
            put_one(&path("new"), &path("old"), &path("etc/x.toml"), &say).expect("written");
            fs::read_to_string(path("etc/x.toml")).expect("there")
        };
        assert_eq!(put(), "b", "there was none");
        plant(directory.path(), &[("new", "c"), ("old", "b")]);
        assert_eq!(put(), "c", "it was as the old package had it");
        plant(directory.path(), &[("etc/x.toml", "mine"), ("new", "d"), ("old", "c")]);
        assert_eq!((put(), put()), ("mine".to_owned(), "mine".to_owned()));
        assert_eq!(fs::read_to_string(path("etc/x.toml.dpkg-dist")).expect("beside"), "d");
        assert_eq!(said.borrow().len(), 1, "{said:?}");
    }
}
