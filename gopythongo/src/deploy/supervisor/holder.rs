//! Who listens on a port of this machine.

use std::{
    fs,
    path::{Path, PathBuf},
};

use crate::support::words::shell;

/// The process that listens on a port, as `pid 7 (`python3 -m http.server`)`; `None` where the kernel does not tell.
pub(super) fn of(port: u16) -> Option<String> {
    let inodes: Vec<PathBuf> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| fs::read_to_string(table).ok())
        .flat_map(|table| listening(&table, port))
        .map(|inode| PathBuf::from(format!("socket:[{inode}]")))
        .collect();
    let pids =
        fs::read_dir("/proc").ok()?.flatten().filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let pid = pids.into_iter().find(|pid| holds(Path::new(&format!("/proc/{pid}/fd")), &inodes))?;
    let command = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    let words: Vec<String> = command
        .split(|byte| *byte == 0)
        .filter(|word| !word.is_empty())
        .map(|word| shell(&String::from_utf8_lossy(word)))
        .collect();
    Some(format!("pid {pid} (`{}`)", words.join(" ")))
}

/// The inodes of sockets that listen on a port, from the kernel's table: `sl local_address rem_address st … inode`.
fn listening(table: &str, port: u16) -> Vec<String> {
    let rows = table.lines().skip(1).map(|row| row.split_whitespace().collect::<Vec<_>>());
    rows.filter(|row| row.get(3) == Some(&"0A"))
        .filter(|row| row.get(1).is_some_and(|local| local.ends_with(&format!(":{port:04X}"))))
        .filter_map(|row| row.get(9).map(|inode| (*inode).to_owned()))
        .collect()
}

fn holds(descriptors: &Path, inodes: &[PathBuf]) -> bool {
    let Ok(entries) = fs::read_dir(descriptors) else { return false };
    entries.flatten().any(|entry| fs::read_link(entry.path()).is_ok_and(|file| inodes.contains(&file)))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_found_by_its_port() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let holder = of(port).expect("this process may be looked at");
        assert!(holder.starts_with(&format!("pid {} (`", std::process::id())), "{holder}");
        drop(listener);
    }
}
