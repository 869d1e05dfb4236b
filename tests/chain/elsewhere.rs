//! A library in another repository: by file and by HTTP, with the credentials that git's helper has.

use std::{
    fs,
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use tests::{Example, Outcome};

use crate::tags::git;

const SECRET: &str = "hunter2-hunter2";

const PROJECT: &str = "[build-system]
requires = ['setuptools']
build-backend = 'setuptools.build_meta'

[project]
name = 'money'
version = '1.5.0'
";

/// A repository of the library, with a branch for discounts, and a bare copy of it.
struct Money {
    directory: tempfile::TempDir,
}

impl Money {
    fn new() -> Self {
        let money = Self { directory: tempfile::tempdir().expect("a directory") };
        git(&money.place(""), "init --quiet --initial-branch develop money");
        money.commit("develop");
        git(&money.place("money"), "checkout --quiet -b feature/discounts");
        money.commit("feature/discounts");
        git(&money.place("money"), "checkout --quiet develop");
        money.publish();
        money
    }

    fn place(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn commit(&self, branch: &str) {
        let money = self.place("money");
        for (file, text) in [("pyproject.toml", PROJECT), ("money.py", "RATE = 7\n"), ("branch", branch)] {
            fs::write(money.join(file), text).expect("written");
        }
        git(&money, "add --all");
        git(&money, "commit --quiet --message More");
    }

    /// What a plain web server has to serve.
    fn publish(&self) {
        let _ = fs::remove_dir_all(self.place("served"));
        git(&self.place(""), "clone --quiet --bare money served/money.git");
        git(&self.place("served/money.git"), "update-server-info");
    }
}

/// A web server that wants a password, on a free port.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn of(directory: &Path) -> Self {
        let script = "\
import base64, http.server, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        wanted = 'Basic ' + base64.b64encode(sys.argv[1].encode()).decode()
        if self.headers.get('Authorization') == wanted:
            return super().do_GET()
        self.send_response(401)
        self.send_header('WWW-Authenticate', 'Basic realm=\"git\"')
        self.send_header('Content-Length', '0')
        self.end_headers()
    def log_message(self, *arguments):
        pass
server = http.server.ThreadingHTTPServer(('127.0.0.1', 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
";
        let mut command = Command::new("python3");
        command.args(["-c", script, &format!("ana:{SECRET}")]).current_dir(directory).stdout(Stdio::piped());
        let mut child = command.spawn().expect("python3");
        let mut port = String::new();
        let mut said = BufReader::new(child.stdout.take().expect("its output"));
        said.read_line(&mut port).expect("its port");
        Self { child, url: format!("http://127.0.0.1:{}/money.git", port.trim()) }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The library's pipeline, with a repository and a configuration of git.
fn elsewhere(example: &Example, url: &str, configuration: &Path, arguments: &[&str]) -> Outcome {
    let mut command = example.command(arguments);
    command.env("MONEY_REPOSITORY", url).env("GIT_CONFIG_GLOBAL", configuration).env("GIT_CONFIG_NOSYSTEM", "1");
    // mirrors of its own
    command.env("GOPYTHONGO_CACHE", example.directory().join("cache"));
    Outcome::of(&command.output().expect("the program starts"))
}

#[test]
fn a_library_of_another_repository_is_built_and_promoted() {
    let (money, example) = (Money::new(), Example::project("elsewhere", env!("CARGO_BIN_EXE_elsewhere")));
    let url = format!("file://{}", money.place("money").display());
    let run = |arguments: &[&str]| elsewhere(&example, &url, Path::new("/dev/null"), arguments);
    let first = run(&["run", "--json"]).ends_with(0);
    assert!(first.stdout.contains("\"type\":\"promoted\"") && first.stdout.contains("1.5.0.dev1"), "{}", first.stdout);
    let log = run(&["logs", "money/command:look"]).ends_with(0).stdout;
    assert!(log.contains("develop"), "{log}");
    let _ = run(&["run", "--branch", "feature/discounts"]).ends_with(0);
    let log = run(&["logs", "money/command:look"]).ends_with(0).stdout;
    assert!(log.contains("feature/discounts"), "{log}");
    money.commit("newer");
    let plan = |arguments: &[&str]| run(&[&["plan", "--json"], arguments].concat()).ends_with(0).stdout;
    let (offline, online) = (plan(&["--offline"]), run(&["run", "--json"]).ends_with(0));
    assert!(!offline.is_empty() && online.stdout.contains("1.5.0.dev2"), "{}", online.stdout);
}

#[test]
fn credentials_are_gits_own_and_stay_where_they_are() {
    let (money, example) = (Money::new(), Example::project("elsewhere", env!("CARGO_BIN_EXE_elsewhere")));
    let server = Server::of(&money.place("served"));
    let refused = elsewhere(&example, &server.url, Path::new("/dev/null"), &["plan"]).ends_with(3);
    let _ = refused.says("git's own credential helper (`git config credential.helper`)");
    let configuration = money.place("gitconfig");
    let helper = format!("[credential]\n\thelper = \"!f() {{ echo username=ana; echo password={SECRET}; }}; f\"\n");
    fs::write(&configuration, helper).expect("written");
    let url = server.url.clone();
    let allowed = |arguments: &[&str]| elsewhere(&example, &url, &configuration, arguments);
    let ran = allowed(&["run", "--json", "--kind", "feature"]).ends_with(0);
    let fork = ["GITLAB_CI=true", "CI_MERGE_REQUEST_IID=7", "CI_MERGE_REQUEST_TARGET_BRANCH_NAME=develop"];
    let mut command = example.command(&["plan"]);
    command.env("MONEY_REPOSITORY", &server.url).env("GIT_CONFIG_GLOBAL", &configuration);
    command.envs(fork.iter().filter_map(|variable| variable.split_once('=')));
    command.env("GOPYTHONGO_CACHE", example.directory().join("cache"));
    let strange = Outcome::of(&command.output().expect("the program starts")).ends_with(3);
    let strange = strange.says("a stranger's pull request gets no credentials");
    assert!(![&ran.stdout, &ran.stderr, &strange.stderr].iter().any(|text| text.contains(SECRET)));
    let found = Command::new("grep").args(["-r", "-l", SECRET]).arg(example.directory()).output().expect("grep");
    assert_eq!(String::from_utf8_lossy(&found.stdout), "");
    drop(server);
    let _ = allowed(&["plan", "--offline", "--kind", "feature"]).ends_with(0);
    let gone = allowed(&["plan"]).ends_with(3);
    let _ = gone.says("`--offline` builds what was fetched before");
}
