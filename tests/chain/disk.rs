//! A disk that is full.

use std::process::Command;

use tests::Example;

/// A file system in memory, gone with this value.
struct Small<'a>(&'a Example);

impl<'a> Small<'a> {
    /// Gives the example's state a disk of its own; `None` where this user may not.
    fn disk(example: &'a Example, size: &str) -> Option<Self> {
        std::fs::create_dir_all(example.state()).expect("made");
        let mounted = mount(example, &format!("size={size}"));
        mounted.then_some(Self(example))
    }

    fn grow(&self, size: &str) {
        assert!(mount(self.0, &format!("remount,size={size}")), "a tmpfs grows");
    }
}

impl Drop for Small<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.state()).status();
    }
}

fn mount(example: &Example, options: &str) -> bool {
    let mut command = Command::new("mount");
    command.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(example.state());
    command.stderr(std::process::Stdio::null()).status().is_ok_and(|status| status.success())
}

#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let full = std::fs::File::options().write(true).open("/dev/full").expect("a device that is always full");
    let storefront = Example::storefront();
    let output = storefront.command(&["plan", "--json"]).stdout(full).output().expect("the program starts");
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("cannot write to standard output"));
}

#[test]
fn a_full_disk_is_said_and_with_more_room_the_run_goes_on() {
    let storefront = Example::storefront();
    let Some(disk) = Small::disk(&storefront, "2m") else {
        println!("left out: only root may mount a small disk");
        return;
    };
    let run = storefront.build(&[]);
    assert!(run.code == 3 || run.code == 1, "exit code {}:\n{}\n{}", run.code, run.stdout, run.stderr);
    let said = run.stderr.to_lowercase();
    assert!(said.contains("no space left") || said.contains("space"), "{}", run.stderr);
    assert_eq!(storefront.promoted().versions.len(), 0);

    disk.grow("2g");
    let _ = storefront.run(&["resume", "--json"]).ends_with(0);
    assert_eq!(storefront.promoted(), Example::promoted_storefront().promoted());
}
