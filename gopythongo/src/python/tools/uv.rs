//! uv: which one is used, and how.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use crate::python::{defaults, installer::Installation, tools::tool_cache::identity};
use crate::{
    context::Interpreter,
    index::{Upstream, UpstreamFile},
    run::{Failure, Work, process::Command},
    support::{Durability, FileLock, write_atomic},
    version::Version,
};

/// The first version that has every option used here.
const OLDEST: &str = "0.7.0";

pub(in crate::python) fn venv(uv: &Path, python: &Interpreter, directory: &Path) -> Command {
    Command::new(uv)
        .args(["venv", "--no-config", "--no-project", "--quiet", "--python"])
        .arg(&python.path)
        .arg(directory)
}

pub(in crate::python) fn install(uv: &Path, target: &Path, installation: &Installation) -> Command {
    let command = Command::new(uv)
        .args(["pip", "install", "--no-config", "--no-progress", "--python"])
        .arg(target)
        .args(["--default-index", &installation.index]);
    // what is seen elsewhere than it is cannot be linked to
    let linking: &[&str] = if installation.under.is_empty() { &[] } else { &["--link-mode", "copy"] };
    installation.arguments(command.args(linking.iter().copied()))
}

/// uv on `PATH`, if it is new enough; the answer is remembered in the tool cache for as long as the file stays the same.
pub(in crate::python) fn on_path(work: &mut Work<'_>, path: &std::ffi::OsStr, cache: &Path) -> Option<PathBuf> {
    let program = which::which_in("uv", Some(path), "/").ok()?;
    let question = identity(&program.canonicalize().ok()?)?;
    let file = cache.join("uv/on-path");
    let known = fs::read_to_string(&file).unwrap_or_default();
    let version = match known.split_once('\n') {
        Some((asked, version)) if asked == question => version.to_owned(),
        _ => {
            let answer = work.capture(&Command::new(&program).arg("--version")).ok()?;
            let version = answer.split_whitespace().nth(1)?.to_owned();
            let _ = write_atomic(&file, format!("{question}\n{version}").as_bytes(), Durability::Cached);
            version
        }
    };
    if version.parse::<Version>().ok()? < OLDEST.parse().ok()? {
        work.say(&format!("`{}` is uv {version}, and {OLDEST} is needed: it is not used", program.display()));
        return None;
    }
    Some(program)
}

/// uv in the tool cache, fetched from the upstream index if it is missing.
pub(in crate::python) fn fetched(work: &mut Work<'_>, cache: &Path) -> Result<PathBuf, Failure> {
    let version = defaults::version("uv").unwrap_or_default();
    let directory = cache.join("uv").join(version);
    let program = directory.join("uv");
    if program.exists() {
        return Ok(program);
    }
    let lock = directory.with_extension("lock");
    let _lock = FileLock::wait(&lock).map_err(Failure::io("cannot lock", &lock))?;
    if program.exists() {
        return Ok(program);
    }
    let upstream = work.service::<Upstream>()?;
    let lacking = |error: crate::index::UpstreamError| {
        let failure = match error.is_passing {
            true => Failure::infrastructure(error.message),
            false => Failure::lacking(error.message),
        };
        error.hint.into_iter().fold(failure, Failure::hint)
    };
    let files = upstream.files("uv").map_err(lacking)?;
    let prefix = format!("uv-{version}-py3-none-");
    let file = best(&files, &prefix, &Machine::here())
        .ok_or_else(|| Failure::lacking(format!("the index offers no uv {version} for this machine")))?;
    work.say(&format!("fetching `{}`", file.file));
    let wheel = upstream.download(file).map_err(lacking)?;
    unpack(&wheel, version, &program).map_err(Failure::io("cannot unpack", &wheel))?;
    Ok(program)
}

/// What of this machine the platform tag of a wheel must fit.
struct Machine {
    arch: &'static str,
    system: &'static str,
    glibc: bool,
}

impl Machine {
    fn here() -> Self {
        let loaders = ["/lib64/ld-linux-x86-64.so.2", "/lib/ld-linux-aarch64.so.1", "/lib/ld-linux-armhf.so.3"];
        Self {
            arch: std::env::consts::ARCH,
            system: std::env::consts::OS,
            glibc: loaders.iter().any(|loader| Path::new(loader).exists()),
        }
    }

    /// How well a platform tag (PEP 425, 600, 656) fits: 0 for not at all. The static musl build of uv runs everywhere.
    fn fits(&self, tag: &str) -> u8 {
        let arch = match (self.system, self.arch) {
            ("macos", "aarch64") => "arm64",
            (_, arch) => arch,
        };
        if !tag.ends_with(arch) {
            return 0;
        }
        match self.system {
            "macos" if tag.starts_with("macosx_") => 1,
            "linux" if tag.starts_with("manylinux") && self.glibc => 2,
            "linux" if tag.starts_with("musllinux_") => 1,
            _ => 0,
        }
    }
}

fn best<'a>(files: &'a [UpstreamFile], prefix: &str, machine: &Machine) -> Option<&'a UpstreamFile> {
    let fit = |file: &UpstreamFile| {
        let tags = file.file.strip_prefix(prefix).and_then(|rest| rest.strip_suffix(".whl"));
        tags.map_or(0, |tags| tags.split('.').map(|tag| machine.fits(tag)).max().unwrap_or_default())
    };
    files
        .iter()
        .map(|file| (fit(file), file))
        .filter(|(fit, _)| *fit > 0)
        .max_by_key(|(fit, _)| *fit)
        .map(|(_, file)| file)
}

/// Takes the program out of uv's wheel (PEP 427: `.data/scripts`).
fn unpack(wheel: &Path, version: &str, program: &Path) -> io::Result<()> {
    let mut archive = zip::ZipArchive::new(fs::File::open(wheel)?)?;
    let mut member = archive.by_name(&format!("uv-{version}.data/scripts/uv"))?;
    let directory = program.parent().ok_or_else(|| io::Error::other("a path without a directory"))?;
    fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    io::copy(&mut member, &mut file)?;
    file.as_file().set_permissions(fs::Permissions::from_mode(0o755))?;
    file.persist(program)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chosen(machine: &Machine) -> Option<String> {
        let tags = [
            "macosx_10_12_x86_64",
            "macosx_11_0_arm64",
            "manylinux_2_17_aarch64.manylinux2014_aarch64",
            "manylinux_2_17_x86_64.manylinux2014_x86_64",
            "musllinux_1_1_x86_64",
            "win_amd64",
        ];
        let file = |tags: &&str| UpstreamFile::new(format!("uv-1.0-py3-none-{tags}.whl"), "");
        let files: Vec<UpstreamFile> = tags.iter().map(file).collect();
        best(&files, "uv-1.0-py3-none-", machine).map(|file| file.file.clone())
    }

    #[test]
    fn the_wheel_of_uv_fits_the_machine() {
        let name = |machine| chosen(&machine).unwrap_or_default();
        assert!(name(Machine { arch: "x86_64", system: "linux", glibc: true }).contains("manylinux_2_17_x86_64"));
        assert!(name(Machine { arch: "x86_64", system: "linux", glibc: false }).contains("musllinux_1_1_x86_64"));
        assert!(name(Machine { arch: "aarch64", system: "macos", glibc: false }).contains("arm64"));
        assert_eq!(chosen(&Machine { arch: "riscv64", system: "linux", glibc: true }), None);
    }
}
