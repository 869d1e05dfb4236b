//! Layers of settings, their mistakes and their secrets, as a team would write them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::*;
use crate::{context::SecretFrom, support::trees::tree};

#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Colour {
    #[default]
    Blue,
    Green,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Deploy {
    port: u16,
    hosts: Vec<String>,
    first_slot: Colour,
}

impl Default for Deploy {
    fn default() -> Self {
        Self { port: 8080, hosts: vec!["local".to_owned()], first_slot: Colour::Blue }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
struct Shop {
    domain: String,
    night_builds: bool,
    deploy: Deploy,
    mail: Option<String>,
    weights: BTreeMap<String, f64>,
    token: Option<SecretFrom>,
}

/// Reads settings of a `pipeline.toml`, variables and assignments; the paths in what is said are file names.
fn read<S: Serialize + serde::de::DeserializeOwned>(
    own: &str,
    more: &str,
    variables: &[(&str, &str)],
    set: &[&str],
) -> Result<(S, Vec<String>), Vec<String>> {
    let files = tree(&[("pipeline.toml", own), ("more.toml", more)]);
    let layers = Layers {
        own: files.path().join("pipeline.toml"),
        files: vec![files.path().join("more.toml")],
        variables: variables.iter().copied().collect(),
        assignments: set.iter().map(|text| (*text).to_owned()).collect(),
    };
    let short = |text: &str| text.replace(&format!("{}/", files.path().display()), "");
    match load::<S>(&layers) {
        Ok((settings, listed)) => {
            let line = |setting: &Setting| short(&format!("{} = {} ({})", setting.key, setting.value, setting.origin));
            Ok((settings, listed.iter().map(line).collect()))
        }
        Err(error) => Err(error.mistakes.iter().map(|mistake| short(mistake)).collect()),
    }
}

#[test]
fn each_layer_lies_over_the_one_before_and_every_value_names_its_own() {
    let own = "# ours\ndomain = \"shop.example\"\n\n[deploy]\nport = 8081\nhosts = [\n  \"a\",\n]\n[weights]\nb = 2\n";
    let more = "deploy.port = 8082\ndeploy.first_slot = \"green\"\n";
    let variables = [("PIPELINE_DEPLOY__HOSTS", "b, c"), ("PIPELINE_NIGHT_BUILDS", "true"), ("PATH", "/bin")];
    let (shop, listed) =
        read::<Shop>(own, more, &variables, &["deploy.port=8083", "weights.a=0.5"]).expect("no mistakes");
    assert_eq!(
        shop,
        Shop {
            domain: "shop.example".to_owned(),
            night_builds: true,
            deploy: Deploy { port: 8083, hosts: vec!["b".to_owned(), "c".to_owned()], first_slot: Colour::Green },
            mail: None,
            weights: BTreeMap::from([("a".to_owned(), 0.5), ("b".to_owned(), 2.0)]),
            token: None,
        }
    );
    assert_eq!(
        listed,
        [
            "deploy.first_slot = \"green\" (more.toml:2)",
            "deploy.hosts = [\"b\",\"c\"] (variable PIPELINE_DEPLOY__HOSTS)",
            "deploy.port = 8083 (--set deploy.port)",
            "domain = \"shop.example\" (pipeline.toml:2)",
            "mail = null (default)",
            "night-builds = true (variable PIPELINE_NIGHT_BUILDS)",
            "token = null (default)",
            "weights.a = 0.5 (--set weights.a)",
            "weights.b = 2.0 (pipeline.toml:10)",
        ]
    );
}

#[test]
fn a_key_that_is_none_is_a_mistake_wherever_it_is_written() {
    let mistakes = read::<Shop>(
        "domian = \"x\"\n[deploy]\nprot = 1\n",
        "[delpoy]\nport = 1\n",
        &[("PIPELINE_MIAL", "x"), ("PIPELINE_WORKSPACE", "/agent/1")],
        &["deploy.host=a", "colour=red"],
    )
    .expect_err("mistakes");
    let mut mistakes = mistakes;
    mistakes.sort();
    assert_eq!(
        mistakes,
        [
            "--set colour: there is no setting `colour`",
            "--set deploy.host: there is no setting `deploy.host`; did you mean `deploy.hosts`?",
            "more.toml:1: there is no setting `delpoy`; did you mean `deploy`?",
            "pipeline.toml:1: there is no setting `domian`; did you mean `domain`?",
            "pipeline.toml:3: there is no setting `deploy.prot`; did you mean `deploy.port`?",
            "variable PIPELINE_MIAL: there is no setting `mial`; did you mean `mail`?",
        ]
    );
}

#[test]
fn a_value_that_is_not_of_its_type_is_said_with_its_place() {
    let mistake = |own: &str, variables: &[(&str, &str)], set: &[&str]| {
        read::<Shop>(own, "", variables, set).expect_err("a mistake").join("; ")
    };
    assert_eq!(
        mistake("\n[deploy]\nport = 70000\n", &[], &[]),
        "pipeline.toml:3: `deploy.port`: invalid value: integer `70000`, expected u16"
    );
    assert_eq!(
        mistake("", &[("PIPELINE_DEPLOY__PORT", "http")], &[]),
        "variable PIPELINE_DEPLOY__PORT: `deploy.port`: invalid type: string \"http\", expected u16"
    );
    assert_eq!(
        mistake("", &[], &["deploy.first-slot=red"]),
        "--set deploy.first-slot: `deploy.first_slot`: unknown variant `red`, expected `blue` or `green`"
    );
    assert_eq!(
        mistake("[deploy]\nhosts = [\n  \"a\",\n  5,\n]", &[], &[]),
        "pipeline.toml:4: `deploy.hosts.1`: invalid type: integer `5`, expected a string"
    );
    assert!(mistake("domain = ", &[], &[]).starts_with("pipeline.toml:1: "), "what is no TOML");
    assert_eq!(mistake("", &[], &["domain"]), "`--set domain` has no value");

    #[derive(Debug, Serialize, Deserialize)]
    struct Required {
        port: u16,
    }
    let missing = read::<Required>("", "", &[], &[]).expect_err("nothing says it");
    assert_eq!(missing, ["`port` has no value, and no default"]);
}

#[test]
fn a_secret_is_said_by_where_it_is_and_never_by_itself() {
    let token = |own: &str, variables: &[(&str, &str)]| {
        let read = read::<Shop>(own, "", variables, &[]);
        read.map(|(shop, listed)| (shop.token, listed.into_iter().find(|line| line.starts_with("token"))))
    };
    let (from, listed) = token("token = { env = \"TOKEN\" }", &[]).expect("read");
    assert_eq!(from, Some(SecretFrom::env("TOKEN")));
    assert_eq!(listed.as_deref(), Some("token = \"*** (variable TOKEN)\" (pipeline.toml:1)"));
    let vault = "[token.vault]\npath = \"secret/shop\"\nfield = \"token\"\n";
    assert_eq!(token(vault, &[]).expect("read").0, Some(SecretFrom::vault("secret/shop", "token")));
    // a variable that holds it is where it is
    let (from, listed) = token(vault, &[("PIPELINE_TOKEN", "hunter2")]).expect("read");
    assert_eq!(from, Some(SecretFrom::env("PIPELINE_TOKEN")));
    assert_eq!(listed.as_deref(), Some("token = \"*** (variable PIPELINE_TOKEN)\" (variable PIPELINE_TOKEN)"));
    let refused = token("token = \"hunter2\"", &[]).expect_err("a secret in a file");
    assert!(refused[0].starts_with("pipeline.toml:1: `token`: a secret is not written there"), "{refused:?}");
    assert!(!refused[0].contains("hunter2"));
}

#[test]
fn a_pipeline_without_settings_takes_none() {
    let files = tree(&[("pipeline.toml", "[deploy]\nport = 1\n")]);
    let layers = |own: &str, set: &[&str]| Layers {
        own: files.path().join(own),
        assignments: set.iter().map(|text| (*text).to_owned()).collect(),
        variables: [("PIPELINE_ID", "7")].into_iter().collect(),
        ..Layers::default()
    };
    assert!(refuse(&layers("gone.toml", &[])).is_ok(), "a variable may be somebody else's");
    let said = |layers: &Layers| refuse(layers).expect_err("something is set").to_string();
    assert!(
        said(&layers("pipeline.toml", &[]))
            .ends_with("pipeline.toml:2: `deploy.port` is set, and this pipeline takes no settings")
    );
    assert!(said(&layers("gone.toml", &["a=b"])).starts_with("--set a: `a` is set"));
}
