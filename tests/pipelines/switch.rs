//! Deployments alone, without a chain before them: makes versions of a small service live on this machine.
//!
//! `switch STATE VERSION` packs a version and makes it live; `switch STATE down` ends what runs.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::Command,
};

use gopythongo::{
    deploy::{BlueGreen, LocalHost, Package},
    prelude::*,
    run::process::Cancel,
    support::Digest,
};

const SERVICE: &str = include_str!("switch_service.py");

/// Where the service is in the package.
const PATH: &str = "/opt/gopythongo-switched";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments.as_slice() {
        ["supervise", ..] => return gopythongo::main(|| Pipeline::new("switch")),
        [state, "down"] => host(state).down().map(|ended| format!("{ended}\n")).map_err(|error| error.to_string()),
        [state, version] => switch(state, version),
        _ => Err("switch STATE VERSION|down".to_owned()),
    };
    match done {
        Ok(text) => io::stdout().write_all(text.as_bytes()).map_or(ExitCode::FAILURE, |()| ExitCode::SUCCESS),
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn host(state: &str) -> LocalHost {
    LocalHost::new(Path::new(state), "testing", "switched")
}

fn switch(state: &str, version: &str) -> Result<String, String> {
    let file = package(Path::new(state), version).map_err(|error| format!("cannot pack it: {error}"))?;
    let digest = Digest::of_file(&file).map_err(|error| error.to_string())?;
    let package = Package { name: "switched".to_owned(), version: version.to_owned(), digest, file };
    let live = host(state)
        .switch(&package, &BlueGreen::new(), None, &Cancel::new(), &|line| eprintln!("{line}"))
        .map_err(|error| format!("{error}\n{}", error.tail.join("\n")))?;
    Ok(format!("{}\n", live.url))
}

/// The `.deb` of a version, made once.
fn package(state: &Path, version: &str) -> io::Result<PathBuf> {
    let directory = state.join("packages");
    let file = directory.join(format!("switched_{version}_all.deb"));
    if file.is_file() {
        return Ok(file);
    }
    let tree = directory.join(version);
    let write = |path: &str, text: &str| {
        let path = tree.join(path);
        fs::create_dir_all(path.parent().unwrap_or(&tree))?;
        fs::write(path, text)
    };
    write(
        "DEBIAN/control",
        &format!(
            "Package: switched\nVersion: {version}\nArchitecture: all\nMaintainer: Nobody <nobody@shop.example>\n\
             Description: answers with its version\n"
        ),
    )?;
    write(&format!("{}/service.py", &PATH[1..]), SERVICE)?;
    let description = format!(
        r#"{{"version":1,"package":"switched","path":"{PATH}","argv":["/usr/bin/python3","{PATH}/service.py","{version}","{{socket}}"],"environment":{{}},"user":"nobody","directories":[],"configuration":[],"bind":"socket"}}"#
    );
    write("usr/share/switched/service.json", &description)?;
    let built = directory.join(format!("{version}.new"));
    let status =
        Command::new("dpkg-deb").args(["-Zgzip", "--root-owner-group", "--build"]).arg(&tree).arg(&built).output()?;
    if !status.status.success() {
        return Err(io::Error::other(String::from_utf8_lossy(&status.stderr).into_owned()));
    }
    fs::rename(built, &file)?;
    fs::remove_dir_all(tree)?;
    Ok(file)
}
