//! Starting a supervisor: this very program, on its own.

use std::{
    fs::{self, OpenOptions},
    io::{self, BufRead, BufReader},
    net::{Ipv4Addr, TcpListener},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::mpsc,
    thread,
    time::Duration,
};

use super::{Control, Record, log::tail, supervise::Greeting};
use crate::{deploy::local::Place, run::Failure, run::process::end_leftovers};

/// How long it may take until it serves.
const PATIENCE: Duration = Duration::from_secs(20);

/// How many lines of its log an error shows.
const TAIL: usize = 10;

/// Starts the supervisor of an environment that has none, with its front on a port or on a free one.
///
/// # Errors
/// When it cannot be started, or the port is taken.
pub(in crate::deploy) fn launch(place: &Place, port: Option<u16>) -> Result<(Record, Control), Failure> {
    // What an earlier one that was killed left behind.
    end_leftovers(&place.id());
    if let Some(earlier) = Record::read(place) {
        let _ = fs::remove_dir_all(&earlier.sockets);
    }
    let log = place.log("supervisor");
    let child = spawn(place, port).map_err(|error| Failure::lacking(format!("cannot start a supervisor: {error}")))?;
    match greeting(child) {
        Some(Greeting::Serving) => {}
        Some(Greeting::PortTaken(port)) => return Err(port_taken(place, port)),
        Some(Greeting::Failed(why)) => {
            let directory = place.directory().display();
            return Err(Failure::lacking(format!("the supervisor of `{directory}` cannot begin: {why}")));
        }
        None => {
            let message = format!("the supervisor of `{}` said nothing", place.directory().display());
            return Err(Failure::lacking(message).tail(tail(&log, TAIL)));
        }
    }
    let gone = || Failure::lacking("the supervisor that was just started is gone").tail(tail(&log, TAIL));
    let record = Record::read(place).ok_or_else(gone)?;
    let control = Control::connect(&record.control()).map_err(|_| gone())?;
    Ok((record, control))
}

/// Becomes a program, without what shells before may have opened: a build server's shell that keeps a copy of its output waits
/// for everybody who holds that. Our own descriptors are closed by the kernel.
const CLOSED: &str = r#"exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&-; exec "$@""#;

/// Starts this program anew. The environment is empty but for what it needs; nothing that is open here stays open there.
fn spawn(place: &Place, port: Option<u16>) -> io::Result<Child> {
    let log = place.log("supervisor");
    fs::create_dir_all(log.parent().unwrap_or(place.directory()))?;
    let log = OpenOptions::new().append(true).create(true).open(log)?;
    // A program that was built anew while it ran is still to be had there.
    let program = std::env::current_exe().ok().filter(|program| program.exists());
    // `self` would be the shell
    let program = program.unwrap_or_else(|| PathBuf::from(format!("/proc/{}/exe", std::process::id())));
    let mut command = Command::new("/bin/sh");
    command.env_clear().args(["-c", CLOSED, "sh"]).arg(program);
    entry(&mut command, place, port);
    for name in ["HOME", "XDG_RUNTIME_DIR"] {
        if let Some(value) = std::env::var_os(name) {
            command.env(name, value);
        }
    }
    command
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        // It belongs to no step of this run, and to no run around it: this is how a search for descendants sees that.
        .env("GOPYTHONGO_STEP", place.id())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(log)
        .spawn()
}

#[cfg(not(test))]
fn entry(command: &mut Command, place: &Place, port: Option<u16>) {
    command.arg("supervise").arg(place.directory());
    if let Some(port) = port {
        command.args(["--port", &port.to_string()]);
    }
}

/// The program is that of the unit tests here: one of them is the supervisor.
#[cfg(test)]
fn entry(command: &mut Command, place: &Place, port: Option<u16>) {
    command.args(["deploy::local::tests::supervisor", "--exact", "--nocapture", "--quiet"]);
    command.env("GOPYTHONGO_TEST_SUPERVISE", place.directory());
    if let Some(port) = port {
        command.env("GOPYTHONGO_TEST_PORT", port.to_string());
    }
}

/// What it says first; `None` if it ends or hangs without a word.
fn greeting(mut child: Child) -> Option<Greeting> {
    let output = child.stdout.take()?;
    let (sender, receiver) = mpsc::channel();
    // It also waits for the supervisor, should that end before this program does.
    let spawned = thread::Builder::new().name("supervisor".to_owned()).spawn(move || {
        let lines = BufReader::new(output).lines().map_while(Result::ok);
        let greeting = lines.into_iter().find_map(|line| serde_json::from_str(&line).ok());
        let _ = sender.send(greeting);
        let _ = child.wait();
    });
    spawned.ok().and_then(|_| receiver.recv_timeout(PATIENCE).ok().flatten())
}

/// Whether a front could have a port that it does not have yet.
///
/// # Errors
/// When it is taken.
pub(in crate::deploy) fn port_is_free(place: &Place, port: u16) -> Result<(), Failure> {
    match TcpListener::bind((Ipv4Addr::LOCALHOST, port)) {
        Err(error) if error.kind() == io::ErrorKind::AddrInUse => Err(port_taken(place, port)),
        _ => Ok(()),
    }
}

fn port_taken(place: &Place, port: u16) -> Failure {
    let holder = super::holder::of(port).map(|holder| format!(" by {holder}")).unwrap_or_default();
    let file = place.port();
    Failure::lacking(format!("port {port} of 127.0.0.1, the front's, is taken{holder}")).hint(format!(
        "end that, or choose another port: `.port(N)` at the environment, or, if it declares none, remove `{}`",
        file.display()
    ))
}
