//! The step: what it reads, what decides its outcome, what it leaves.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::{
    Deb,
    archive::{Contents, Rest, assemble},
    compressor::Compressor,
    members::{Files, members},
    package::Package,
    tree::Tree,
};
use crate::{
    context::{Kinds, SourceTree},
    event::Event,
    package::Directory,
    run::{Failure, FailureKind, Inputs, Key, Outcome, Step, Work},
    store::{DebRelease, Store},
    support::Digest,
    version::DebianVersion,
};

impl Step for Deb {
    const KIND: &'static str = "deb";
    const VERSION: u32 = 1;

    fn default_kinds(&self) -> Kinds {
        Kinds::SHARED
    }

    fn inputs(&self) -> Inputs {
        Inputs::none().artifact("virtualenv")
    }

    fn outputs(&self) -> Vec<String> {
        vec!["deb".to_owned(), "control".to_owned()]
    }

    fn key(&self, key: &mut Key<'_>) -> Result<(), Failure> {
        key.declared(&self.inputs())?;
        if !self.files().is_empty() {
            let tree = key.tree()?;
            for file in self.files() {
                let found = digest_of(&tree, file).map(|digest| digest.to_string());
                key.part(format!("`{}`", file.display()), found.unwrap_or_else(|| "none".to_owned()));
            }
        }
        key.part("compression", Compressor::find(self.gzip).identity()?);
        // it decides which release's bytes are used again
        let channel = key.context().channel.clone();
        key.part("channel", channel);
        Ok(())
    }

    /// What is known was given its version in an earlier run. Meanwhile the same may have become public under another one, or
    /// a later version, below which apt would not look.
    fn recall(&self, work: &mut Work<'_>, outcome: &Outcome, _run: &str) -> Result<(), Failure> {
        let fact = |name: &str| outcome.facts.get(name).map(String::as_str).unwrap_or_default();
        let Ok(known) = fact("version").parse::<DebianVersion>() else {
            return Err(Failure::of(FailureKind::Stale, "its version cannot be read"));
        };
        let (store, channel) = (work.service::<Store>()?, work.context().channel.clone());
        let current = store.current()?;
        let Some(newest) = current.newest_deb(&channel, fact("name")) else { return Ok(()) };
        if newest.version == fact("version") {
            return Ok(());
        }
        if newest.payload.to_string() == fact("payload") {
            let message = format!("the same is in {channel} as {}", newest.version);
            return Err(Failure::of(FailureKind::Stale, message));
        }
        match newest.version.parse::<DebianVersion>() {
            Ok(newest) if newest > known => {
                let message = format!("{channel} has {newest} by now, which is later than {known}");
                Err(Failure::of(FailureKind::Stale, message))
            }
            _ => Ok(()),
        }
    }

    fn run(&self, work: &mut Work<'_>) -> Result<(), Failure> {
        let package = self.of_outcome(work)?;
        let (path, tree_digest) = left(work, "tree")?;
        let (sums, _) = left(work, "sums")?;
        let tree_sums = fs::read_to_string(&sums).map_err(Failure::io("cannot read", &sums))?;
        let files = self.read(work)?;
        let file = File::open(&path).map_err(Failure::io("cannot read", &path))?;
        let tree = Tree::look(file, package.root()).map_err(Failure::io("cannot pack", &path))?;
        let contents =
            Contents { package: &package, tree: &tree, tree_digest, tree_sums, members: members(&package, &files) };
        let (beside, payload) = contents.begin().map_err(Failure::io("cannot pack", &path))?;
        work.fact("name", &package.name);
        work.fact("payload", payload);
        work.fact("path", &package.path);
        let (store, context) = (work.service::<Store>()?, work.context());
        let allocated = store.allocate_deb(
            work.run_id(),
            &package.name,
            &package.upstream,
            &payload,
            &context.channel,
            context.commit.as_deref(),
        )?;
        if let Some(release) = allocated.existing {
            return reuse(work, &store, &release);
        }
        let version: DebianVersion = allocated.version.parse().map_err(|error| Failure::new(format!("{error}")))?;
        let rest = contents.finish(beside, &version).map_err(Failure::io("cannot pack", &path))?;
        self.pack(work, &contents, &version, &rest)
    }
}

impl Deb {
    /// Files of the source that go into the package.
    fn files(&self) -> Vec<&Path> {
        self.configuration.iter().map(|file| file.source.as_path()).chain(self.copyright.as_deref()).collect()
    }

