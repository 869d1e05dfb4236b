//! The file: a tree, the files beside it, and what describes them.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

use super::{
    ar, changelog, control,
    members::Member,
    package::{MASK, Package},
    scripts,
    tree::Tree,
};
use crate::{
    support::{Digest, Hasher, SOURCE_DATE_EPOCH, Sum},
    version::DebianVersion,
};

/// What is packed.
pub(super) struct Contents<'a> {
    pub(super) package: &'a Package,
    pub(super) tree: &'a Tree,
    pub(super) tree_digest: Digest,
    /// Lines of `md5sums` for the files of the tree.
    pub(super) tree_sums: String,
    /// The files beside it, without the changelog.
    pub(super) members: Vec<Member>,
}

/// What follows the tree in the data of a package, and describes all of them.
pub(super) struct Rest {
    /// The end of the tar archive.
    pub(super) data: Vec<u8>,
    sums: String,
    kibibytes: u64,
}

impl Contents<'_> {
    /// The files beside the tree, and the digest of everything but the package's version.
    ///
    /// # Errors
    /// When a file is where the tree has a directory.
    pub(super) fn begin(&self) -> io::Result<(Files, Digest)> {
        let mut files = Files::new(self.tree);
        for member in &self.members {
            files.add(member)?;
        }
        let masked = changelog::changelog(self.package, MASK);
        files.kibibytes += files.directories_for(&self.changelog(false)) + (masked.len() as u64).div_ceil(1024);
        let payload = self.payload(files.kibibytes);
        Ok((files, payload))
    }

    /// The same with the changelog, which names the version.
    ///
    /// # Errors
    /// When the changelog is where the tree has a directory.
    pub(super) fn finish(&self, mut files: Files, version: &DebianVersion) -> io::Result<Rest> {
        let kibibytes = files.kibibytes;
        let content = changelog::compressed(&changelog::changelog(self.package, &version.to_string()))?;
        files.add(&Member::new(self.changelog(version.revision().is_some()), content))?;
        Ok(Rest { data: files.builder.into_inner()?, sums: files.sums, kibibytes })
    }

    /// The digest of everything but the package's version. The digest of the tree stands for its members: the same ones are
    /// the same archive.
    fn payload(&self, kibibytes: u64) -> Digest {
        let mut hasher = Hasher::new();
        hasher.part("deb 1").part(self.tree_digest.bytes());
        for member in &self.members {
            member.identify(&mut hasher);
        }
        Member::new("changelog", changelog::changelog(self.package, MASK)).identify(&mut hasher);
        for member in self.described(MASK, kibibytes) {
            member.identify(&mut hasher);
        }
        hasher.finish()
    }

    /// A package with a revision has a changelog of the distribution beside that of its author (Policy 12.7).
    fn changelog(&self, has_revision: bool) -> String {
        let file = if has_revision { "changelog.Debian.gz" } else { "changelog.gz" };
        format!("usr/share/doc/{}/{file}", self.package.name)
    }

    /// The control file, the list of configuration files and the scripts.
    fn described(&self, version: &str, kibibytes: u64) -> Vec<Member> {
        let mut members = vec![Member::new("control", control::control(self.package, version, kibibytes))];
        let configuration = &self.package.declared.configuration;
        if !configuration.is_empty() {
            let lines: String = configuration.iter().map(|file| format!("{}\n", file.path)).collect();
            members.push(Member::new("conffiles", lines));
        }
        members.extend(
            scripts::scripts(self.package)
                .into_iter()
                .map(|(name, text)| Member { mode: 0o755, ..Member::new(name, text) }),
        );
        members
    }

    /// The control paragraph.
    pub(super) fn paragraph(&self, version: &DebianVersion, rest: &Rest) -> String {
        control::control(self.package, &version.to_string(), rest.kibibytes)
    }

    /// `control.tar.gz`: so small that every tool's own compression is good enough.
    ///
    /// # Errors
    /// When a name is longer than an archive takes.
    pub(super) fn control_archive(&self, version: &DebianVersion, rest: &Rest) -> io::Result<Vec<u8>> {
        let mut members = self.described(&version.to_string(), rest.kibibytes);
        members.push(Member::new("md5sums", [self.tree_sums.as_str(), &rest.sums].concat()));
        members.sort_by(|a, b| (a.path != "control", &a.path).cmp(&(b.path != "control", &b.path)));
        let encoder = flate2::GzBuilder::new().mtime(0).write(Vec::new(), flate2::Compression::default());
        let mut builder = tar::Builder::new(encoder);
        builder.append_data(&mut header(tar::EntryType::Directory, 0o755, 0), "./", io::empty())?;
        for member in &members {
            let mut header = header(tar::EntryType::Regular, member.mode, member.content.len() as u64);
            builder.append_data(&mut header, &member.path, &member.content[..])?;
        }
        builder.into_inner()?.finish()
    }
}

