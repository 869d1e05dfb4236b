//! The storefront from an empty state to a shop that serves, and what becomes of it: by an ordinary user.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use tests::{Example, Ordinary, Outcome};

use crate::web::get;

/// What the shop says of a currency that `money` does not know.
// ISO 4217 keeps this code for transactions without any currency
const UNKNOWN: &str = "bill/XXX";

/// A storefront whose shop serves until this value is dropped.
struct Shop<'a> {
    storefront: &'a Example,
    user: Ordinary<'a>,
}

impl<'a> Shop<'a> {
    fn of(storefront: &'a Example) -> Self {
        Self { storefront, user: Ordinary::with_caches(storefront) }
    }

    fn run(&self, arguments: &[&str]) -> Outcome {
        self.user.run(arguments)
    }

    /// Edits what `money` says of unknown currencies.
    fn edit(&self, from: &str, to: &str) {
        self.storefront.edit("libs/money/src/money/currency.py", from, to);
    }

    /// What services and supervisors have written, for whoever wonders about a failure.
    fn logs(&self) -> String {
        let logs = self.storefront.state().join("environments/testing/shop/logs");
        let files = fs::read_dir(logs).into_iter().flatten().flatten().map(|entry| entry.path());
        files.map(|file| format!("{}\n{}\n", file.display(), fs::read_to_string(&file).unwrap_or_default())).collect()
    }

    /// Processes that have anything to do with this storefront.
    fn processes(&self) -> Vec<String> {
        let place = self.storefront.directory();
        let processes = fs::read_dir("/proc").into_iter().flatten().flatten();
        processes.filter_map(|entry| command_line(&entry.path(), &place)).collect()
    }
}

/// The command line of a process, if it, its directory or its environment names a place.
fn command_line(process: &Path, place: &Path) -> Option<String> {
    let text =
        |file: &str| String::from_utf8_lossy(&fs::read(process.join(file)).unwrap_or_default()).replace('\0', " ");
    let named = |text: &str| text.contains(&*place.to_string_lossy());
    let line = text("cmdline");
    let works_there = fs::read_link(process.join("cwd")).is_ok_and(|directory| directory.starts_with(place));
    (named(&line) || works_there || named(&text("environ"))).then_some(line)
}

impl Drop for Shop<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            println!("{}", self.logs());
        }
        let _ = self.run(&["down"]);
    }
}

/// The URL at the end of what a run prints.
#[track_caller]
fn url(run: &Outcome) -> String {
    let last = run.stdout.lines().last().unwrap_or_default();
    let at = last.find("http://127.0.0.1:");
    last[at.unwrap_or_else(|| panic!("no URL at the end of\n{}\n{}", run.stdout, run.stderr))..].trim().to_owned()
}

/// Versions that were sent to an environment in a run with `--json`.
fn switched(run: &Outcome) -> Vec<String> {
    let live = run.events().into_iter().filter(|event| event["type"] == "live" && event["found"] == false);
    live.filter_map(|event| event["live"]["version"].as_str().map(str::to_owned)).collect()
}

#[test]
fn a_shop_goes_live_is_changed_is_broken_is_rolled_back_and_ends() {
    let storefront = Example::storefront();
    let shop = Shop::of(&storefront);

    let check = shop.run(&["check"]).ends_with(0);
    assert!(check.stdout.contains("nothing is missing"), "{}", check.stdout);

    // from an empty state to a shop that answers
    let first = shop.run(&["run"]).ends_with(0);
    let url = url(&first);
    assert_eq!(get(&format!("{url}healthz")), (200, "{\"status\": \"ok\", \"products\": 4}\n".to_owned()));
    let unknown = || get(&format!("{url}{UNKNOWN}")).1;
    assert_eq!(unknown(), "no currency has the code 'XXX'\n");
    let status = shop.run(&["status"]).ends_with(0);
    assert!(status.stdout.contains(&url) && status.stdout.contains("healthy"), "{}", status.stdout);
    assert_eq!(shop.run(&["run", "--json"]).ends_with(0).executed(), Vec::<String>::new());

    // an edit of a library, live by one command
    shop.edit("no currency has the code", "nobody pays with");
    let second = shop.run(&["run"]).ends_with(0);
    assert_eq!(self::url(&second), url, "the front stays");
    assert_eq!(unknown(), "nobody pays with 'XXX'\n");

    // another library's tests break: nothing of it is seen
    storefront.edit("libs/catalog/catalog/pricing.py", "def unit_price", "def price_of_a_unit");
    shop.edit("nobody pays with", "who pays with");
    let broken = shop.run(&["run"]).ends_with(1);
    assert!(broken.stdout.contains("nothing was promoted"), "{}", broken.stdout);
    assert_eq!(unknown(), "nobody pays with 'XXX'\n");
    storefront.edit("libs/catalog/catalog/pricing.py", "def price_of_a_unit", "def unit_price");
    shop.edit("who pays with", "nobody pays with");

    // back, and it stays
    let back = shop.run(&["rollback"]).ends_with(0);
    assert!(back.stdout.contains(&url), "{}", back.stdout);
    assert_eq!(unknown(), "no currency has the code 'XXX'\n");
    let pinned = shop.run(&["run"]).ends_with(0).says("was rolled back to, and stays");
    assert_eq!(self::url(&pinned), url);
    assert_eq!(unknown(), "no currency has the code 'XXX'\n");

    // until somebody lets it in again
    let _ = shop.run(&["rollback", "testing", "--unpin"]).ends_with(0);
    assert_eq!(switched(&shop.run(&["run", "--json"]).ends_with(0)).len(), 1);
    assert_eq!(unknown(), "nobody pays with 'XXX'\n");

    // the end, and a new beginning in the same slot
    let _ = shop.run(&["down"]).ends_with(0);
    assert_eq!(shop.processes(), Vec::<String>::new());
    assert_eq!(get(&url).0, 0, "nothing answers");
    let again = shop.run(&["run", "--json"]).ends_with(0);
    assert_eq!(again.executed(), ["shop-live/switch:testing"], "the same version starts again");
    assert_eq!(unknown(), "nobody pays with 'XXX'\n");
    let live = again.events().into_iter().find(|event| event["type"] == "live").expect("it is live");
    let (version, digest) = storefront.promoted().debs["develop shop"].clone();
    assert_eq!(live["live"]["version"], version);
    assert_eq!(live["live"]["digest"], digest, "what serves is what was published");
}

