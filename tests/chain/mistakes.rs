//! What the compiler says of pipelines that would deploy what nobody tested or let in: `tests/mistakes`, each after an incident.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    time::SystemTime,
};

/// A pipeline, and what its first lines say that the compiler says.
struct Mistake {
    file: PathBuf,
    text: String,
}

impl Mistake {
    fn all() -> Vec<Self> {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("mistakes");
        let files = fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("a file").path());
        files.map(|file| Self { text: fs::read_to_string(&file).expect("text"), file }).collect()
    }

    /// The rest of the line that begins with a word.
    fn said(&self, word: &str) -> Option<&str> {
        self.text.lines().find_map(|line| line.strip_prefix(&format!("//! {word}: ")))
    }

    fn compiled(&self) -> Output {
        let own = std::env::current_exe().expect("the program");
        let dependencies = own.parent().expect("a directory");
        let mut rustc = Command::new(
            std::env::var_os("CARGO")
                .map_or_else(|| PathBuf::from("rustc"), |cargo| PathBuf::from(cargo).with_file_name("rustc")),
        );
        let metadata = tempfile::tempdir().expect("a directory");
        rustc.args(["--edition", "2024", "--emit", "metadata", "--error-format", "human", "--color", "never"]);
        rustc.arg("--extern").arg(format!("gopythongo={}", newest(dependencies).display()));
        rustc.arg("-L").arg(format!("dependency={}", dependencies.display()));
        rustc.arg("--out-dir").arg(metadata.path()).arg(&self.file).output().expect("rustc")
    }
}

/// The library that this program was built with: the one that was compiled last.
fn newest(dependencies: &Path) -> PathBuf {
    let files = fs::read_dir(dependencies).expect("a directory").map(|entry| entry.expect("a file"));
    let built =
        |file: &fs::DirEntry| file.metadata().and_then(|data| data.modified()).unwrap_or(SystemTime::UNIX_EPOCH);
    let libraries = files.filter(|file| {
        let name = file.file_name();
        name.to_str().is_some_and(|name| name.starts_with("libgopythongo-") && name.ends_with(".rlib"))
    });
    libraries.max_by_key(built).expect("the library").path()
}

#[test]
fn each_mistake_is_refused_with_what_to_add_and_nothing_else_is() {
    let mistakes = Mistake::all();
    let refused = mistakes.iter().filter(|mistake| mistake.said("error").is_some());
    assert!(refused.count() >= 12 && mistakes.iter().any(|mistake| mistake.said("error").is_none()));
    for mistake in &mistakes {
        let (output, name) = (mistake.compiled(), mistake.file.display());
        let stderr = String::from_utf8_lossy(&output.stderr);
        let errors: Vec<&str> = stderr.lines().filter(|line| line.starts_with("error[")).collect();
        match (mistake.said("error"), mistake.said("help")) {
            (Some(error), Some(help)) => {
                assert!(!errors.is_empty(), "{name} compiles");
                assert!(
                    errors.iter().all(|line| line.contains(error)),
                    "{name} is not refused with `{error}`:\n{stderr}"
                );
                assert!(stderr.contains(help), "{name} is not told `{help}`:\n{stderr}");
            }
            _ => assert!(output.status.success(), "{name}:\n{stderr}"),
        }
    }
}
