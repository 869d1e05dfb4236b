//! Whether what is installed is what was built: file by file, by digest.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::python::{DistributionError, Lock, wheel_archive::WheelArchive};
use crate::{
    run::{Failure, Work},
    store::Store,
    support::Digest,
};

/// The directory of an environment that pure modules are installed into.
pub(in crate::python) fn site_packages(environment: &Path) -> Result<PathBuf, Failure> {
    let lib = environment.join("lib");
    let entries = fs::read_dir(&lib).map_err(Failure::io("cannot list", &lib))?;
    let found = entries.flatten().map(|entry| entry.path().join("site-packages")).find(|path| path.is_dir());
    found.ok_or_else(|| Failure::lacking(format!("`{}` has no `site-packages`", lib.display())))
}

/// Checks that every file of a wheel is installed with the bytes that it has there. Scripts are left out: installers
/// write their first lines.
///
/// # Errors
/// When a file is missing or another one: the environment took its distribution from elsewhere.
pub(in crate::python) fn check(environment: &Path, wheel: &Path) -> Result<(), Failure> {
    let site = site_packages(environment)?;
    let unreadable = |error: DistributionError| Failure::refused(error.to_string());
    let mut archive = WheelArchive::open(wheel).map_err(unreadable)?;
    let record = format!("{}/RECORD", archive.dist_info());
    for member in archive.members().to_vec() {
        if member.path == record || member.path.split('/').next().is_some_and(|top| top.ends_with(".data")) {
            continue;
        }
        let built = archive.read(&member, |reader| Ok(Digest::of_reader(reader)?.0)).map_err(unreadable)?;
        let file = site.join(&member.path);
        let installed = match Digest::of_file(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => None,
            digest => Some(digest.map_err(Failure::io("cannot read", &file))?),
        };
        if installed != Some(built) {
            let installed = installed.map_or_else(|| "missing".to_owned(), |digest| digest.short(12));
            return Err(Failure::refused(format!(
                "what is installed is not what was built: `{}` of `{}` is {}, installed it is {installed}",
                member.path,
                wheel.file_name().unwrap_or_default().to_string_lossy(),
                built.short(12)
            )));
        }
    }
    Ok(())
}

/// Checks that the owned packages of the lock are installed with the bytes that the store has.
///
/// # Errors
/// As [`check`].
pub(in crate::python) fn check_owned(work: &Work<'_>, lock: &Lock, environment: &Path) -> Result<(), Failure> {
    for package in lock.owned() {
        let blobs = work.service::<Store>()?.blobs();
        for file in package.files.iter().filter(|file| file.file.ends_with(".whl")) {
            let blob = blobs.path(&file.sha256);
            if blob.exists() {
                check(environment, &blob)?;
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::python::test_wheel::TestWheel;

    fn installed(text: &str) -> Result<(), String> {
        let directory = tempfile::tempdir().expect("a directory");
        let wheel =
            TestWheel::new("money", "1.5").file("money/coins.py", "A = 1\n").file("money-1.5.data/scripts/m", "#!");
        let path = directory.path().join(wheel.file_name());
        fs::write(&path, wheel.bytes()).expect("written");
        let site = directory.path().join("env/lib/python3.11/site-packages");
        let mut archive = zip::ZipArchive::new(fs::File::open(&path).expect("a wheel")).expect("a zip archive");
        archive.extract(&site).expect("extracted");
        fs::write(site.join("money-1.5.dist-info/RECORD"), "as the installer writes it").expect("written");
        fs::write(site.join("money/coins.py"), text).expect("written");
        check(&directory.path().join("env"), &path).map_err(|failure| failure.message)
    }

    #[test]
    fn a_file_with_other_bytes_than_the_wheels_is_refused() {
        assert_eq!(installed("A = 1\n"), Ok(()));
        assert_eq!(
            installed("A = 2\n").unwrap_err(),
            format!(
                "what is installed is not what was built: `money/coins.py` of `money-1.5-py3-none-any.whl` is {}, \
                 installed it is {}",
                Digest::of("A = 1\n").short(12),
                Digest::of("A = 2\n").short(12)
            )
        );
    }
}
