//! The file: a tree and the files beside it, streamed once; then what describes them.

use std::{
    collections::BTreeSet,
    fs::File,
    io::{self, BufReader, BufWriter, Write},
    path::Path,
};

use super::{
    ar, changelog, control,
    members::Member,
    package::{MASK, Package},
    scripts,
    sum::Sum,
    tree,
};
use crate::{
    run::Failure,
    support::{Digest, Hasher, SOURCE_DATE_EPOCH},
    version::DebianVersion,
};

/// What is packed.
pub(super) struct Contents<'a> {
    pub(super) package: &'a Package,
    /// The tree: a tar file, and its digest.
    pub(super) tree: &'a Path,
    pub(super) tree_digest: Digest,
    /// The files beside it, without the changelog.
    pub(super) members: Vec<Member>,
}

/// What describes the data of a package.
pub(super) struct Described {
    sums: String,
    pub(super) kibibytes: u64,
}

impl Contents<'_> {
    /// Writes the data: the tree, the other files, and at last the changelog, whose version `settle` says when everything else
    /// is known. `None` from it ends the data, which nobody wants then.
    pub(super) fn write(
        &self,
        data: &mut dyn Write,
        settle: impl FnOnce(Digest) -> Result<Option<DebianVersion>, Failure>,
    ) -> Result<Option<(DebianVersion, Described)>, Failure> {
        let mut data = data;
        let cannot_pack = || Failure::io("cannot pack", self.tree);
        let file = File::open(self.tree).map_err(Failure::io("cannot read", self.tree))?;
        let passed = tree::pass(BufReader::with_capacity(1 << 20, file), self.package.root(), &mut data);
        let tree = passed.map_err(cannot_pack())?;
        let mut files = Files::new(&mut data, tree);
        for member in &self.members {
            files.add(member).map_err(cannot_pack())?;
        }
        let masked = changelog::changelog(self.package, MASK);
        let kibibytes =
            files.tree.kibibytes + files.directories_for(&self.changelog(false)) + (masked.len() as u64).div_ceil(1024);
        let Some(version) = settle(self.payload(kibibytes))? else { return Ok(None) };
        let text = changelog::changelog(self.package, &version.to_string());
        let content = changelog::compressed(&text).map_err(cannot_pack())?;
        let member = Member::new(self.changelog(version.revision().is_some()), content);
        files.add(&member).map_err(cannot_pack())?;
        let sums = files.finish().map_err(cannot_pack())?;
        Ok(Some((version, Described { sums, kibibytes })))
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

    /// Writes the package around its compressed data; gives its control paragraph.
    pub(super) fn assemble(
        &self,
        version: &DebianVersion,
        described: &Described,
        data: &Path,
        extension: &str,
        target: &Path,
    ) -> Result<String, Failure> {
        let control = self.control_archive(version, described).map_err(Failure::io("cannot pack", target))?;
        let written = || -> io::Result<()> {
            let mut archive = BufWriter::new(File::create(target)?);
            ar::begin(&mut archive)?;
            ar::member(&mut archive, "debian-binary", 4, &b"2.0\n"[..])?;
            ar::member(&mut archive, "control.tar.gz", control.len() as u64, &control[..])?;
            let file = File::open(data)?;
            let size = file.metadata()?.len();
            ar::member(&mut archive, &format!("data.tar.{extension}"), size, file)?;
            archive.flush()
        };
        written().map_err(Failure::io("cannot write", target))?;
        Ok(control::control(self.package, &version.to_string(), described.kibibytes))
    }

    /// `control.tar.gz`: so small that every tool's own compression is good enough.
    fn control_archive(&self, version: &DebianVersion, described: &Described) -> io::Result<Vec<u8>> {
        let mut members = self.described(&version.to_string(), described.kibibytes);
        members.push(Member::new("md5sums", described.sums.clone()));
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

/// The end of a data archive: files beside a tree that has passed.
struct Files<'a, W: Write> {
    builder: tar::Builder<&'a mut W>,
    tree: tree::Tree,
}

impl<'a, W: Write> Files<'a, W> {
    fn new(data: &'a mut W, tree: tree::Tree) -> Self {
        Self { builder: tar::Builder::new(data), tree }
    }

    /// Adds a file, and the directories on the way to it that are not there yet.
    fn add(&mut self, member: &Member) -> io::Result<()> {
        for directory in missing(&self.tree.directories, &member.path) {
            let mut header = header(tar::EntryType::Directory, 0o755, 0);
            self.builder.append_data(&mut header, format!("{directory}/"), io::empty())?;
            self.tree.directories.insert(directory);
            self.tree.kibibytes += 1;
        }
        if self.tree.directories.contains(&member.path) {
            return Err(io::Error::other(format!("`/{}` is a directory of the tree already", member.path)));
        }
        if let Some(to) = &member.link {
            self.tree.kibibytes += 1;
            let mut header = header(tar::EntryType::Symlink, member.mode, 0);
            return self.builder.append_link(&mut header, &member.path, to);
        }
        let size = member.content.len() as u64;
        self.builder.append_data(
            &mut header(tar::EntryType::Regular, member.mode, size),
            &member.path,
            &member.content[..],
        )?;
        self.tree.kibibytes += size.div_ceil(1024);
        let mut sum = Sum::default();
        sum.update(&member.content);
        // what an administrator may change is not compared
        if !member.path.starts_with("etc/") {
            self.tree.sums += &format!("{}  {}\n", sum.finish(), member.path);
        }
        Ok(())
    }

    /// How many directories a file would add.
    fn directories_for(&self, path: &str) -> u64 {
        missing(&self.tree.directories, path).len() as u64
    }

    fn finish(self) -> io::Result<String> {
        self.builder.into_inner()?;
        Ok(self.tree.sums)
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
