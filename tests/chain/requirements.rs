//! Our reading of requirements and markers against that of `packaging`, the library that pip itself uses.

use std::{fs, process::Command};

use gopythongo::python::{Environment, Requirement};
use tests::{Outcome, Python};

/// Lines that no installed package has to have: each corner of the grammar once.
const CORNERS: &[&str] = &[
    "A.B-C_D [X_y,z] (>=1,<2)",
    "x>=1.0.dev1,!=1.*,<2!1",
    "x~=1.4.post2",
    "x @ https://localhost/x.zip;y ; os_name == 'posix'",
    "x; python_version in '3.9 3.11'",
    "x; '3.9' <= python_version and python_full_version != '3.11.*'",
    "x; python_version > '3.10' or os_name == 'nt' and sys_platform == 'win32'",
    "x; (python_version > '3.10' or os_name == 'nt') and sys_platform == 'win32'",
    "x; platform_release >= '5'",
    "x; sys_platform not in 'linux win32'",
    "x; extra == 'T_e.st'",
    "x; implementation_version ~= '3.9'",
    "x[",
    "x >= 1 2",
    "x @",
    "x; python_version",
    "1x",
    "-e .",
];

/// Prints what `packaging` makes of each line of a file, in our own way of writing it: name, extras, specifiers, and whether it
/// applies in each environment of another file.
const PACKAGING: &str = r#"
import importlib.metadata, json, sys
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version
def written(one):  # some write 2.0a.0 for 2.0a0
    return one.operator + (one.version if one.version.endswith(".*") else str(Version(one.version)))
environments = json.load(open(sys.argv[2]))
corners = open(sys.argv[1]).read().splitlines()
for line in corners + [line for found in importlib.metadata.distributions() for line in found.requires or []]:
    try:
        found = Requirement(line)
    except InvalidRequirement:
        print(json.dumps([line, None]))
        continue
    applies = [found.marker is None or found.marker.evaluate({**one, "extra": "test"}) for one in environments]
    extras = sorted({canonicalize_name(extra) for extra in found.extras})
    versions = sorted(written(one) for one in found.specifier)
    print(json.dumps([line, [canonicalize_name(found.name), extras, versions, applies]]))
"#;

#[test]
fn requirements_mean_what_they_mean_to_pip() {
    let python = Python::with(&["packaging", "tox", "werkzeug[watchdog]", "cryptography", "requests"]);
    let environments = environments(&python);
    let (corners, file) = (python.path("corners"), python.path("environments.json"));
    fs::write(&corners, CORNERS.join("\n")).expect("the lines can be written");
    fs::write(&file, serde_json::to_string(&environments).expect("environments")).expect("they can be written");
    let told = Outcome::of(
        &python.command("python").args(["-c", PACKAGING]).args([&corners, &file]).output().expect("python starts"),
    );
    let told = told.ends_with(0).stdout.clone();
    assert!(told.lines().count() > CORNERS.len() + 50, "too few packages have requirements:\n{told}");
    for line in told.lines() {
        let (text, theirs): (String, serde_json::Value) = serde_json::from_str(line).expect("a line of JSON");
        assert_eq!(ours(&text, &environments), theirs, "{text}");
    }
}

/// This machine's Python, and three others that it is not.
fn environments(python: &Python) -> Vec<Environment> {
    let mut probe: Command = python.command("python");
    let probed = Outcome::of(&probe.args(["-c", Environment::PROBE]).output().expect("python starts"));
    let here: Environment = serde_json::from_str(&probed.ends_with(0).stdout).expect("an environment");
    let here = here.with_extras(["test"]);
    let text = ToOwned::to_owned;
    let old = Environment {
        python_version: text("3.9"),
        python_full_version: text("3.9.18"),
        implementation_version: text("3.9.18"),
        ..here.clone()
    };
    let windows = Environment {
        sys_platform: text("win32"),
        os_name: text("nt"),
        platform_system: text("Windows"),
        python_version: text("3.14"),
        python_full_version: text("3.14.0rc1"),
        ..here.clone()
    };
    let pypy = Environment {
        platform_python_implementation: text("PyPy"),
        implementation_name: text("pypy"),
        sys_platform: text("darwin"),
        platform_system: text("Darwin"),
        platform_machine: text("arm64"),
        ..here.clone()
    };
    vec![here, old, windows, pypy]
}

/// What we make of a line; null if nothing. It also reads back what it writes.
fn ours(line: &str, environments: &[Environment]) -> serde_json::Value {
    let Ok(requirement) = line.parse::<Requirement>() else { return serde_json::Value::Null };
    assert_eq!(requirement.to_string().parse().as_ref(), Ok(&requirement), "{line}");
    let mut extras = requirement.extras.clone();
    extras.sort();
    let mut versions: Vec<String> = requirement.specifiers.iter().map(ToString::to_string).collect();
    versions.sort();
    let applies: Vec<bool> = environments.iter().map(|environment| requirement.applies(environment)).collect();
    serde_json::json!([requirement.name, extras, versions, applies])
}
