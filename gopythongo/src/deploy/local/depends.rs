//! Whether what a package depends on is installed, where dpkg knows.

use std::process::{Command, Stdio};

use crate::{
    run::Failure,
    support::words::{list, shell},
};

/// One name in a relation, with the version that it asks for (Debian Policy 7.1).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Alternative {
    name: String,
    /// The operator as dpkg takes it, and the version.
    version: Option<(String, String)>,
}

/// An installed package, or a name that one provides.
#[derive(Debug)]
struct Installed {
    name: String,
    version: Option<String>,
}

/// Checks the `Depends` of a control paragraph against dpkg's database.
///
/// # Errors
/// When something is missing, with the command that installs it.
pub(super) fn check(control: &str, say: &dyn Fn(&str)) -> Result<(), Failure> {
    let relations = relations(&field(control, "Depends"));
    if relations.is_empty() {
        return Ok(());
    }
    let Some(installed) = installed() else {
        say("cannot look whether its dependencies are installed: there is no `dpkg-query` here");
        return Ok(());
    };
    let missing: Vec<&Vec<Alternative>> =
        relations.iter().filter(|any| !any.iter().any(|one| is_satisfied(one, &installed))).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<String> = missing.iter().map(|any| format!("`{}`", shown(any))).collect();
    let first: Vec<String> = missing.iter().filter_map(|any| any.first()).map(|one| shell(&one.name)).collect();
    Err(Failure::lacking(format!("this machine lacks what the package depends on: {}", list(&names)))
        .hint(format!("apt-get install {}", first.join(" "))))
}

fn shown(any: &[Alternative]) -> String {
    let one = |one: &Alternative| match &one.version {
        Some((operator, version)) => format!("{} ({operator} {version})", one.name),
        None => one.name.clone(),
    };
    any.iter().map(one).collect::<Vec<_>>().join(" | ")
}

/// A field of a control paragraph, its continuation lines joined.
fn field(control: &str, name: &str) -> String {
    let mut value = String::new();
    let mut inside = false;
    for line in control.lines() {
        if line.starts_with([' ', '\t']) {
            if inside {
                value.push_str(line);
            }
            continue;
        }
        inside = line.split_once(':').is_some_and(|(key, _)| key.eq_ignore_ascii_case(name));
        if inside {
            value.push_str(line.split_once(':').map_or("", |(_, rest)| rest));
        }
    }
    value
}

fn relations(text: &str) -> Vec<Vec<Alternative>> {
    let clauses = text.split(',').map(str::trim).filter(|clause| !clause.is_empty());
    clauses.map(|clause| clause.split('|').map(|one| alternative(one.trim())).collect()).collect()
}

fn alternative(text: &str) -> Alternative {
    let (name, rest) = text.split_once('(').unwrap_or((text, ""));
    // `name:any` is about the architecture, and this machine has one
    let name = name.trim().split(':').next().unwrap_or_default().to_owned();
    let rest = rest.trim_end_matches(')').trim();
    let split = rest.find(|c: char| !"<>=".contains(c)).unwrap_or(0);
    let (operator, version) = rest.split_at(split);
    let version = (!operator.is_empty()).then(|| (operator.to_owned(), version.trim().to_owned()));
    Alternative { name, version }
}

fn is_satisfied(wanted: &Alternative, installed: &[Installed]) -> bool {
    installed.iter().filter(|package| package.name == wanted.name).any(|package| {
        match (&wanted.version, &package.version) {
            (None, _) => true,
            (Some((operator, version)), Some(found)) => compares(found, operator, version),
            (Some(_), None) => false,
        }
    })
}

fn compares(found: &str, operator: &str, version: &str) -> bool {
    let compared =
        Command::new("dpkg").args(["--compare-versions", found, operator, version]).stdin(Stdio::null()).status();
    compared.is_ok_and(|status| status.success())
}

/// All that is installed and what that provides; `None` without dpkg.
fn installed() -> Option<Vec<Installed>> {
    let output = Command::new("dpkg-query")
        .args(["--show", "--showformat", "${db:Status-Status}\t${Package}\t${Version}\t${Provides}\n"])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .ok()?;
    let text = String::from_utf8_lossy(&output.stdout);
    let mut found = Vec::new();
    for line in text.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let &["installed", name, version, provides] = fields.as_slice() else { continue };
        found.push(Installed { name: name.to_owned(), version: Some(version.to_owned()) });
        for one in relations(provides).into_iter().flatten() {
            found.push(Installed { name: one.name, version: one.version.map(|(_, version)| version) });
        }
    }
    (!found.is_empty()).then_some(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn relations_are_read_as_policy_has_them() {
        let control =
            "Package: shop\nDepends: python3 (>= 3.11), python3:any(<<3.12),\n libpq5 | libpq4 (= 4-1)\nVersion: 1\n";
        let shown: Vec<String> = relations(&field(control, "Depends")).iter().map(|any| shown(any)).collect();
        assert_eq!(shown, ["python3 (>= 3.11)", "python3 (<< 3.12)", "libpq5 | libpq4 (= 4-1)"]);
        assert!(relations(&field(control, "Recommends")).is_empty());
    }

    #[test]
    fn a_provided_name_satisfies_but_no_version_that_is_not_given() {
        let installed = [Installed { name: "mail".to_owned(), version: None }];
        assert!(is_satisfied(&alternative("mail"), &installed));
        assert!(!is_satisfied(&alternative("mail (>= 1)"), &installed));
    }

    #[test]
    fn what_is_missing_is_named_with_the_command_that_installs_it() {
        if installed().is_none() {
            return;
        }
        let error = check("Depends: dpkg, no-such-thing (>= 2) | other", &|_| {}).expect_err("it is missing");
        assert_eq!(error.message, "this machine lacks what the package depends on: `no-such-thing (>= 2) | other`");
        assert_eq!(error.hint.as_deref(), Some("apt-get install no-such-thing"));
        check("Depends: dpkg (>= 1)", &|_| {}).expect("this is there");
    }
}
