//! A shop whose environment takes what somebody approved: nothing else gets there, and a killed approval is gone on with.

use std::{
    fs::{self, Permissions},
    os::unix::{fs::PermissionsExt, process::ExitStatusExt},
    path::Path,
    process::Command,
};

use tempfile::TempDir;
use tests::{Example, Outcome};

use crate::{
    shop::{Shop, switched, url},
    web::get,
};

const GUARDED: &str = env!("CARGO_BIN_EXE_guarded");

/// A home of gpg, of the user of a shop. Its agent ends with this value.
struct Keys<'a> {
    shop: &'a Shop<'a>,
    home: TempDir,
}

impl<'a> Keys<'a> {
    fn none(shop: &'a Shop<'a>) -> Self {
        let home = tempfile::Builder::new().prefix("gpg").tempdir().expect("a directory");
        // made by root, for somebody else
        fs::set_permissions(home.path(), Permissions::from_mode(0o777)).expect("it is ours");
        let keys = Self { shop, home };
        let made = keys.command("mkdir").args(["--mode", "700"]).arg(keys.path()).status().expect("mkdir");
        assert!(made.success());
        keys
    }

    fn path(&self) -> std::path::PathBuf {
        self.home.path().join("gnupg")
    }

    fn command(&self, program: &str) -> Command {
        let mut command = self.shop.command_here(program);
        command.env("GNUPGHOME", self.path());
        command
    }

    /// What gpg prints.
    #[track_caller]
    fn gpg(&self, arguments: &[&str]) -> String {
        let output = self.command("gpg").args(["--batch", "--quiet", "--passphrase", ""]).args(arguments).output();
        let output = output.expect("gpg can be started");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("it is text")
    }

    /// Makes a key; gives its fingerprint.
    fn make(&self, name: &str) -> String {
        let _ = self.gpg(&["--pinentry-mode", "loopback", "--quick-generate-key", name, "ed25519", "sign", "never"]);
        let listed = self.gpg(&["--list-keys", "--with-colons", name]);
        let fingerprint = listed.lines().find(|line| line.starts_with("fpr:")).expect("a fingerprint");
        fingerprint.split(':').nth(9).expect("ten fields").to_owned()
    }
}

impl Drop for Keys<'_> {
    fn drop(&mut self) {
        let _ = self.command("gpgconf").args(["--kill", "all"]).status();
    }
}

/// Changes who is said to have approved what, in an environment's record.
fn forge(record: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(record).expect("there is a record");
    let forged = text.replace(&format!("\"by\": \"{from}\""), &format!("\"by\": \"{to}\""));
    assert_ne!(forged, text);
    fs::write(record, forged).expect("it is ours");
}

/// The id of the run that `status` says waits.
#[track_caller]
fn waiting(status: &Outcome) -> String {
    let end = status.stdout.split("`approve ").nth(1).and_then(|rest| rest.split('`').next());
    end.unwrap_or_else(|| panic!("nothing waits in\n{}", status.stdout)).to_owned()
}

#[test]
fn nothing_is_live_in_a_protected_environment_that_nobody_approved() {
    let storefront = Example::promoted_storefront();
    let shop = Shop::of(&storefront);
    let (keys, without) = (Keys::none(&shop), Keys::none(&shop));
    let key = keys.make("ann");
    let command = |keys: &Keys<'_>, arguments: &[&str]| {
        let mut command = shop.command_of(GUARDED, arguments);
        command.env("GNUPGHOME", keys.path()).env("GUARDED_KEY", &key);
        command
    };
    let run_with = |keys: &Keys<'_>, arguments: &[&str]| {
        Outcome::of(&command(keys, arguments).output().expect("the program starts"))
    };
    let run = |arguments: &[&str]| run_with(&keys, arguments);
    let says = |url: &str| get(&format!("{url}bill/XXX")).1;

    // a run promotes and waits, and says with what
    let first = run(&["run", "--quiet"]).ends_with(4).says("waits for approval in testing").says("live now: nothing");
    let (_, digest) = storefront.promoted().debs["develop shop"].clone();
    let first = first.says(&digest).says("shop/integration-tests");
    assert!(first.stdout.contains("waits for approval: `approve "), "{}", first.stdout);
    let plan = run(&["plan"]).ends_with(0);
    assert!(plan.stdout.contains("when somebody has approved these bytes"), "{}", plan.stdout);
    let earlier = waiting(&run(&["status"]).ends_with(0));
    // whoever does not hold the key approves nothing, whatever they call themselves
    let _ = run_with(&without, &["approve", &earlier, "--by", "ann"]).ends_with(3).says(&format!("key {key}"));
    assert_eq!(waiting(&run(&["status"]).ends_with(0)), earlier);
    let record = shop.place().join("approvals.json");
    let _ = run(&["approve", &earlier, "--by", "eve", "--only-record"]).ends_with(0);
    forge(&record, "eve", "ann");
    let _ = run(&["run", "--quiet"]).ends_with(4).says("what was signed is something else");
    forge(&record, "ann", "eve");
    let _ = run_with(&without, &["run", "--quiet"]).ends_with(3).says(&format!("gpg does not know key {key}"));
    let approved = run(&["approve", &earlier, "--by", "ann"]).ends_with(0).says(&digest);
    let url = url(&approved);
    assert_eq!(says(&url), "no currency has the code 'XXX'\n");
    let status = run(&["status"]).ends_with(0);
    assert!(status.stdout.contains("approved by ann") && !status.stdout.contains("`approve "), "{}", status.stdout);

    // what only this machine could build stays out, whoever approves it
    shop.edit("no currency has the code", "nobody pays with");
    let own = run(&["run", "--quiet"]).ends_with(4).says("no protected environment takes it");
    assert!(own.stdout.contains("promoted, not live"), "{}", own.stdout);
    assert_eq!(says(&url), "no currency has the code 'XXX'\n");

    // the approval of other bytes is none of these, and is no longer to be had
    storefront.commit("Say it otherwise");
    let second = run(&["run", "--json"]).ends_with(4);
    assert_eq!(second.finished("shop-live/switch:testing")["failure"]["kind"], "waiting");
    let id = waiting(&run(&["status"]).ends_with(0));
    assert_ne!(id, earlier);
    let _ = run(&["approve", &earlier]).ends_with(4).says("and the newest in develop is");
    let _ = run(&["approve", &id, "production"]).ends_with(2);

    // killed between the approval and the switch
    let mut killed = command(&keys, &["approve", &id, "--by", "bob"]);
    let killed = killed.env("KILLED", "written 1").output().expect("the program starts");
    assert_eq!(killed.status.signal(), Some(9), "{}", String::from_utf8_lossy(&killed.stderr));
    assert_eq!(says(&url), "no currency has the code 'XXX'\n");
    let resumed = run(&["resume", "--json"]).ends_with(0);
    let live = resumed.events().into_iter().find(|event| event["type"] == "live").expect("it is live");
    assert_eq!(live["live"]["approved"]["by"], "bob");
    assert_eq!(switched(&resumed).len(), 1);
    assert_eq!(says(&url), "nobody pays with 'XXX'\n");

    // what was approved once may come back, and stays in
    let _ = run(&["rollback"]).ends_with(0);
    assert_eq!(says(&url), "no currency has the code 'XXX'\n");
    let _ = run(&["rollback", "testing", "--unpin"]).ends_with(0);
    assert_eq!(switched(&run(&["run", "--json"]).ends_with(0)).len(), 1);
    assert_eq!(says(&url), "nobody pays with 'XXX'\n");
}
