//! An application's virtual environment, taken out of its tree and used at its path.

use std::{
    ffi::OsString,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use gopythongo::isolation::View;
use serde_json::Value;
use tempfile::TempDir;
use tests::{Example, Outcome};

const STOREFRONT: &str = env!("CARGO_BIN_EXE_storefront-to-virtualenv");
const PACKED: &str = env!("CARGO_BIN_EXE_packed");

/// A tree that a run left, unpacked.
struct Tree {
    directory: TempDir,
    path: PathBuf,
    digest: String,
    facts: Value,
    lock: Value,
}

impl Tree {
    /// The tree of a job of a run that passed.
    fn of(example: &Example, run: &Outcome, job: &str) -> Self {
        let result = run.finished(&format!("{job}/virtualenv"))["result"].clone();
        let digest = |name: &str| result["artifacts"][name]["digest"].as_str().expect("an artifact").to_owned();
        let directory = tempfile::tempdir().expect("a directory");
        let archive = example.cached(&digest("tree"));
        let tar = Command::new("tar").arg("-xf").arg(archive).arg("-C").arg(directory.path()).status().expect("tar");
        assert!(tar.success());
        let lock = serde_json::from_str(&example.blob(&digest("lock"))).expect("a lock");
        let path = Path::new(result["facts"]["path"].as_str().expect("a path")).to_owned();
        Self { directory, path, digest: digest("tree"), facts: result["facts"].clone(), lock }
    }

    fn fact(&self, name: &str) -> &str {
        self.facts[name].as_str().unwrap_or_default()
    }

    fn real(&self) -> PathBuf {
        self.directory.path().join(self.path.strip_prefix("/").expect("an absolute path"))
    }

    /// Runs a program of the tree where a host has it, with nothing else around.
    fn run(&self, program: &str, arguments: &[&str]) -> Outcome {
        let view = View::new().bind_read_only(self.real(), &self.path);
        let words: Vec<OsString> = view.command();
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).arg(self.path.join(program)).args(arguments);
        command.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
        Outcome::of(&command.output().expect("the view's program starts"))
    }

    /// Files that hold a text.
    fn holding(&self, text: &str) -> String {
        let grep = Command::new("grep").args(["-rlaF", text]).arg(self.directory.path()).output().expect("grep");
        String::from_utf8_lossy(&grep.stdout).into_owned()
    }

    /// `name version` of what is installed.
    fn installed(&self) -> Vec<String> {
        let packages = self.lock["packages"].as_array().expect("packages").iter();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        packages.map(|package| format!("{} {}", text(&package["name"]), text(&package["version"]))).collect()
    }
}

#[test]
fn the_shop_runs_at_its_path_and_is_the_same_bytes_wherever_it_is_built() {
    let storefront = Example::storefront();
    let run = storefront.run_as(STOREFRONT, &["run", "--json"]).ends_with(0);
    let tree = Tree::of(&storefront, &run, "shop");

    // in it is what its tests ran with, as far as it needs it at run time
    let names: Vec<String> =
        tree.installed().iter().filter_map(|one| Some(one.split_once(' ')?.0.to_owned())).collect();
    assert_eq!(names, ["attrs", "catalog", "gunicorn", "money", "packaging", "shop", "sortedcontainers"]);
    let told = tree.run("bin/python", &["-c", "import shop, catalog, money; print(shop.__file__)"]).ends_with(0);
    assert_eq!(told.stdout, "/opt/shop/lib/python3.11/site-packages/shop/__init__.py\n");
    assert!(tree.run("bin/gunicorn", &["--check-config", "shop:app"]).ends_with(0).stderr.is_empty());
    assert_ne!(tree.run("bin/python", &["-m", "pip", "--version"]).code, 0, "there is no pip in it");
    // nothing has to be compiled on a host, and tracebacks name files that are there
    let code = "import shop.cart; print(shop.cart.make_bill.__code__.co_filename)";
    let told = tree.run("bin/python", &["-v", "-c", code]).ends_with(0);
    let bytecode = "code object from '/opt/shop/lib/python3.11/site-packages/shop/__pycache__/cart.cpython-311.pyc'";
    assert!(told.stderr.contains(bytecode), "{}", told.stderr);
    assert_eq!(told.stdout, "/opt/shop/lib/python3.11/site-packages/shop/cart.py\n");

    // no trace of this machine
    assert_eq!(tree.holding(&storefront.directory().display().to_string()), "");
    assert_eq!(tree.holding("direct_url.json"), "");
    assert!(!Path::new("/opt/shop").exists(), "the host's own /opt is as it was");

    assert_eq!((tree.fact("name"), tree.fact("path"), tree.fact("architecture")), ("shop", "/opt/shop", "all"));
    assert_eq!((tree.fact("python"), tree.fact("python_version")), ("/usr/bin/python3", "3.11"));
    assert_eq!(tree.fact("depends"), "python3 (>= 3.11), python3 (<< 3.12)");

    // elsewhere, and where nothing can be shown at its path
    let other = Example::storefront_at("another place");
    let refused = refused(other.command_of(STOREFRONT.as_ref(), &["run", "--json"]));
    let run = refused.ends_with(0);
    let relocated = Tree::of(&other, &run, "shop");
    assert_eq!((tree.fact("relocated"), relocated.fact("relocated")), ("", "true"));
    let warnings: Vec<Value> = run.events().into_iter().filter(|event| event["type"] == "warning").collect();
    assert!(warnings.iter().any(|event| event.to_string().contains("built elsewhere and relocated")), "{warnings:?}");
    assert_eq!(relocated.digest, tree.digest);

    // where it can be shown again, it is built again; and then nothing is done
    let again = other.run_as(STOREFRONT, &["run", "--json"]).ends_with(0);
    assert_eq!(again.executed(), ["shop/virtualenv"]);
    assert_eq!(Tree::of(&other, &again, "shop").digest, tree.digest);
    assert_eq!(other.run_as(STOREFRONT, &["run", "--json"]).ends_with(0).executed(), [""; 0]);
}

