//! A program's own view of the file system: directories at other paths, in a mount namespace that ends with the program.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process,
};

use rustix::process::{getegid, geteuid};

/// Makes the mounts inside the namespace; see its first lines.
const SCRIPT: &str = include_str!("view.sh");

/// `CAP_SYS_ADMIN`, which mounting needs, as a bit of the sets in `/proc/self/status` (capabilities(7)).
const SYS_ADMIN: u64 = 1 << 21;

/// What a program sees beside the host's file system: directories or files at other absolute paths.
///
/// Nothing on the host is touched, whether the paths exist there or not; the rest of the file system is the host's own, for
/// reading and writing. Where a path does not exist, its nearest existing ancestor is seen as it was when the program
/// started: what others put into that directory later is not seen.
///
/// ```
/// use gopythongo::isolation::View;
///
/// let view = View::new().bind("/home/me/built", "/opt/shop");
/// if View::probe().is_ok() {
///     let mut words = view.command().into_iter();
///     let mut command = std::process::Command::new(words.next().unwrap_or_default());
///     command.args(words).args(["/opt/shop/bin/python", "-V"]);
/// }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[must_use]
pub struct View {
    binds: Vec<Bind>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Bind {
    from: PathBuf,
    at: PathBuf,
    writable: bool,
}

impl View {
    /// The host's file system as it is.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shows `from` at the path `at`, both absolute; what is written there is written to `from`. A later bind may lie within
    /// an earlier one, at a path that is there.
    pub fn bind(self, from: impl Into<PathBuf>, at: impl Into<PathBuf>) -> Self {
        self.with(from.into(), at.into(), true)
    }

    /// Shows `from` at the path `at`, both absolute, for reading only; file systems that are mounted below `from` stay
    /// writable.
    pub fn bind_read_only(self, from: impl Into<PathBuf>, at: impl Into<PathBuf>) -> Self {
        self.with(from.into(), at.into(), false)
    }

    fn with(mut self, from: PathBuf, at: PathBuf, writable: bool) -> Self {
        self.binds.push(Bind { from, at, writable });
        self
    }

    /// The words to put before a program and its arguments. The program becomes the very process that was started, keeps its
    /// user, directory and environment, and has no more power over the host than before. If the view cannot be made, the
    /// process ends with exit code 125 and a sentence on standard error.
    ///
    /// An ordinary user gets a user namespace (`unshare`, user_namespaces(7)) in which they have no capabilities.
    #[must_use]
    pub fn command(&self) -> Vec<OsString> {
        let user = (geteuid().as_raw(), getegid().as_raw());
        self.words(if may_mount() { None } else { Some(user) })
    }

    /// For one who may mount, or with a user namespace for this user and group.
    fn words(&self, user: Option<(u32, u32)>) -> Vec<OsString> {
        let unshare = which::which("unshare").unwrap_or_else(|_| PathBuf::from("/usr/bin/unshare"));
        let mut words = vec![unshare.into_os_string(), "--mount".into()];
        if user.is_some() {
            // mount(8) works for root only, whatever the capabilities: so this user is root until everything is mounted
            words.push("--map-root-user".into());
        }
        let identity = match user {
            None | Some((0, 0)) => "-".to_owned(),
            Some((user, group)) => format!("{user}:{group}"),
        };
        words.extend(["--", "/bin/sh", "-c", SCRIPT, "view"].map(OsString::from));
        words.push(identity.into());
        for bind in &self.binds {
            words.push(if bind.writable { "rw" } else { "ro" }.into());
            words.extend([bind.from.clone().into_os_string(), bind.at.clone().into_os_string()]);
        }
        words.push("--".into());
        words
    }

    /// Whether this machine can make views, by making one: at a path that does not exist.
    ///
    /// # Errors
    /// Why it cannot: what the kernel or a missing program said.
    pub fn probe() -> Result<(), String> {
        Self::new().bind_read_only("/usr", "/opt/.gopythongo-probe").check()
    }

    /// Whether this very view can be made, by making it.
    ///
    /// # Errors
    /// Why it cannot: what the kernel or a missing program said.
    pub fn check(&self) -> Result<(), String> {
        let words = self.command();
        let (program, arguments) = words.split_first().ok_or("there is no command")?;
        let program_name = Path::new(program).display();
        let output = process::Command::new(program)
            .args(arguments)
            .arg("true")
            .current_dir("/")
            .stdin(process::Stdio::null())
            .output()
            .map_err(|error| format!("cannot start `{program_name}`: {error}"))?;
        if output.status.success() {
            return Ok(());
        }
        let said = String::from_utf8_lossy(&output.stderr);
        let said: Vec<&str> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        Err(if said.is_empty() { format!("`{program_name}` ended with {}", output.status) } else { said.join("; ") })
    }
}

/// Whether this process may mount without a user namespace.
fn may_mount() -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let effective = status.lines().find_map(|line| line.strip_prefix("CapEff:"));
    let effective = effective.and_then(|set| u64::from_str_radix(set.trim(), 16).ok()).unwrap_or_default();
    geteuid().is_root() && effective & SYS_ADMIN != 0
}

#[cfg(test)]
#[path = "namespace_tests.rs"]
mod tests;
