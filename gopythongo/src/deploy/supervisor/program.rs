//! The command that runs a slot's service: what it sees, where it listens, who it is.

use std::{
    fs,
    io::{self, BufRead, BufReader, Read},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::Record;
use crate::{
    deploy::{
        Slot,
        local::{Installed, Place},
    },
    isolation::View,
    run::process::Command,
};

/// Told to end, it is not killed before the [slots](super::slots) say so.
const NO_LIMIT: Duration = Duration::from_secs(24 * 60 * 60);

/// A service that can be started.
pub(super) struct Program {
    pub(super) command: Command,
    /// Why it sees the host's own file system, where it does.
    pub(super) relocated: Option<String>,
}

/// The command for what is in a slot. Its socket's directory and what it may write to are made.
pub(super) fn program(place: &Place, slot: Slot, installed: &Installed, sockets: &Path) -> io::Result<Program> {
    let service = &installed.service;
    let own = Record::sockets_of(sockets, slot);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(&own)?;
    let root = place.root(slot);
    let tree = below(&root, &service.path);
    // In place of all sockets it sees its own: the other slot's cannot be taken.
    let mut view = View::new().bind_read_only(&tree, &service.path).bind(&own, sockets);
    for directory in &service.directories {
        let data = below(&place.data(), &directory.path);
        fs::DirBuilder::new().recursive(true).mode(directory.mode | 0o700).create(&data)?;
        view = view.bind(data, &directory.path);
    }
    for file in &service.configuration {
        view = view.bind_read_only(below(&place.configuration(), file), file);
    }
    match view.check() {
        Ok(()) => {
            let socket = sockets.join("socket");
            let argv = service.argv(&socket.to_string_lossy());
            Ok(Program { command: command(installed, &argv, |word| word).under(view.command()), relocated: None })
        }
        Err(why) => {
            let argv = service.argv(&own.join("socket").to_string_lossy());
            let moved = |word: String| relocate(&word, &service.path, &tree);
            let argv: Vec<String> = argv.into_iter().map(moved).collect();
            let argv = with_interpreter(argv, &service.path, &tree);
            Ok(Program { command: command(installed, &argv, moved), relocated: Some(why) })
        }
    }
}

fn command(installed: &Installed, argv: &[String], path: impl Fn(String) -> String) -> Command {
    let service = &installed.service;
    let (program, arguments) =
        argv.split_first().map_or((String::new(), &[][..]), |(first, rest)| (first.clone(), rest));
    let bin = path(format!("{}/bin", service.path));
    Command::new(program)
        .args(arguments.iter().cloned())
        .directory("/")
        .env("PATH", format!("{bin}:/usr/local/bin:/usr/bin:/bin"))
        .env("LANG", "C.UTF-8")
        .env("HOME", "/")
        .env("PYTHONDONTWRITEBYTECODE", "1")
        .envs(service.environment.iter().map(|(name, value)| (name, path(value.clone()))))
        .ordinary_user()
        .lasting(NO_LIMIT)
}

/// An absolute path below another root.
fn below(root: &Path, path: &str) -> PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// A path in the tree, where the tree is elsewhere.
fn relocate(word: &str, path: &str, tree: &Path) -> String {
    match word.strip_prefix(path) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => format!("{}{rest}", tree.display()),
        _ => word.to_owned(),
    }
}

/// Scripts name their interpreter by its final path: where the tree is elsewhere, it has to be named for them.
fn with_interpreter(argv: Vec<String>, path: &str, tree: &Path) -> Vec<String> {
    let interpreter = argv.first().and_then(|program| {
        let mut line = String::new();
        let file = fs::File::open(program).ok()?;
        BufReader::new(file.take(256)).read_line(&mut line).ok()?;
        let words = line.strip_prefix("#!")?.trim();
        Some(words.split_whitespace().map(|word| relocate(word, path, tree)).collect::<Vec<_>>())
    });
    interpreter.unwrap_or_default().into_iter().chain(argv).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_script_elsewhere_is_given_its_interpreter_elsewhere() {
        let directory = tempfile::tempdir().expect("a directory");
        let tree = directory.path().join("root/opt/shop");
        fs::create_dir_all(tree.join("bin")).expect("made");
        fs::write(tree.join("bin/gunicorn"), "#!/opt/shop/bin/python\n").expect("written");
        let moved = |word: &str| relocate(word, "/opt/shop", &tree);
        let argv = with_interpreter(vec![moved("/opt/shop/bin/gunicorn"), moved("/opt/shopping")], "/opt/shop", &tree);
        let tree = tree.display();
        assert_eq!(argv, [format!("{tree}/bin/python"), format!("{tree}/bin/gunicorn"), "/opt/shopping".to_owned()]);
    }
}
