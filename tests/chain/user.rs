//! An ordinary user on a machine that has never seen this program.

use std::{fs, os::unix::process::CommandExt, process::Command};

use tests::{Example, Outcome};

/// `nobody` and its group, on Debian and most others.
const NOBODY: u32 = 65534;

#[test]
fn a_user_without_caches_builds_the_storefront_from_nothing() {
    if !rustix::process::geteuid().is_root() {
        println!("left out: the suite runs as an ordinary user anyway");
        return;
    }
    let storefront = Example::storefront();
    let home = storefront.directory();
    // what the user may read: a checkout may stand in somebody's home
    let program = home.join("pipeline");
    fs::copy(storefront.program(), &program).expect("the program can be copied");
    let given = Command::new("chown").arg("-R").arg(format!("{NOBODY}:{NOBODY}")).arg(&home).status().expect("chown");
    assert!(given.success());
    let run = |arguments: &[&str]| {
        let mut command = storefront.command_of(&program, arguments);
        command.uid(NOBODY).gid(NOBODY).env("HOME", &home).env("PATH", "/usr/local/bin:/usr/bin:/bin");
        for name in ["XDG_CACHE_HOME", "GOPYTHONGO_CACHE", "UV_CACHE_DIR", "PIP_CACHE_DIR", "PYENV_ROOT", "USER"] {
            command.env_remove(name);
        }
        Outcome::of(&command.output().expect("the program starts"))
    };
    let check = run(&["check"]).ends_with(0);
    assert!(check.stdout.contains("nothing is missing"), "{}", check.stdout);
    let first = run(&["run", "--json"]).ends_with(0);
    assert!(first.tests_passed() >= 170, "{}", first.tests_passed());
    assert!(home.join(".cache/gopythongo").is_dir(), "tools and downloads are the user's own");
    assert_eq!(run(&["run", "--json"]).ends_with(0).executed(), Vec::<String>::new());
}
