//! The storefront from an empty state to a shop that serves, and what becomes of it: by an ordinary user.

use std::{collections::BTreeMap, fs, io::Write as _, os::unix::process::ExitStatusExt, process::Command};

use tests::Example;

use crate::{
    shop::{Shop, switched, url},
    web::get,
};

/// What the shop says of a currency that `money` does not know.
// ISO 4217 keeps this code for transactions without any currency
const UNKNOWN: &str = "bill/XXX";

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
    assert_eq!(shop.processes(), BTreeMap::new());
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

/// Both halves of every journal write: those of intents and receipts are both sides of every effect. A run from cached steps has
/// fewer than forty such moments, so that no tier takes a sample of them.
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
    assert_eq!(switched(&whole).len(), 1);

    let mut killed = 0;
    for moment in (1..).flat_map(|record| [format!("torn {record}"), format!("written {record}")]) {
        let storefront = base.copied();
        let shop = Shop::of(&storefront);
        let before = storefront.generation();
        shop.edit("no currency has the code", "nobody pays with");
        take_cache(&built, &storefront);
        if !killed_at(&shop, &moment) {
            // it has no so many records
            break;
        }
        killed += 1;
        let resumed = match moment.as_str() {
            // nothing is known of what was to be done
            "torn 1" => {
                let _ = shop.run(&["resume"]).ends_with(4).says("start a new run");
                shop.run(&["run"]).ends_with(0)
            }
            _ => shop.run(&["resume"]).ends_with(0),
        };
        assert_eq!(get(&format!("{}{UNKNOWN}", url(&resumed))).1, "nobody pays with 'XXX'\n", "{moment}");
        assert_eq!(storefront.promoted(), expected, "{moment}");
        assert_eq!(storefront.generation(), before + 1, "{moment}: promoted once");
        let settled = shop.run(&["run", "--json"]).ends_with(0);
        assert_eq!(settled.executed(), Vec::<String>::new(), "{moment}");
        let _ = shop.run(&["down"]).ends_with(0);
        assert_eq!(shop.processes(), BTreeMap::new(), "{moment}");
    }
    // also where the test passes
    let _ = writeln!(std::io::stderr(), "killed at {killed} moments, and resumed");
    // at least the plan, uploads, the promotion and the switch, each with what came before it, and the end
    assert!(killed >= 2 * 10, "killed at {killed} moments");
}

/// Puts the cache of one storefront in the place of another's.
fn take_cache(from: &Example, to: &Example) {
    fs::remove_dir_all(to.state().join("cache")).expect("removed");
    let copied = Command::new("cp").arg("-a").arg(from.state().join("cache")).arg(to.state()).status().expect("cp");
    assert!(copied.success());
}

/// Runs it until it is killed at a journal write; `false` if it ended before that.
#[track_caller]
fn killed_at(shop: &Shop<'_>, moment: &str) -> bool {
    let mut command = shop.command_of(env!("CARGO_BIN_EXE_killed"), &["run", "--quiet"]);
    let output = command.env("KILLED", moment).output().expect("the program starts");
    let (killed, done) = (output.status.signal() == Some(9), output.status.success());
    assert!(killed || done, "{moment}: {}", String::from_utf8_lossy(&output.stderr));
    killed
}
