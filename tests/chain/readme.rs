//! What the README shows is what happens: its transcripts are typed again, and its index is asked.

use std::{fs, process::Command};

use tests::{Example, Outcome, Served, root};

use crate::transcript::{Exchange, blocks, served};

fn readme() -> String {
    fs::read_to_string(root().join("README.md")).expect("a README")
}

#[test]
fn the_transcripts_are_what_is_printed() {
    let storefront = Example::storefront_at("examples/storefront");
    let _down = Down(&storefront);
    let mut code = 0;
    let mut address = None;
    for exchange in blocks(&readme(), "console").iter().flat_map(|block| Exchange::all(block)) {
        let outcome = typed(&storefront, &at(&exchange.command, address.as_deref()), code);
        code = outcome.code;
        address = served(&outcome.stdout).or(address);
        let state = storefront.state().display().to_string();
        exchange.is_still(&(outcome.stderr + &outcome.stdout).replace(&state, ".gopythongo/storefront"));
    }
}

#[test]
fn the_pipeline_shown_is_the_storefronts() {
    let program = fs::read_to_string(root().join("examples/storefront/pipeline.rs")).expect("a pipeline");
    let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
    let shown = blocks(&readme(), "rust");
    assert!(!shown.is_empty());
    for block in shown {
        assert!(plain(&program).contains(&plain(&block)), "the storefront's pipeline.rs has no such lines:\n{block}");
    }
}

#[test]
fn the_index_is_where_the_readme_says() {
    let storefront = Example::promoted_storefront();
    let served = Served::of(&storefront);
    let (readme, index) = (readme(), served.index.replace(served.port(), "8437"));
    let upload = index.strip_suffix("simple/").expect("an index of projects");
    for line in [
        format!("pip install --index-url {index} "),
        format!("--default-index {index} "),
        format!("twine upload --repository-url {upload} -u upload -p \"$(cat .gopythongo/storefront/token)\" "),
    ] {
        assert!(readme.contains(&line), "`{line}` is not in the README");
    }
    let apt: Vec<&String> = served.lines.iter().skip_while(|line| !line.starts_with("apt repository: ")).collect();
    let typed = apt.iter().filter(|line| line.starts_with("  ") && !line.contains("file:"));
    let typed: Vec<String> = typed.map(|line| line.trim().replace(served.port(), "8437")).collect();
    assert_eq!(typed.len(), 2, "{apt:?}");
    for line in typed {
        assert!(readme.contains(&format!("    {line}\n")), "`{line}` is not in the README");
    }
}

/// Ends what serves, whatever becomes of the test.
struct Down<'a>(&'a Example);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        let _ = self.0.run(&["down"]);
    }
}

/// A command with the address that the shop has today.
fn at(command: &str, address: Option<&str>) -> String {
    match (served(command), address) {
        (Some(shown), Some(address)) => command.replace(&shown, address),
        _ => command.to_owned(),
    }
}

/// What a reader sees who types a command of the README at the top of a checkout, after one that ended with `code`.
fn typed(storefront: &Example, command: &str, code: i32) -> Outcome {
    if let Some(arguments) = command.strip_prefix("cargo run -p pipeline") {
        let arguments: Vec<&str> = arguments.split_whitespace().filter(|word| *word != "--").collect();
        return storefront.run(&arguments);
    }
    let mut shell = Command::new("sh");
    shell.args(["-c", &format!("(exit {code}); {command}")]).current_dir(storefront.directory());
    Outcome::of(&shell.output().expect("sh"))
}
