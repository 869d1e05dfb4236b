//! Uploads from outside, which come file by file. Pure.

use super::{Generation, PromoteError, Release, StoreError, promotion::admit};
use crate::python::FileName;

/// What `run` is in a generation that an upload made.
pub(super) const UPLOAD: &str = "upload";

/// Whether two names of files mean one file of a release: installers read `Money-1.0-py3-none-any.whl` as
/// `money-1.0-py3-none-any.whl`.
fn is_same(one: &str, other: &str) -> bool {
    let read = |file: &str| file.parse::<FileName>().ok().map(|name| name.to_string());
    one == other || read(one).is_some_and(|name| Some(name) == read(other))
}

/// The generation that an upload makes of the current one; `None` if all its files are there.
pub(super) fn upload(
    channel: &str,
    package: &str,
    uploaded: &Release,
    current: &Generation,
) -> Result<Option<Generation>, StoreError> {
    for file in &uploaded.files {
        if file.file.is_empty() || file.file.starts_with('.') || file.file.contains(['/', '\\', '\0']) {
            return Err(StoreError::new(format!(
                "`{}` is no name for a file of `{package}`",
                file.file.escape_debug()
            )));
        }
        let mut known = current.everywhere(package).flat_map(|release| &release.files);
        if let Some(other) = known.find(|other| is_same(&other.file, &file.file) && other.digest != file.digest) {
            return Err(StoreError::new(format!("`{}` exists with other bytes", other.file))
                .hint("raise the version: a file's name is never used again"));
        }
    }
    let found = current.everywhere(package).find(|release| release.is(&uploaded.version));
    let merged = match found {
        Some(found) => merge(found, uploaded),
        None => {
            let admitted = admit(channel, package, uploaded, current);
            admitted
                .map_err(|error| match error {
                    PromoteError::Store(error) => error,
                    other => StoreError::new(other.to_string()),
                })?
                .clone()
        }
    };
    let own = current.channels.get(channel).and_then(|channel| channel.packages.get(package));
    if own.is_some_and(|releases| releases.contains(&merged)) {
        return Ok(None);
    }
    let mut next = Generation {
        number: current.number + 1,
        run: UPLOAD.to_owned(),
        channel: channel.to_owned(),
        time: 0,
        set: [(package.to_owned(), merged.version.clone())].into(),
        channels: current.channels.clone(),
    };
    // A version means the same files in every channel that has it.
    for releases in next.channels.values_mut().filter_map(|channel| channel.packages.get_mut(package)) {
        releases.iter_mut().filter(|release| release.is(&merged.version)).for_each(|release| *release = merged.clone());
    }
    let releases = next.channels.entry(channel.to_owned()).or_default().packages.entry(package.to_owned()).or_default();
    if !releases.iter().any(|release| release.is(&merged.version)) {
        releases.push(merged);
    }
    Ok(Some(next))
}

/// A release with the files that it lacked. Its payload is its first wheel's; an sdist that came before stood in for it.
fn merge(found: &Release, uploaded: &Release) -> Release {
    let mut merged = found.clone();
    let new = uploaded.files.iter().filter(|file| !found.files.iter().any(|other| other.file == file.file));
    merged.files.extend(new.cloned());
    let has_wheel = |release: &Release| release.files.iter().any(|file| file.file.ends_with(".whl"));
    if !has_wheel(found) && has_wheel(uploaded) {
        merged.payload = uploaded.payload;
    }
    merged
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_the_same_however_its_name_is_spelt() {
        assert!(is_same("Money_x-1.0-py3-none-any.whl", "money.x-1.0-py3-none-any.whl"));
        assert!(is_same("Money-1.0.tar.gz", "money-1.0.tar.gz"));
        assert!(!is_same("money-1.0-py3-none-any.whl", "money-1.0-py2-none-any.whl"));
        assert!(!is_same("money-1.0-py3-none-any.whl", "money-1.0.tar.gz"));
        assert!(is_same("odd", "odd") && !is_same("odd", "even"));
    }
}