/// Runs a command in a user namespace in which there can be no further one, without the capability to mount.
fn refused(command: Command) -> Outcome {
    let script =
        "echo 0 >/proc/sys/user/max_user_namespaces && exec setpriv --bounding-set=-all --inh-caps=-all -- \"$@\"";
    let mut wrapped = Command::new("unshare");
    wrapped.args(["--user", "--map-root-user", "--", "sh", "-c", script, "sh"]);
    wrapped.arg(command.get_program()).args(command.get_args()).env_clear();
    wrapped.envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(directory) = command.get_current_dir() {
        wrapped.current_dir(directory);
    }
    Outcome::of(&wrapped.output().expect("unshare starts"))
}

#[test]
fn machine_code_makes_it_a_tree_of_one_architecture() {
    let packed = Example::project("packed", PACKED);
    let run = packed.run(&["run", "fast", "--json"]).ends_with(0);
    let tree = Tree::of(&packed, &run, "fast");
    let dpkg = Outcome::of(&Command::new("dpkg").arg("--print-architecture").output().expect("dpkg"));
    assert_eq!(tree.fact("architecture"), dpkg.stdout.trim());
    assert_eq!(tree.run("bin/fast", &[]).ends_with(0).stdout, "42\n");
    let script = fs::read_to_string(tree.real().join("bin/fast")).expect("a script");
    assert!(script.starts_with("#!/opt/fast/bin/python\n"), "{script}");
}

#[test]
fn an_application_that_is_no_distribution_is_there_with_what_it_requires() {
    let packed = Example::project("packed", PACKED);
    let run = packed.run(&["run", "board", "--json"]).ends_with(0);
    let tree = Tree::of(&packed, &run, "board");
    assert_eq!(tree.installed(), ["itsdangerous 2.2.0"]);
    assert_eq!(
        tree.run("bin/python", &["/opt/board/app/manage.py"]).ends_with(0).stdout.split('.').next(),
        Some("hello")
    );
    let told = tree.run("bin/python", &["-c", "import board; print(board.__file__, board.__spec__.has_location)"]);
    assert_eq!(told.ends_with(0).stdout, "/opt/board/app/board/__init__.py True\n");
    assert_eq!(tree.fact("version"), "0.1.0.dev1");
}

#[test]
fn a_file_that_holds_the_path_of_the_build_is_named() {
    let packed = Example::project("packed", PACKED);
    let run = packed.run(&["run", "leaky", "--json"]).ends_with(1);
    let failure = run.finished("leaky/virtualenv")["failure"].clone();
    let message = failure["message"].as_str().unwrap_or_default();
    let file =
        "`/opt/leaky/lib/python3.11/site-packages/leaky/where.bin` of leaky 1.0.dev1 holds a path of this machine, `";
    assert!(message.starts_with(file), "{failure:#}");
    assert!(failure["hint"].as_str().unwrap_or_default().contains("-ffile-prefix-map"), "{failure:#}");
}
