//! One first run of the storefront, that tests of second runs copy instead of making it again.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::OnceLock,
};

use crate::{Example, Outcome};

/// A promoted storefront.
pub(crate) struct Seed {
    /// A directory with `checkout` and `state`.
    pub(crate) place: PathBuf,
    /// What the run that promoted it printed.
    pub(crate) first: Outcome,
}

/// A storefront that was promoted from an empty state; made once a suite.
pub(crate) fn promoted() -> &'static Seed {
    static SEED: OnceLock<Seed> = OnceLock::new();
    SEED.get_or_init(|| {
        let storefront = Example::storefront();
        let first = storefront.build(&["--json"]).ends_with(0);
        // nothing is dropped at the end of a test program: the next suite removes what this one leaves
        let place = own_directory().join("seed");
        if place.exists() {
            fs::remove_dir_all(&place).expect("the last suite's seed can be removed");
        }
        copy(&storefront.directory(), &place);
        Seed { place, first }
    })
}

/// Copies a directory as it is, times and links included.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a directory can be made");
    let status = Command::new("cp").arg("-a").arg("--reflink=auto").arg(from.join(".")).arg(to).status().expect("cp");
    assert!(status.success(), "cannot copy {}", from.display());
}

/// A directory beside the test program.
fn own_directory() -> PathBuf {
    // target/debug/deps/chain-… -> target/debug/chain
    let own = std::env::current_exe().expect("our own path");
    own.ancestors().nth(2).expect("a target directory").join("chain")
}