/// Writes the package: what describes its data, and the data, compressed.
///
/// # Errors
/// When the data cannot be read or the package not written.
pub(super) fn assemble(control: &[u8], data: &Path, extension: &str, target: &Path) -> io::Result<()> {
    let mut archive = BufWriter::new(File::create(target)?);
    ar::begin(&mut archive)?;
    ar::member(&mut archive, "debian-binary", 4, &b"2.0\n"[..])?;
    ar::member(&mut archive, "control.tar.gz", control.len() as u64, control)?;
    let file = File::open(data)?;
    let size = file.metadata()?.len();
    ar::member(&mut archive, &format!("data.tar.{extension}"), size, file)?;
    archive.flush()
}

/// The end of a data archive: files beside a tree.
pub(super) struct Files {
    builder: tar::Builder<Vec<u8>>,
    directories: BTreeSet<String>,
    sums: String,
    kibibytes: u64,
}

impl Files {
    fn new(tree: &Tree) -> Self {
        let (builder, directories) = (tar::Builder::new(Vec::new()), tree.directories.clone());
        Self { builder, directories, sums: String::new(), kibibytes: tree.kibibytes }
    }

    /// Adds a file, and the directories on the way to it that are not there yet.
    fn add(&mut self, member: &Member) -> io::Result<()> {
        for directory in missing(&self.directories, &member.path) {
            let mut header = header(tar::EntryType::Directory, 0o755, 0);
            self.builder.append_data(&mut header, format!("{directory}/"), io::empty())?;
            self.directories.insert(directory);
            self.kibibytes += 1;
        }
        if self.directories.contains(&member.path) {
            return Err(io::Error::other(format!("`/{}` is a directory of the tree already", member.path)));
        }
        if let Some(to) = &member.link {
            self.kibibytes += 1;
            let mut header = header(tar::EntryType::Symlink, member.mode, 0);
            return self.builder.append_link(&mut header, &member.path, to);
        }
        let size = member.content.len() as u64;
        self.builder.append_data(
            &mut header(tar::EntryType::Regular, member.mode, size),
            &member.path,
            &member.content[..],
        )?;
        self.kibibytes += size.div_ceil(1024);
        let mut sum = Sum::default();
        sum.update(&member.content);
        // what an administrator may change is not compared
        if !member.path.starts_with("etc/") {
            self.sums += &format!("{}  {}\n", sum.finish(), member.path);
        }
        Ok(())
    }

    /// How many directories a file would add.
    fn directories_for(&self, path: &str) -> u64 {
        missing(&self.directories, path).len() as u64
    }
}

/// The directories on the way to a path that are not among those that are there, outermost first.
fn missing(there: &BTreeSet<String>, path: &str) -> Vec<String> {
    let ends = path.match_indices('/').map(|(end, _)| path[..end].to_owned());
    ends.filter(|directory| !there.contains(directory)).collect()
}

fn header(kind: tar::EntryType, mode: u32, size: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(SOURCE_DATE_EPOCH);
    header.set_uid(0);
    header.set_gid(0);
    // a name of a user cannot be too long here
    let _ = header.set_username("root").and_then(|()| header.set_groupname("root"));
    header
}
