//! Looking for values in the members of an archive, without unpacking it.

use std::{
    fs::File,
    io::{self, BufReader, Read},
    path::Path,
};

use flate2::bufread::GzDecoder;
use memchr::memmem::Finder;
use zip::ZipArchive;

use super::ar::Ar;

/// How much of a member is looked at at once, in bytes.
const CHUNK: u64 = 256 << 10;

/// A member that holds a value, or is called so.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Holder {
    /// The member's path.
    pub(crate) member: String,
    /// The value's number among those that were looked for.
    pub(crate) value: usize,
}

/// Whether a file that is called so is an archive that can be looked into.
pub(crate) fn is_archive(name: &str) -> bool {
    [".whl", ".zip", ".tar.gz", ".deb"].iter().any(|end| name.ends_with(end))
}

/// Finds the first member of an archive that holds one of some values. `name` says what sort of archive it is.
///
/// # Errors
/// When it cannot be read, is damaged, or what decompresses it is missing.
pub(crate) fn search(path: &Path, name: &str, values: &[&str]) -> io::Result<Option<Holder>> {
    let longest = values.iter().map(|value| value.len()).max().unwrap_or_default();
    let sought =
        Sought { finders: values.iter().map(|value| Finder::new(*value)).collect(), overlap: longest.max(1) - 1 };
    if name.ends_with(".deb") {
        let ar = Ar::open(path)?;
        let control = ar.tar("control.tar", |tar| sought.in_tar(tar))?;
        return if control.is_some() { Ok(control) } else { ar.tar("data.tar", |tar| sought.in_tar(tar)) };
    }
    let file = BufReader::new(File::open(path)?);
    if name.ends_with(".tar.gz") { sought.in_tar(&mut GzDecoder::new(file)) } else { sought.in_zip(file) }
}

struct Sought<'a> {
    finders: Vec<Finder<'a>>,
    /// How much of what was looked at may be the beginning of a value.
    overlap: usize,
}

impl Sought<'_> {
    fn in_tar(&self, tar: &mut dyn Read) -> io::Result<Option<Holder>> {
        for entry in tar::Archive::new(tar).entries()? {
            let entry = entry?;
            let mut member = entry.path()?.to_string_lossy().into_owned();
            if let Some(target) = entry.link_name()? {
                member = format!("{member} -> {}", target.display());
            }
            if let Some(holder) = self.in_member(member, entry)? {
                return Ok(Some(holder));
            }
        }
        Ok(None)
    }

    fn in_zip(&self, file: BufReader<File>) -> io::Result<Option<Holder>> {
        let mut zip = ZipArchive::new(file).map_err(io::Error::other)?;
        for index in 0..zip.len() {
            let member = zip.by_index(index).map_err(io::Error::other)?;
            let name = member.name().map_err(io::Error::other)?.into_owned();
            if let Some(holder) = self.in_member(name, member)? {
                return Ok(Some(holder));
            }
        }
        Ok(None)
    }

    fn in_member(&self, member: String, mut contents: impl Read) -> io::Result<Option<Holder>> {
        let mut found = self.in_bytes(member.as_bytes());
        let mut window = Vec::new();
        while found.is_none() {
            window.drain(..window.len().saturating_sub(self.overlap));
            if contents.by_ref().take(CHUNK).read_to_end(&mut window)? == 0 {
                break;
            }
            found = self.in_bytes(&window);
        }
        Ok(found.map(|value| Holder { member, value }))
    }

    fn in_bytes(&self, bytes: &[u8]) -> Option<usize> {
        self.finders.iter().position(|finder| finder.find(bytes).is_some())
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, io::Write, process::Command};

    use flate2::{Compression, write::GzEncoder};
    use zip::{ZipWriter, write::SimpleFileOptions};

    use super::*;
    use crate::support::trees::{plant, tree};

    const VALUES: [&str; 2] = ["never there", "s3cret-token"];

    /// Where the second value is found in an archive of two files, one of which holds it across two chunks.
    #[track_caller]
    fn check(directory: &Path, name: &str, member: &str) {
        assert!(is_archive(name));
        let found = search(&directory.join(name), name, &VALUES).unwrap();
        assert_eq!(found, Some(Holder { member: member.to_owned(), value: 1 }), "{name}");
        assert_eq!(search(&directory.join(name), name, &VALUES[..1]).unwrap(), None, "{name}");
    }

    #[test]
    fn a_value_is_found_in_each_sort_of_archive_also_where_chunks_meet() {
        let long = format!("{}{}{}", "x".repeat((CHUNK - 5) as usize), VALUES[1], "x".repeat(9));
        let control = "Package: p\nVersion: 1\nArchitecture: all\nMaintainer: N <n@shop.example>\nDescription: p\n";
        let directory = tree(&[("p/DEBIAN/control", control), ("p/etc/plain", "nothing"), ("p/etc/long", &long)]);
        let path = directory.path();

        let mut wheel = ZipWriter::new(File::create(path.join("p.whl")).unwrap());
        let mut sdist = tar::Builder::new(GzEncoder::new(Vec::new(), Compression::fast()));
        for name in ["etc/plain", "etc/long"] {
            let bytes = fs::read(path.join("p").join(name)).unwrap();
            wheel.start_file(name, SimpleFileOptions::default()).unwrap();
            wheel.write_all(&bytes).unwrap();
            sdist.append_path_with_name(path.join("p").join(name), name).unwrap();
        }
        wheel.finish().unwrap();
        fs::write(path.join("p.tar.gz"), sdist.into_inner().unwrap().finish().unwrap()).unwrap();
        check(path, "p.whl", "etc/long");
        check(path, "p.tar.gz", "etc/long");

        for compression in ["-Zgzip", "-Zxz"] {
            let pack = |to: &str| {
                let mut command = Command::new("dpkg-deb");
                command.args([compression, "--root-owner-group", "--build"]).arg(path.join("p")).arg(path.join(to));
                assert!(command.output().unwrap().status.success());
            };
            pack("p.deb");
            check(path, "p.deb", "./etc/long");
            plant(path, &[("p/DEBIAN/postinst", "#!/bin/sh\n# s3cret-token\n")]);
            assert!(
                Command::new("chmod").args(["755"]).arg(path.join("p/DEBIAN/postinst")).status().unwrap().success()
            );
            pack("q.deb");
            check(path, "q.deb", "./postinst");
            fs::remove_file(path.join("p/DEBIAN/postinst")).unwrap();
        }
    }

    #[test]
    fn a_members_name_counts_and_what_is_damaged_is_an_error() {
        let directory = tree(&[("damaged.whl", "PK")]);
        let path = directory.path().join("p.zip");
        let mut zip = ZipWriter::new(File::create(&path).unwrap());
        zip.start_file("s3cret-token.txt", SimpleFileOptions::default()).unwrap();
        zip.finish().unwrap();
        let found = search(&path, "p.zip", &VALUES).unwrap();
        assert_eq!(found, Some(Holder { member: "s3cret-token.txt".to_owned(), value: 1 }));
        assert!(search(&directory.path().join("damaged.whl"), "damaged.whl", &VALUES).is_err());
        assert!(!is_archive("report.xml"));
    }
}