    /// The package of the virtual environment that the job has built.
    fn of_outcome(&self, work: &Work<'_>) -> Result<Package, Failure> {
        let job = &work.step().job;
        if let Some(refusal) = self.mistakes(job).into_iter().next() {
            let failure = Failure::new(refusal.message);
            return Err(refusal.hint.into_iter().fold(failure, Failure::hint));
        }
        let outcome = work.outcome("virtualenv").ok_or_else(|| {
            Failure::refused(format!("`{}` has nothing to pack: the job builds no virtual environment", work.step().id))
                .hint("declare `.virtualenv(\"/opt/shop\")` in the same job")
        })?;
        let fact = |name: &str| {
            let fact = outcome.facts.get(name).cloned();
            fact.ok_or_else(|| Failure::new(format!("`{job}/virtualenv` did not say its {name}")))
        };
        let relations = outcome.facts.get("depends").map(String::as_str).unwrap_or_default();
        let (name, version) = (self.package_name(job), fact("version")?);
        let path = fact("path")?;
        crate::package::check_path(&path).map_err(|refusal| Failure::new(refusal.message))?;
        let below = |directory: &&Directory| Path::new(&directory.path).starts_with(&path);
        if let Some(directory) = self.directories.iter().find(below) {
            let message = format!("`{}` is in the tree of the package, which nobody writes to", directory.path);
            let hint =
                format!("declare it elsewhere, and a link to it: `.link(\"{}\", \"/var/lib/{name}\")`", directory.path);
            return Err(Failure::new(message).hint(hint));
        }
        Ok(Package {
            user: self.user_name(&name),
            name,
            path,
            application: fact("name")?,
            upstream: version.parse().map_err(|error| {
                Failure::new(format!("`{job}/virtualenv` says that its version is `{version}`: {error}"))
            })?,
            architecture: fact("architecture")?,
            relations: relations.split(',').map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned).collect(),
            declared: self.clone(),
        })
    }

    /// Leaves a new package.
    fn pack(
        &self,
        work: &mut Work<'_>,
        contents: &Contents<'_>,
        version: &DebianVersion,
        rest: &Rest,
    ) -> Result<(), Failure> {
        let compressor = Compressor::find(self.gzip);
        if compressor == Compressor::Gzip && !self.gzip {
            let message =
                format!("`{}` compresses with gzip, which takes longer: `zstd` is not on PATH", work.step().id);
            work.emit(Event::Warning { message });
        }
        let package = contents.package;
        let file = format!("{}_{}_{}.deb", package.name, version.file_part(), package.architecture);
        let (data, path) = (work.scratch().join("data.tar"), work.output("deb", &file)?);
        let described = contents.control_archive(version, rest).map_err(Failure::io("cannot pack", &path))?;
        compressor.compress(work, contents.tree, &rest.data, &data)?;
        assemble(&described, &data, compressor.extension(), &path).map_err(Failure::io("cannot write", &path))?;
        control(work, &contents.paragraph(version, rest))?;
        work.fact("version", version);
        work.fact("architecture", &package.architecture);
        let size = fs::metadata(&path).map_err(Failure::io("cannot read", &path))?.len();
        work.summary(format!("{file}, {}", megabytes(size)));
        Ok(())
    }

    fn read(&self, work: &Work<'_>) -> Result<Files, Failure> {
        if self.files().is_empty() {
            return Ok(Files::default());
        }
        let (source, tree) = (work.source(), work.tree()?);
        let read = |file: &Path| {
            if digest_of(&tree, file).is_none() {
                let message = format!("`{}` is not a file of the source `{}`", file.display(), source.display());
                return Err(Failure::new(message).hint("the source is what git tracks or would track there"));
            }
            let path = source.join(file);
            fs::read(&path).map_err(Failure::io("cannot read", &path))
        };
        let configuration = self.configuration.iter().map(|file| Ok((file.path.clone(), read(&file.source)?)));
        Ok(Files {
            configuration: configuration.collect::<Result<_, Failure>>()?,
            copyright: self.copyright.as_deref().map(read).transpose()?,
        })
    }
}

fn digest_of(tree: &SourceTree, file: &Path) -> Option<Digest> {
    let plain: PathBuf = file.components().filter(|part| *part != std::path::Component::CurDir).collect();
    tree.files.iter().find(|found| found.path == plain).map(|found| found.digest)
}

/// What the virtual environment's step left, as it lies in the cache: its `tree`, or the `sums` of its files.
fn left(work: &Work<'_>, name: &str) -> Result<(PathBuf, Digest), Failure> {
    let artifact = work.outcome("virtualenv").and_then(|outcome| outcome.artifacts.get(name));
    let artifact =
        artifact.ok_or_else(|| Failure::refused(format!("`{}/virtualenv` left no {name}", work.step().job)))?;
    Ok((work.blob(&artifact.digest), artifact.digest))
}

/// Leaves a release whose bytes are used again.
fn reuse(work: &mut Work<'_>, store: &Store, release: &DebRelease) -> Result<(), Failure> {
    let (blob, path) = (store.blobs().path(&release.digest), work.output("deb", &release.file)?);
    fs::copy(&blob, &path).map_err(Failure::io("cannot copy", &blob))?;
    control(work, &release.control)?;
    work.fact("version", &release.version);
    work.fact("architecture", &release.architecture);
    work.fact("reused", "true");
    work.summary(format!("same as {}, whose bytes are used again", release.version));
    Ok(())
}

fn control(work: &Work<'_>, paragraph: &str) -> Result<(), Failure> {
    let path = work.output("control", "control")?;
    let written: io::Result<()> = fs::write(&path, format!("{}\n", paragraph.trim_end()));
    written.map_err(Failure::io("cannot write", &path))
}

fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{}.{} MB", bytes / 1_000_000, bytes % 1_000_000 / 100_000),
    }
}
