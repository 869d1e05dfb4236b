//! Uploads from outside: twine's good ones, and what a stranger may send.

use std::{fs, path::Path, process::Command};

use tests::{Example, Outcome, Python, Served, archive};

/// Writes a wheel that names itself `name` and `version`, whatever its file is called.
fn wheel(path: &Path, name: &str, version: &str, code: &str) {
    let information = format!("{}-{version}.dist-info", name.replace('-', "_"));
    let metadata = format!("Metadata-Version: 2.1\nName: {name}\nVersion: {version}\nSummary: something\n");
    let tags = "Wheel-Version: 1.0\nGenerator: by hand\nRoot-Is-Purelib: true\nTag: py3-none-any\n";
    archive(
        path,
        &[
            (&format!("{}.py", name.replace('-', "_")), code),
            (&format!("{information}/METADATA"), &metadata),
            (&format!("{information}/WHEEL"), tags),
            (&format!("{information}/RECORD"), ""),
        ],
    );
}

fn twine(python: &Python, served: &Served, token: &str, file: &Path) -> Outcome {
    let mut command = python.command("twine");
    command.args(["upload", "--non-interactive", "--disable-progress-bar", "--repository-url", served.upload()]);
    command.args(["--username", "upload", "--password", token]).arg(file);
    Outcome::of(&command.output().expect("twine starts"))
}

/// Posts a file under a name, as twine would if it did not look at the file first; gives the status.
fn post(served: &Served, file: &Path, name: &str) -> String {
    let output = Command::new("curl")
        .args(["--silent", "--output", "/dev/null", "--write-out", "%{http_code}"])
        .args(["--user", &format!("upload:{}", served.token), "--form", ":action=file_upload"])
        .args(["--form", &format!("content=@{};filename=\"{name}\"", file.display())])
        .arg(served.upload())
        .output()
        .expect("curl");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn twine_uploads_once_and_may_repeat_it_but_not_replace_it() {
    let storefront = Example::promoted_storefront();
    let served = Served::of(&storefront);
    let python = Python::with(&["twine"]);
    let file = python.path("voucher-1.0-py3-none-any.whl");
    wheel(&file, "voucher", "1.0", "VALUE = 10\n");

    let wrong = twine(&python, &served, "not-the-token", &file);
    assert_ne!(wrong.code, 0, "a wrong token");
    assert_eq!(storefront.promoted().develop("voucher"), None);

    let _ = twine(&python, &served, &served.token, &file).ends_with(0);
    assert_eq!(storefront.promoted().develop("voucher"), Some("1.0"));
    let first = storefront.promoted();
    let _ = twine(&python, &served, &served.token, &file).ends_with(0);
    assert_eq!(storefront.promoted(), first, "the same again changes nothing");

    wheel(&file, "voucher", "1.0", "VALUE = 20\n");
    let other = twine(&python, &served, &served.token, &file);
    assert_ne!(other.code, 0, "other bytes under a name that is taken");
    assert_eq!(storefront.promoted(), first);

    let _ = python.pip(&served.index, &["voucher"]).ends_with(0);
    let value = python.run("python", &["-c", "import voucher; print(voucher.VALUE)"]).ends_with(0);
    assert_eq!(value.stdout.trim(), "10");
    let published = storefront.build(&["--json"]).ends_with(0);
    assert_eq!(published.executed(), Vec::<String>::new(), "what others upload is no input of ours");
}

#[test]
fn hostile_archives_are_refused_and_the_server_lives_on() {
    let storefront = Example::promoted_storefront();
    let served = Served::of(&storefront);
    let place = storefront.directory().join("hostile");
    let before = storefront.promoted();
    let file = |name: &str| place.join(name);
    fs::create_dir_all(&place).expect("made");

    fs::write(file("text"), "this is no archive").expect("written");
    wheel(&file("other"), "strangers", "1.0", "");
    archive(&file("empty"), &[]);
    archive(
        &file("climbing"),
        &[
            ("../../climbed.py", "print('out of the archive')"),
            ("voucher-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: voucher\nVersion: 1.0\n"),
            ("voucher-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
            ("voucher-1.0.dist-info/RECORD", ""),
        ],
    );
    archive(
        &file("twice"),
        &[
            ("voucher-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: voucher\nVersion: 1.0\n"),
            ("voucher-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: money\nVersion: 9.0\n"),
            ("voucher-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
            ("voucher-1.0.dist-info/RECORD", ""),
        ],
    );
    wheel(&file("good"), "voucher", "1.0", "");
    let mut torn = fs::read(file("good")).expect("read");
    torn.truncate(torn.len() / 2);
    fs::write(file("torn"), torn).expect("written");

    let wheel_name = "voucher-1.0-py3-none-any.whl";
    for hostile in ["text", "other", "empty", "climbing", "twice", "torn"] {
        let status = post(&served, &file(hostile), wheel_name);
        assert!(status.starts_with('4'), "{hostile}: status {status}");
    }
    for name in ["../../voucher-1.0-py3-none-any.whl", "voucher.exe", "money-1.5.0-py3-none-any.whl", ""] {
        let status = post(&served, &file("good"), name);
        assert!(status.starts_with('4'), "`{name}`: status {status}");
    }
    assert_eq!(storefront.promoted(), before);
    assert_eq!(post(&served, &file("good"), wheel_name), "200", "the server lives on");
}
