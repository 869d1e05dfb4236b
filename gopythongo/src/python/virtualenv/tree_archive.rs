//! A tree as one file: an uncompressed tar archive that depends on nothing but names, bytes and who may execute.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Read, Write},
    os::unix::{ffi::OsStrExt, fs::PermissionsExt},
    path::{Path, PathBuf},
};

use tar::{Builder, EntryType, Header};
use walkdir::WalkDir;

use crate::support::{SOURCE_DATE_EPOCH, Sum};

/// Writes everything below `root` into a GNU tar archive: members relative to it, their parents among them, sorted by the
/// bytes of their paths; owned by root, of one time, with the modes 755 and 644; links stay links.
/// Gives the MD5 sums of its files, as lines of `md5sums` (deb(5)).
///
/// # Errors
/// When anything cannot be read or written, or is neither file, directory nor symbolic link.
pub(in crate::python) fn write(root: &Path, archive: &Path) -> io::Result<String> {
    let mut paths: Vec<PathBuf> = Vec::new();
    for entry in WalkDir::new(root).min_depth(1) {
        let entry = entry.map_err(io::Error::other)?;
        paths.push(entry.path().strip_prefix(root).map_err(io::Error::other)?.to_owned());
    }
    paths.sort_by(|a, b| a.as_os_str().as_bytes().cmp(b.as_os_str().as_bytes()));
    let mut tar = Builder::new(BufWriter::new(File::create(archive)?));
    let mut sums = String::new();
    for path in &paths {
        append(&mut tar, root, path, &mut sums).map_err(|error| {
            io::Error::new(error.kind(), format!("`{}`: {error}", Path::new("/").join(path).display()))
        })?;
    }
    tar.into_inner()?.flush()?;
    Ok(sums)
}

fn append(tar: &mut Builder<impl Write>, root: &Path, path: &Path, sums: &mut String) -> io::Result<()> {
    let file = root.join(path);
    let metadata = fs::symlink_metadata(&file)?;
    let mut header = Header::new_gnu();
    header.set_mtime(SOURCE_DATE_EPOCH);
    header.set_uid(0);
    header.set_gid(0);
    header.set_username("root")?;
    header.set_groupname("root")?;
    header.set_size(0);
    let kind = metadata.file_type();
    if kind.is_dir() {
        header.set_entry_type(EntryType::Directory);
        header.set_mode(0o755);
        tar.append_data(&mut header, path.join(""), io::empty())
    } else if kind.is_symlink() {
        header.set_entry_type(EntryType::Symlink);
        header.set_mode(0o777);
        tar.append_link(&mut header, path, fs::read_link(&file)?)
    } else if kind.is_file() {
        header.set_mode(if metadata.permissions().mode() & 0o100 == 0 { 0o644 } else { 0o755 });
        header.set_size(metadata.len());
        let mut content = Summed { file: File::open(&file)?, sum: Sum::default() };
        tar.append_data(&mut header, path, &mut content)?;
        let path = path.to_str().ok_or_else(|| io::Error::other("its name is not UTF-8"))?;
        *sums += &format!("{}  {path}\n", content.sum.finish());
        Ok(())
    } else {
        Err(io::Error::other("it is neither a file nor a directory nor a symbolic link"))
    }
}

/// A file that is summed while it is read.
struct Summed {
    file: File,
    sum: Sum,
}

impl Read for Summed {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.file.read(buffer)?;
        self.sum.update(&buffer[..n]);
        Ok(n)
    }
}

#[cfg(test)]
mod tests {
    use std::{
        os::unix::{fs::symlink, net::UnixListener},
        time::{Duration, SystemTime},
    };

    use super::*;
    use crate::support::trees::tree;

    #[test]
    fn the_archive_depends_on_nothing_of_this_machine() -> Result<(), Box<dyn std::error::Error>> {
        let long = format!("opt/shop/{}/x", "d".repeat(120));
        let files = [("opt/shop/a/b", "1"), ("opt/shop/a-b", "2"), ("opt/shop/bin/run", "#!"), (long.as_str(), "3")];
        let (mut archives, mut sums) = (Vec::new(), Vec::new());
        for (mode, executable, time) in [(0o600, 0o700, 1), (0o664, 0o775, 1_000_000)] {
            let directory = tree(&files);
            let run = directory.path().join("opt/shop/bin/run");
            fs::set_permissions(directory.path().join("opt/shop/a-b"), fs::Permissions::from_mode(mode))?;
            fs::set_permissions(&run, fs::Permissions::from_mode(executable))?;
            File::open(&run)?.set_modified(SystemTime::UNIX_EPOCH + Duration::from_secs(time))?;
            symlink("run", directory.path().join("opt/shop/bin/link"))?;
            let place = tempfile::tempdir()?;
            let archive = place.path().join("tree.tar");
            sums.push(write(directory.path(), &archive)?);
            archives.push(fs::read(archive)?);
        }
        assert!(archives[0] == archives[1], "two archives of the same files differ");
        assert_eq!(sums[0], sums[1]);
        let lines: Vec<&str> = sums[0].lines().collect();
        assert_eq!(lines.len(), 4, "{lines:?}");
        assert_eq!(lines[1], "c4ca4238a0b923820dcc509a6f75849b  opt/shop/a/b");
        assert!(lines[3].ends_with(&format!("  {long}")), "{lines:?}");
        let mut listed = Vec::new();
        for entry in tar::Archive::new(&archives[0][..]).entries()? {
            let entry = entry?;
            let header = entry.header();
            assert_eq!((header.uid()?, header.gid()?, header.mtime()?), (0, 0, SOURCE_DATE_EPOCH));
            assert_eq!((header.username()?, header.groupname()?), (Some("root"), Some("root")));
            let link = entry.link_name()?.map(|link| format!(" -> {}", link.display())).unwrap_or_default();
            listed.push(format!("{:o} {}{link}", header.mode()?, String::from_utf8_lossy(&entry.path_bytes())));
        }
        let directory = "d".repeat(120);
        assert_eq!(
            listed,
            [
                "755 opt/".to_owned(),
                "755 opt/shop/".to_owned(),
                "755 opt/shop/a/".to_owned(),
                "644 opt/shop/a-b".to_owned(),
                "644 opt/shop/a/b".to_owned(),
                "755 opt/shop/bin/".to_owned(),
                "777 opt/shop/bin/link -> run".to_owned(),
                "755 opt/shop/bin/run".to_owned(),
                format!("755 opt/shop/{directory}/"),
                format!("644 opt/shop/{directory}/x"),
            ]
        );
        Ok(())
    }

    #[test]
    fn a_socket_is_not_shipped() -> io::Result<()> {
        let directory = tree(&[("opt/a", "")]);
        let _listener = UnixListener::bind(directory.path().join("opt/socket"))?;
        let place = tempfile::tempdir()?;
        let error = write(directory.path(), &place.path().join("tree.tar")).expect_err("a socket");
        assert_eq!(error.to_string(), "`/opt/socket`: it is neither a file nor a directory nor a symbolic link");
        Ok(())
    }
}
