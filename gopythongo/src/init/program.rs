//! The text of `pipeline.rs`, as `rustfmt` would have it.

use std::fmt::Write as _;

use super::{chain::Chain, repository::Repository};
use crate::support::words;

/// How long a chain may be on one line: rustfmt's `chain_width`.
const CHAIN: usize = 60;
/// How long a line of a comment may be.
const LINE: usize = 100;

/// Writes the program that delivers what is in a repository.
pub(super) fn program(repository: &Repository) -> String {
    let chains: Vec<Chain> = repository.projects.iter().map(|project| Chain::of(project, repository)).collect();
    let name = repository.name();
    let mut text = head(&name, repository);
    text.push_str("use gopythongo::prelude::*;\n\n");
    if chains.iter().any(|chain| chain.looks_for_errors) {
        text.push_str("/// What fails at run time: for sources that come without the configuration of a linter.\n");
        text.push_str("const ERRORS: [&str; 6] = [\"E9\", \"F63\", \"F7\", \"F821\", \"F822\", \"F823\"];\n\n");
    }
    text.push_str("/// What happens on every push.\npub fn pipeline() -> Pipeline {\n");
    let mut whole = vec![format!("Pipeline::new({name:?})"), "default_kind(Develop)".to_owned()];
    for chain in &chains {
        for remark in &chain.remarks {
            text.push_str(&comment("    // ", remark));
        }
        let _ = writeln!(text, "    let {} = {};\n", chain.variable, chained(&chain.calls, 4));
        whole.push(format!("job({})", chain.variable));
    }
    for chain in &chains {
        if let Some(live) = deployment(chain) {
            text.push_str(&live);
            whole.push(format!("job({}_live)", chain.variable));
        }
    }
    if !repository.branches.is_empty() && !repository.branches.iter().any(|branch| branch == "develop") {
        text.push_str(&comment(
            "    // ",
            "there is no branch `develop`: what is built on this machine goes into the channel of that name all the same; \
             `--kind master` makes final versions",
        ));
    }
    let _ = writeln!(text, "    {}\n}}\n", chained(&whole, 4));
    text.push_str("fn main() -> ExitCode {\n    gopythongo::main(pipeline)\n}\n\n");
    text.push_str(&tests(&chains, repository));
    text
}

fn head(name: &str, repository: &Repository) -> String {
    let mut text = comment(
        "//! ",
        &format!("How {name} is delivered. `gopythongo init` wrote this from what it found; from now on it is yours."),
    );
    text.push_str("//!\n");
    text.push_str(&comment(
        "//! ",
        "`cargo run -p pipeline` does it, `cargo run -p pipeline -- plan` shows what would be done, `cargo test -p pipeline` \
         tests what is claimed below.",
    ));
    if !repository.ci.is_empty() {
        let names: Vec<String> = repository.ci.iter().map(|name| format!("`{name}`")).collect();
        let verb = if names.len() == 1 { "is as it was" } else { "are as they were" };
        let sentence = format!(
            "{} {verb}: one step with `cargo run -p pipeline` does what is declared here.",
            words::list(&names)
        );
        text.push_str("//!\n");
        text.push_str(&comment("//! ", &sentence));
    }
    if !repository.shown.is_empty() {
        const NAMED: usize = 5;
        let mut names: Vec<String> =
            repository.shown.iter().take(NAMED).map(|path| format!("`{}`", path.display())).collect();
        if repository.shown.len() > NAMED {
            names.push(format!("{} more", repository.shown.len() - NAMED));
        }
        text.push_str("//!\n");
        text.push_str(&comment("//! ", &format!("Left out as examples: {}.", words::list(&names))));
    }
    text.push('\n');
    text
}

/// Where an application goes live, if it has a service.
fn deployment(chain: &Chain) -> Option<String> {
    let web = chain.service.as_ref()?;
    let mut text = String::new();
    let how = match web.health {
        Some(path) => format!("blue_green(BlueGreen::new().health_check({path:?}))"),
        None => {
            let remark = "no path for health checks was found: a version is healthy when `/` answers with 200 to 399";
            text.push_str(&comment("    // ", remark));
            "blue_green(BlueGreen::new())".to_owned()
        }
    };
    let calls = [
        format!("deployment({:?}, {:?})", format!("{}-live", chain.name), chain.name),
        how,
        "environment(Environment::new(\"testing\", Develop).host(\"local\"))".to_owned(),
    ];
    let _ = writeln!(text, "    let {}_live = {};\n", chain.variable, chained(&calls, 4));
    Some(text)
}

