//! A version on trial: it is in the idle slot, and was never live. What the slot held before is kept aside, so that a version
//! that does not get healthy costs nobody the way back. Knows files only.
//!
//! `green.before` beside `green/` says that green is on trial. It is what green held, or empty where that was nothing.

use std::{fs, io, path::Path};

use super::{installed::Installed, place::Place};
use crate::{deploy::Slot, run::Failure};

/// Whether what a slot holds is on trial.
pub(super) fn is_on(place: &Place, slot: Slot) -> bool {
    place.before(slot).exists()
}

/// Puts a directory in the place of a slot that does not run: on trial, in the place of another that was.
///
/// # Errors
/// When something cannot be renamed or removed; then the slot holds what it held, or nothing.
pub(super) fn begin(place: &Place, slot: Slot, new: &Path) -> Result<(), Failure> {
    let (own, before) = (place.slot(slot), place.before(slot));
    if is_on(place, slot) {
        forget(place, slot)?;
    } else if own.exists() {
        fs::rename(&own, &before).map_err(Failure::io("cannot rename", &own))?;
    } else {
        fs::create_dir(&before).map_err(Failure::io("cannot make", &before))?;
    }
    fs::rename(new, &own).map_err(Failure::io("cannot rename", new))
}

/// Ends the trial of a slot that has become live.
///
/// # Errors
/// When what was kept cannot be removed.
pub(super) fn end(place: &Place, slot: Slot) -> Result<(), Failure> {
    remove(&place.before(slot))
}

/// Ends the trial of a slot that does not run and shall not be live, if it is on trial: it holds again what it held before.
///
/// # Errors
/// When something cannot be renamed or removed; it is on trial still.
pub(super) fn undo(place: &Place, slot: Slot) -> Result<(), Failure> {
    if !is_on(place, slot) {
        return Ok(());
    }
    forget(place, slot)?;
    let before = place.before(slot);
    fs::rename(&before, place.slot(slot)).map_err(Failure::io("cannot rename", &before))
}

/// What a slot held last that was live: what it holds, or if that is on trial, what is kept aside.
///
/// # Errors
/// When the record cannot be read.
pub(super) fn last_live(place: &Place, slot: Slot) -> io::Result<Option<Installed>> {
    let directory = if is_on(place, slot) { place.before(slot) } else { place.slot(slot) };
    Installed::read_in(&directory)
}

/// Removes a directory with all that is in it, if it is there.
pub(super) fn remove(directory: &Path) -> Result<(), Failure> {
    match fs::remove_dir_all(directory) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(Failure::io("cannot remove", directory)(error)),
        _ => Ok(()),
    }
}

/// Removes what a slot holds: first the record, so that it is never taken for whole.
fn forget(place: &Place, slot: Slot) -> Result<(), Failure> {
    let record = Installed::path(place, slot);
    match fs::remove_file(&record) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(Failure::io("cannot remove", &record)(error));
        }
        _ => {}
    }
    remove(&place.slot(slot))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slot with a file that says what it is.
    fn plant(directory: &Path, what: &str) {
        fs::create_dir_all(directory).unwrap();
        fs::write(directory.join("what"), what).unwrap();
    }

    #[test]
    fn a_slot_holds_again_what_it_held_however_many_were_tried() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::new(directory.path().to_owned());
        let held = || fs::read_to_string(place.slot(Slot::Green).join("what")).ok();
        let new = directory.path().join("green.new");
        undo(&place, Slot::Green).unwrap();
        for before in [None, Some("1".to_owned())] {
            for tried in ["2", "3"] {
                plant(&new, tried);
                begin(&place, Slot::Green, &new).unwrap();
                assert_eq!(held().as_deref(), Some(tried));
                assert!(is_on(&place, Slot::Green) && !is_on(&place, Slot::Blue));
            }
            undo(&place, Slot::Green).unwrap();
            assert_eq!(held(), before);
            assert!(!is_on(&place, Slot::Green));
            plant(&place.slot(Slot::Green), "1");
        }
        plant(&new, "4");
        begin(&place, Slot::Green, &new).unwrap();
        end(&place, Slot::Green).unwrap();
        undo(&place, Slot::Green).unwrap();
        assert_eq!(held().as_deref(), Some("4"), "what is live stays");
    }
}
