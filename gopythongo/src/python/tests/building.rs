//! sdist and wheel, with a back end that stands in the project and requires nothing.

use super::{Bench, Done, listing};
use crate::pipeline::{JobBuilder, library};

const PYPROJECT: &str = r#"[build-system]
requires = []
build-backend = "backend"
backend-path = ["tools"]

[project]
name = "Money"
version = "1.4.0"
"#;

const BACKEND: &str = r#"
import io, os, re, tarfile, zipfile

def metadata():
    version = re.search('version = "(.*)"', open("pyproject.toml").read()).group(1)
    return version, "Metadata-Version: 2.1\nName: Money\nVersion: %s\n" % version

def build_sdist(directory, settings=None):
    version, text = metadata()
    top = "money-" + version
    with tarfile.open(os.path.join(directory, top + ".tar.gz"), "w:gz") as archive:
        for path in ["pyproject.toml", "money.py", "tools/backend.py", "test_money.py"]:
            archive.add(path, top + "/" + path)
        info = tarfile.TarInfo(top + "/PKG-INFO")
        info.size = len(text)
        archive.addfile(info, io.BytesIO(text.encode()))
    return top + ".tar.gz"

def build_wheel(directory, settings=None, metadata_directory=None):
    version, text = metadata()
    name, info = "money-%s-py3-none-any.whl" % version, "money-%s.dist-info/" % version
    with zipfile.ZipFile(os.path.join(directory, name), "w") as archive:
        for path, data in [
            ("money.py", open("money.py").read()),
            (info + "METADATA", text),
            (info + "WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
            (info + "RECORD", ""),
        ]:
            archive.writestr(zipfile.ZipInfo(path), data)
    return name
"#;

fn project() -> Bench {
    Bench::new(&[
        ("pyproject.toml", PYPROJECT),
        ("tools/backend.py", BACKEND),
        ("money.py", "def cents(euros):\n    return euros * 100\n"),
        ("test_money.py", "def test(): pass\n"),
    ])
}

fn build(bench: &Bench) -> Done {
    let done = bench.run(library("money").upload());
    assert_eq!(done.failures.len(), 0, "{done:?}");
    done
}

fn failure(bench: &Bench) -> String {
    let done = bench.run(library("money").upload());
    done.failures.values().next().map(|failure| failure.message.clone()).unwrap_or_default()
}

#[test]
fn a_build_gets_its_own_version_and_leaves_the_checkout_alone() {
    let bench = project();
    let before = listing(bench.source.path());
    let done = build(&bench);
    assert_eq!(listing(bench.source.path()), before);
    assert_eq!(done.fact("money/sdist", "version"), "1.5.0.dev3");
    assert_eq!(done.fact("money/wheel", "name"), "money");
    let files: Vec<String> =
        done.digests("money/wheel").iter().filter_map(|text| Some(text.split(' ').nth(1)?.to_owned())).collect();
    assert_eq!(files, ["METADATA", "money-1.5.0.dev3.tar.gz", "money-1.5.0.dev3-py3-none-any.whl"]);
}

#[test]
fn two_builds_of_one_source_in_two_places_have_the_same_bytes() {
    let (one, two) = (build(&project()), build(&project()));
    assert_eq!(one.digests("money/wheel"), two.digests("money/wheel"));
}

#[test]
fn a_change_that_the_wheel_does_not_hold_uses_the_earlier_bytes_again() {
    let bench = project();
    let first = build(&bench);
    bench.write("test_money.py", "def test(): assert True\n");
    let second = build(&bench);
    assert_eq!(second.fact("money/sdist", "version"), "1.5.0.dev4");
    assert_eq!(second.fact("money/wheel", "version"), "1.5.0.dev3");
    assert_eq!(second.fact("money/wheel", "reused"), "true");
    assert_eq!(second.digests("money/wheel"), first.digests("money/wheel"));

    bench.write("money.py", "def cents(euros):\n    return round(euros * 100)\n");
    let third = build(&bench);
    assert_eq!(third.fact("money/wheel", "version"), "1.5.0.dev5");
    assert_eq!(third.fact("money/wheel", "reused"), "");
}

#[test]
fn a_back_end_that_has_its_version_elsewhere_is_found_out() {
    let bench = project();
    bench.write("tools/backend.py", &BACKEND.replace("group(1)", "group(1) and '1.4.0'"));
    assert_eq!(failure(&bench), "`money-1.4.0.tar.gz` has the version 1.4.0, and this build is 1.5.0.dev3");
}

#[test]
fn a_back_end_that_fails_is_named_with_the_end_of_its_output() {
    let bench = project();
    bench.write("tools/backend.py", "raise SystemExit('no compiler')\n");
    let done = bench.run(library("money").upload());
    let failure = &done.failures["money/sdist"];
    assert_eq!(failure.message, "`build_sdist` of the back end `backend` ended with exit code 1");
    let tail = failure.command.as_ref().map(|command| command.tail.clone()).unwrap_or_default();
    assert_eq!(tail, ["no compiler"]);
}

#[test]
fn a_source_that_is_no_distribution_is_said() {
    let bench = Bench::new(&[("README", "money")]);
    let done = bench.run(library("money").step(crate::python::Sdist::new()));
    let failure = &done.failures["money/sdist"];
    assert!(failure.message.ends_with("has neither a pyproject.toml with a project or build system nor a setup.py"));
}
