//! A throw-away Debian: a writable layer over the base, removed when it is dropped.

use std::{
    ffi::OsStr,
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use tempfile::TempDir;

use crate::{Booted, Outcome, debian_base};

/// Mounts the layer over the base and what programs expect, in a mount namespace of its own: nothing of it is seen by the
/// host, nothing has to be unmounted. `$1` is the layer's place, `$2` the base, `$3` and `$4` name pairs of directories,
/// one a line, that are seen inside.
const MOUNT: &str = r#"set -e
root=$1/root
mount -t overlay overlay -o "lowerdir=$2,upperdir=$1/upper,workdir=$1/work" "$root"
cp /etc/resolv.conf /etc/hosts "$root/etc/"
while IFS="	" read -r from at; do
    mkdir -p "$root$at"
    mount --bind "$from" "$root$at"
done < "$1/binds"
"#;

/// Runs a program in it; the network is the host's.
const RUN: &str = r#"mount -t proc proc "$root/proc"
mount --rbind /dev "$root/dev"
mount -t tmpfs tmpfs "$root/run"
shift 2
exec chroot "$root" "$@"
"#;

/// Boots it.
pub(crate) const BOOT: &str = r#"exec systemd-nspawn --quiet --register=no --keep-unit --boot --directory "$root" "#;

/// A Debian of its own.
#[derive(Debug)]
pub struct Debian {
    place: TempDir,
    binds: Vec<(PathBuf, PathBuf)>,
}

impl Debian {
    /// A fresh one.
    ///
    /// # Panics
    /// When there is no base and none can be made.
    #[must_use]
    pub fn new() -> Self {
        let _ = debian_base::directory();
        let place = tempfile::tempdir().expect("a temporary directory");
        for directory in ["upper", "work", "root"] {
            fs::create_dir(place.path().join(directory)).expect("a directory");
        }
        Self { place, binds: Vec::new() }
    }

    /// A directory of the host that is seen inside, at another path or the same.
    #[must_use]
    pub fn bind(mut self, from: &Path, at: &Path) -> Self {
        self.binds.push((from.to_owned(), at.to_owned()));
        self
    }

    /// Writes a file in it, with the directories above.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, path: &str, text: impl AsRef<[u8]>) {
        let target = self.upper(path);
        fs::create_dir_all(target.parent().expect("a directory")).expect("a directory can be made");
        fs::write(target, text).expect("a file can be written");
    }

    /// Where a file lies that was written in it, and that the base does not have.
    #[must_use]
    pub fn upper(&self, path: &str) -> PathBuf {
        self.place.path().join("upper").join(path.trim_start_matches('/'))
    }

    /// A program in it, not yet started: found on the usual `PATH`, with nothing but that and `LC_ALL` in its environment.
    /// One at a time.
    #[must_use]
    pub fn command<A: AsRef<OsStr>>(&self, argv: &[A]) -> Command {
        let mut command = self.script(RUN);
        command.args(argv);
        command
    }

    /// Runs a program in it to its end.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn run<A: AsRef<OsStr>>(&self, argv: &[A]) -> Outcome {
        Outcome::of(&self.command(argv).output().expect("it starts"))
    }

    /// Runs apt in it, without questions.
    #[must_use]
    pub fn apt(&self, arguments: &[&str]) -> Outcome {
        let argv = ["apt-get", "--quiet", "--yes", "--no-install-recommends", "--option", "APT::Color=0"];
        self.run(&[&argv, arguments].concat())
    }

    /// Boots it: systemd is its first process.
    ///
    /// # Panics
    /// When systemd is not up within a minute.
    #[must_use]
    pub fn boot(&self) -> Booted {
        Booted::start(self.script(BOOT))
    }

    fn script(&self, end: &str) -> Command {
        let binds: Vec<String> =
            self.binds.iter().map(|(from, at)| format!("{}\t{}\n", from.display(), at.display())).collect();
        fs::write(self.place.path().join("binds"), binds.concat()).expect("a file can be written");
        let mut command = Command::new("unshare");
        command.args(["--mount", "--pid", "--ipc", "--uts", "--fork", "--kill-child", "--propagation", "private"]);
        command.args(["sh", "-c", &[MOUNT, end].concat(), "sh"]).arg(self.place.path()).arg(debian_base::directory());
        command.env_clear().env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin");
        command.env("LC_ALL", "C.UTF-8").env("DEBIAN_FRONTEND", "noninteractive").stdin(Stdio::null());
        command
    }
}

impl Default for Debian {
    fn default() -> Self {
        Self::new()
    }
}
