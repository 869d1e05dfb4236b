//! Findings as SARIF 2.1.0 (OASIS), which code hosts show beside the lines.

use std::{collections::BTreeSet, path::Path};

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};

use super::finding::{Finding, Level};

/// What stays as it is in the path of a URI (RFC 3986, 3.3).
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'/').remove(b'.').remove(b'-').remove(b'_').remove(b'~');

/// A log with one run of a tool. Paths of the findings are relative to a source that is at `source` below the repository.
pub(super) fn sarif(tool: &str, version: &str, source: &Path, findings: &[Finding]) -> Value {
    let rules: BTreeSet<&str> = findings.iter().map(|finding| finding.code.as_str()).collect();
    let rules: Vec<Value> = rules.into_iter().map(|code| json!({ "id": code })).collect();
    let results: Vec<Value> = findings.iter().map(|finding| result(source, finding)).collect();
    json!({
        "$schema": "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": { "name": tool, "version": version, "rules": rules } },
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    })
}

fn result(source: &Path, finding: &Finding) -> Value {
    let path = source.join(finding.path.strip_prefix("./").unwrap_or(&finding.path));
    let mut region = json!({ "startLine": finding.line.max(1) });
    if let Some(column) = finding.column {
        region["startColumn"] = column.into();
    }
    let level = match finding.level {
        Level::Error => "error",
        Level::Warning => "warning",
        Level::Note => "note",
    };
    json!({
        "ruleId": finding.code,
        "level": level,
        "message": { "text": finding.message },
        "locations": [{ "physicalLocation": {
            "artifactLocation": { "uri": utf8_percent_encode(&path.to_string_lossy(), KEPT).to_string() },
            "region": region,
        } }],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_stands_at_its_place_in_the_repository() {
        let finding = Finding::read("./src/my money.py:3:7: F401 'os' imported but unused", 1).expect("a finding");
        let log = sarif("flake8", "7.5.0", Path::new("libs/money"), &[finding.clone(), finding.of(Level::Error)]);
        let run = &log["runs"][0];
        assert_eq!(run["tool"]["driver"]["rules"], json!([{ "id": "F401" }]));
        let place = &run["results"][0]["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "libs/money/src/my%20money.py");
        assert_eq!(place["region"], json!({ "startLine": 3, "startColumn": 7 }));
        assert_eq!((&run["results"][0]["level"], &run["results"][1]["level"]), (&json!("warning"), &json!("error")));
    }
}