#[test]
fn a_version_that_does_not_start_is_promoted_and_not_live() {
    let storefront = Example::promoted_storefront();
    let shop = Shop::of(&storefront);
    let url = url(&shop.run(&["run"]).ends_with(0));
    // only where the package runs, so that no test sees it
    storefront.edit(
        "apps/shop/src/shop/wsgi.py",
        "app = Shop(assortment())",
        "import sys\nif sys.prefix == \"/opt/shop\":\n    sys.exit(\"the till is locked\")\napp = Shop(assortment())",
    );
    let red = shop.run(&["run"]).ends_with(1).says("the till is locked").says("goes on serving");
    assert!(red.stdout.contains("promoted, not live"), "{}", red.stdout);
    assert_eq!(get(&format!("{url}healthz")).0, 200);
    let status = shop.run(&["status"]).ends_with(0);
    assert!(status.stdout.contains("not live"), "{}", status.stdout);
}

#[test]
fn a_run_that_is_killed_at_any_journal_write_between_build_and_switch_is_resumed_to_one_version_promoted_once() {
    let base = Example::promoted_storefront();
    {
        let shop = Shop::of(&base);
        let _ = shop.run(&["run", "--quiet"]).ends_with(0);
        let _ = shop.run(&["down"]).ends_with(0);
    }
    // the outcomes of all pure steps of the next version, so that a run of it is effects alone
    let built = base.copied();
    let edited = Shop::of(&built);
    edited.edit("no currency has the code", "nobody pays with");
    let whole = edited.run(&["run", "--json"]).ends_with(0);
    let expected = built.promoted();
    let _ = edited.run(&["down"]).ends_with(0);
    let records = journal(&built).lines().count();
    assert!(switched(&whole).len() == 1 && records > 8, "{records} records");

    for moment in 1..=records {
        let storefront = base.copied();
        let shop = Shop::of(&storefront);
        let before = storefront.generation();
        shop.edit("no currency has the code", "nobody pays with");
        take_cache(&built, &storefront);
        killed_at(&shop, moment);
        let resumed = shop.run(&["resume"]).ends_with(0);
        assert_eq!(get(&format!("{}{UNKNOWN}", url(&resumed))).1, "nobody pays with 'XXX'\n", "record {moment}");
        assert_eq!(storefront.promoted(), expected, "record {moment}");
        assert_eq!(storefront.generation(), before + 1, "record {moment}: promoted once");
        let settled = shop.run(&["run", "--json"]).ends_with(0);
        assert_eq!(settled.executed(), Vec::<String>::new(), "record {moment}");
        let _ = shop.run(&["down"]).ends_with(0);
        assert_eq!(shop.processes(), Vec::<String>::new(), "record {moment}");
    }
}

/// The journal of the latest run; empty where none has begun.
fn journal(storefront: &Example) -> String {
    let runs = fs::read_dir(storefront.state().join("runs")).into_iter().flatten().flatten();
    let latest = runs.map(|run| run.path()).filter(|run| run.is_dir()).max();
    latest.and_then(|run| fs::read_to_string(run.join("journal.ndjson")).ok()).unwrap_or_default()
}

/// Puts the cache of one storefront in the place of another's.
fn take_cache(from: &Example, to: &Example) {
    fs::remove_dir_all(to.state().join("cache")).expect("removed");
    let copied = Command::new("cp").arg("-a").arg(from.state().join("cache")).arg(to.state()).status().expect("cp");
    assert!(copied.success());
}

/// Starts a run, and kills it when its journal has so many records.
fn killed_at(shop: &Shop<'_>, records: usize) {
    let earlier = journal(shop.storefront);
    let mut command = shop.user.command(&["run", "--json"]);
    let mut run = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("the program starts");
    loop {
        let now = journal(shop.storefront);
        let ended = run.try_wait().expect("a child").is_some();
        if ended || (now != earlier && now.lines().count() >= records) {
            break;
        }
        std::thread::yield_now();
    }
    // SIGKILL; it may have ended meanwhile
    let _ = run.kill();
    let _ = run.wait();
}
