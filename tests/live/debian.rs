//! The throw-away Debian itself.

use tests::Debian;

#[test]
fn what_is_written_in_it_is_seen_there_and_nowhere_else() {
    let (one, other) = (Debian::new(), Debian::new());
    one.write("/etc/motd", "hello\n");
    assert_eq!(one.run(&["cat", "/etc/motd"]).ends_with(0).stdout, "hello\n");
    assert_ne!(other.run(&["cat", "/etc/motd"]).stdout, "hello\n");
    let _ = one.run(&["touch", "/opt/here"]).ends_with(0);
    assert!(one.upper("/opt/here").exists());
    assert_ne!(other.run(&["ls", "/opt/here"]).code, 0);
}

#[test]
fn it_boots() {
    let debian = Debian::new();
    let booted = debian.boot();
    assert_eq!(booted.run(&["cat", "/proc/1/comm"]).ends_with(0).stdout, "systemd\n");
    let _ = booted.run(&["systemd-run", "--wait", "--quiet", "/bin/true"]).ends_with(0);
}
