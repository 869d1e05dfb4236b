//! A team's typed settings, on the command line.

use std::fs;

use tests::{Example, Outcome};

#[test]
fn config_says_where_each_value_comes_from() {
    let leaky = Example::project("leaky", env!("CARGO_BIN_EXE_leaky"));
    let config = |arguments: &[&str], variables: &[(&str, &str)]| {
        let mut command = leaky.command(&[&["config"], arguments].concat());
        Outcome::of(&command.envs(variables.iter().copied()).output().expect("the program starts"))
    };
    let said = |arguments: &[&str], variables: &[(&str, &str)]| config(arguments, variables).ends_with(0).stdout;
    assert_eq!(
        said(&[], &[]),
        "retries  3                       pipeline.toml:2\ntoken    *** (file `token.txt`)  default\n"
    );
    let variable = [("PIPELINE_RETRIES", "4"), ("PIPELINE_TOKEN", "hunter2")];
    let said_by_variables = said(&[], &variable);
    assert!(said_by_variables.contains("retries  4                              variable PIPELINE_RETRIES\n"));
    assert!(
        said_by_variables.contains("*** (variable PIPELINE_TOKEN)  variable PIPELINE_TOKEN\n"),
        "{said_by_variables}"
    );
    let file = leaky.directory().join("night.toml");
    fs::write(&file, "retries = 5\n").expect("written");
    let file = file.display().to_string();
    assert!(said(&["--settings", &file], &[]).contains(&format!("{file}:1")));
    assert!(said(&["--settings", &file, "--set", "retries=6"], &variable).contains("--set retries"));
    let json = said(&["--json", "--set", "retries=6"], &[]);
    let json: serde_json::Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(
        json["settings"][0],
        serde_json::json!({ "key": "retries", "value": 6, "origin": { "flag": "retries" } })
    );

    let wrong = config(&["--set", "retires=1"], &[("PIPELINE_TOKNE", "hunter2")]).ends_with(2);
    assert!(wrong.stderr.contains("--set retires: there is no setting `retires`; did you mean `retries`?"));
    assert!(wrong.stderr.contains("variable PIPELINE_TOKNE: there is no setting `tokne`; did you mean `token`?"));
    let wrong = config(&["--set", "retries=many"], &[]).ends_with(2);
    assert!(wrong.stderr.contains("--set retries: `retries`: invalid type: string \"many\", expected u16"));
    assert!(config(&["--settings", "gone.toml"], &[]).ends_with(2).stderr.contains("cannot read `gone.toml`"));
}

#[test]
fn a_pipeline_without_settings_says_so() {
    let storefront = Example::storefront();
    let none = storefront.run(&["config"]).ends_with(0);
    assert_eq!((none.stdout.as_str(), none.stderr.trim()), ("", "pipeline `storefront` takes no settings"));
    let refused = storefront.run(&["plan", "--set", "port=1"]).ends_with(2);
    assert!(refused.stderr.contains("--set port: `port` is set, and this pipeline takes no settings"));
}
