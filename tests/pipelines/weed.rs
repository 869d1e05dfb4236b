//! An object store for whoever starts this program: prints its URL, as `--shared` takes it, and serves until standard input ends.

use std::io::{Read, Write};

fn main() -> std::io::Result<()> {
    let weed = tests::Weed::start();
    let mut stdout = std::io::stdout();
    writeln!(stdout, "{}", weed.s3_url())?;
    stdout.flush()?;
    std::io::stdin().read_to_end(&mut Vec::new()).map(drop)
}
