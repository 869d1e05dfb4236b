//! Versions, compared by those who decide: `packaging`, dpkg and rpm, one process each.

use std::{cmp::Ordering, collections::BTreeMap, fs, process::Command};

use fastrand::Rng;
use gopythongo::version::{DebianVersion, RpmVersion, SemanticVersion, Version, oci_tag};
use tests::{Outcome, Python};

#[test]
fn ten_thousand_pairs_have_the_order_of_packaging_dpkg_and_rpm() {
    orders_agree(10_000, 1);
}

/// Compares a number of pairs with `packaging`, Dpkg::Version and `rpm.vercmp`, and our conversions with one another.
pub(crate) fn orders_agree(pairs: usize, seed: u64) {
    println!("{pairs} pairs, seed {seed}");
    let mut random = Rng::with_seed(seed);
    let versions: Vec<(Version, Version)> =
        (0..pairs).map(|_| (python_version(&mut random), python_version(&mut random))).collect();
    let python = |(a, b): &(Version, Version)| (a.to_string(), b.to_string());
    let debian = |(a, b): &(Version, Version)| (DebianVersion::of(a), DebianVersion::of(b));
    let rpm = |(a, b): &(Version, Version)| (RpmVersion::of(a), RpmVersion::of(b));
    // the conversions, and texts that no conversion makes
    let debian: Vec<_> = versions.iter().map(debian).chain((0..pairs).map(|_| foreign(&mut random, DEBIAN))).collect();
    let rpm: Vec<_> = versions.iter().map(rpm).chain((0..pairs).map(|_| foreign(&mut random, RPM))).collect();

    let texts: Vec<_> = versions.iter().map(python).collect();
    for ((a, b), said) in versions.iter().zip(by_packaging(&texts)) {
        assert_eq!(a.cmp(b), said, "packaging: {a} and {b}");
    }
    for ((a, b), said) in debian.iter().zip(by_dpkg(&texts_of(&debian))) {
        assert_eq!(a.cmp(b), said, "Dpkg::Version: {a} and {b}");
    }
    for ((a, b), said) in rpm.iter().zip(by_rpm(&texts_of(&rpm))) {
        assert_eq!(a.cmp(b), said, "rpm.vercmp: {a} and {b}");
    }

    let mut tags = BTreeMap::new();
    for (((a, b), (debian_a, debian_b)), (rpm_a, rpm_b)) in versions.iter().zip(&debian).zip(&rpm) {
        for version in [a, b] {
            let known = tags.entry(oci_tag(version)).or_insert_with(|| version.to_string());
            assert_eq!(*known, version.to_string(), "one image tag");
        }
        // the labels of two builds of one version have no order worth keeping
        let public = |version: &Version| version.clone().without_local();
        if public(a) == public(b) && !a.local().is_empty() && !b.local().is_empty() {
            continue;
        }
        assert_eq!(a.cmp(b), debian_a.cmp(debian_b), "{a} and {b} are {debian_a} and {debian_b}");
        assert_eq!(a.cmp(b), rpm_a.cmp(rpm_b), "{a} and {b} are {rpm_a} and {rpm_b}");
        if let (Ok(semantic_a), Ok(semantic_b)) = (SemanticVersion::of(a), SemanticVersion::of(b)) {
            assert_eq!(a.cmp(b), semantic_a.cmp(&semantic_b), "{a} and {b} are {semantic_a} and {semantic_b}");
        }
    }
}

/// A version near one release, so that neighbours meet often.
fn python_version(random: &mut Rng) -> Version {
    let mut text = String::new();
    if random.u8(..10) == 0 {
        text += &format!("{}!", random.u8(1..3));
    }
    let numbers: Vec<String> = (0..random.usize(1..5)).map(|_| random.u8(..3).to_string()).collect();
    text += &numbers.join(".");
    if random.u8(..3) == 0 {
        text += &format!("{}{}", ["a", "b", "rc"][random.usize(..3)], random.u8(..12));
    }
    if random.u8(..4) == 0 {
        text += &format!(".post{}", random.u8(..12));
    }
    if random.u8(..3) == 0 {
        text += &format!(".dev{}", random.u8(..12));
    }
    if random.u8(..4) == 0 {
        text += ["+d1a2b3c4d", "+zeta.7", "+7", "+fix.x.d00000001"][random.usize(..4)];
    }
    text.parse().expect("a version")
}

const DEBIAN: &[&str] = &["0", "1", "9", "10", "01", ".", "~", "+", "a", "b", "rc", "dev", "Z", "~~", "-1", "-0"];
const RPM: &[&str] = &["0", "1", "9", "10", "01", ".", "~", "^", "+", "_", "a", "b", "rc", "dev", "Z", "~~", "^^"];

/// Two texts that meet every rule of an order.
fn foreign<V: std::str::FromStr<Err: std::fmt::Debug>>(random: &mut Rng, pieces: &[&str]) -> (V, V) {
    let mut one = || {
        let tail: String = (0..random.usize(..5)).map(|_| pieces[random.usize(..pieces.len())]).collect();
        format!("1{tail}").trim_end_matches('-').parse().expect("a version")
    };
    (one(), one())
}

fn texts_of<V: ToString>(pairs: &[(V, V)]) -> Vec<(String, String)> {
    pairs.iter().map(|(a, b)| (a.to_string(), b.to_string())).collect()
}

fn by_packaging(pairs: &[(String, String)]) -> Vec<Ordering> {
    let script = "\
import sys
from packaging.version import Version
for line in open(sys.argv[1]):
    a, b = map(Version, line.split())
    print((a > b) - (a < b))
";
    let python = Python::with(&["packaging"]);
    asked(pairs, |file| python.run("python", &["-c", script, file]))
}

fn by_dpkg(pairs: &[(String, String)]) -> Vec<Ordering> {
    let script = "\
use Dpkg::Version;
while (<>) { my ($a, $b) = split; print version_compare($a, $b), \"\\n\"; }
";
    asked(pairs, |file| Outcome::of(&Command::new("perl").args(["-e", script, file]).output().expect("perl")))
}

fn by_rpm(pairs: &[(String, String)]) -> Vec<Ordering> {
    // in a file of its own, for `%` begins a macro
    let script = tempfile::NamedTempFile::new().expect("a temporary file");
    let lua = "\
for line in io.lines(pairs_file) do
  local a, b = line:match('(%S+) (%S+)')
  io.write(rpm.vercmp(a, b), '\\n')
end
";
    fs::write(script.path(), lua).expect("a file can be written");
    asked(pairs, |file| {
        let evaluated = format!("%{{lua: pairs_file = '{file}' dofile('{}')}}", script.path().display());
        Outcome::of(&Command::new("rpm").args(["--eval", &evaluated]).output().expect("rpm"))
    })
}

/// What a program says of pairs that it reads from a file: -1, 0 or 1 a line.
fn asked(pairs: &[(String, String)], program: impl Fn(&str) -> Outcome) -> Vec<Ordering> {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    let lines: String = pairs.iter().map(|(a, b)| format!("{a} {b}\n")).collect();
    fs::write(file.path(), lines).expect("a file can be written");
    let outcome = program(&file.path().to_string_lossy()).ends_with(0);
    let orders: Vec<Ordering> =
        outcome.stdout.split_whitespace().map(|word| word.parse::<i64>().expect("a number").cmp(&0)).collect();
    assert_eq!(orders.len(), pairs.len(), "{}", outcome.stderr);
    orders
}