fn tests(chains: &[Chain], repository: &Repository) -> String {
    let mut text =
        String::from("#[cfg(test)]\nmod tests {\n    use gopythongo::testing::*;\n\n    use super::pipeline;\n");
    let mut test = |name: &str, body: &str| {
        let _ = write!(text, "\n    #[test]\n    fn {name}() {{\n{body}    }}\n");
    };
    test(
        "a_feature_build_publishes_nothing",
        "        plan(pipeline()).each(Feature | PullRequest, |plan| plan.has_no_effects());\n",
    );
    let mut claims = vec!["plan(pipeline())".to_owned()];
    for chain in chains.iter().filter(|chain| chain.effect == Some("upload")) {
        for user in repository.users(&chain.name) {
            let step = chains.iter().find(|other| other.name == user.name).and_then(|other| other.tested_by);
            claims.extend(step.map(|step| {
                format!("needs({:?}, {:?})", format!("{}/{step}", user.name), format!("{}/upload", chain.name))
            }));
        }
    }
    if claims.len() > 1 {
        let body = format!("        {};\n", chained(&claims, 8));
        test("what_is_downstream_is_tested_with_what_this_run_uploads", &body);
    }
    if chains.iter().any(|chain| chain.effect.is_some()) {
        test(
            "nothing_is_promoted_before_everything_has_passed",
            "        plan(pipeline()).each(Develop | Release | Hotfix | Master, |plan| {\n            \
             plan.needs_everything(\"promote\")\n        });\n",
        );
    }
    text.push_str("}\n");
    text
}

/// A chain of calls on one line if it is short, else one a line.
fn chained(calls: &[String], indent: usize) -> String {
    let line = calls.join(".");
    // rustfmt leaves the only call of a chain beside what it is called on
    if line.chars().count() <= CHAIN || calls.len() == 2 && line.len() + indent < LINE {
        return line;
    }
    calls.join(&format!("\n{}.", " ".repeat(indent + 4)))
}

/// A sentence as lines of a comment.
fn comment(start: &str, sentence: &str) -> String {
    let mut text = String::new();
    let mut line = String::new();
    for word in sentence.split_whitespace() {
        if !line.is_empty() && start.len() + line.len() + 1 + word.len() > LINE {
            let _ = writeln!(text, "{start}{line}");
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    let _ = writeln!(text, "{start}{line}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    #[test]
    fn a_repository_becomes_a_program() {
        let money = "[project]\nname = 'money'\nversion = '1.5.0'\n[tool.mypy]\nstrict = true\n";
        let shop = "[project]\nname = 'shop'\nversion = '0.7.0'\ndependencies = ['money']\n[tool.ruff]\n";
        let directory = tree(&[
            ("Store front/libs/money/pyproject.toml", money),
            ("Store front/libs/money/tests/test_x.py", ""),
            ("Store front/apps/shop/pyproject.toml", shop),
            ("Store front/apps/shop/src/shop/wsgi.py", "app = Shop()\nhealth = '/healthz'\n"),
            ("Store front/apps/shop/tests/integration/test_shop.py", ""),
            ("Store front/.gitlab-ci.yml", ""),
        ]);
        let mut repository = Repository::look(&directory.path().join("Store front")).expect("projects");
        repository.branches = vec!["main".to_owned()];
        insta::assert_snapshot!(program(&repository), @r#"
//! How store-front is delivered. `gopythongo init` wrote this from what it found; from now on it is
//! yours.
//!
//! `cargo run -p pipeline` does it, `cargo run -p pipeline -- plan` shows what would be done,
//! `cargo test -p pipeline` tests what is claimed below.
//!
//! `.gitlab-ci.yml` is as it was: one step with `cargo run -p pipeline` does what is declared here.

use gopythongo::prelude::*;

/// What fails at run time: for sources that come without the configuration of a linter.
const ERRORS: [&str; 6] = ["E9", "F63", "F7", "F821", "F822", "F823"];

/// What happens on every push.
pub fn pipeline() -> Pipeline {
    let money = library("money")
        .source("../libs/money")
        .step(Flake8::new().select(ERRORS))
        .mypy()
        .pytest()
        .coverage_ratchet()
        .upload()
        .downstream(["shop"]);

    let shop = application("shop")
        .source("../apps/shop")
        .ruff()
        .integration_tests("tests/integration")
        .virtualenv("/opt/shop")
        .deb(Deb::new().service(Service::gunicorn("shop.wsgi:app")))
        .publish();

    let shop_live = deployment("shop-live", "shop")
        .blue_green(BlueGreen::new().health_check("/healthz"))
        .environment(Environment::new("testing", Develop).host("local"));

    // there is no branch `develop`: what is built on this machine goes into the channel of that
    // name all the same; `--kind master` makes final versions
    Pipeline::new("store-front")
        .default_kind(Develop)
        .job(money)
        .job(shop)
        .job(shop_live)
}

fn main() -> ExitCode {
    gopythongo::main(pipeline)
}

#[cfg(test)]
mod tests {
    use gopythongo::testing::*;

    use super::pipeline;

    #[test]
    fn a_feature_build_publishes_nothing() {
        plan(pipeline()).each(Feature | PullRequest, |plan| plan.has_no_effects());
    }

    #[test]
    fn what_is_downstream_is_tested_with_what_this_run_uploads() {
        plan(pipeline()).needs("shop/integration-tests", "money/upload");
    }

    #[test]
    fn nothing_is_promoted_before_everything_has_passed() {
        plan(pipeline()).each(Develop | Release | Hotfix | Master, |plan| {
            plan.needs_everything("promote")
        });
    }
}
"#);
    }
}
