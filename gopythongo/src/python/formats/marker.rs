//! Environment markers (PEP 508): `python_version < "3.10" and sys_platform == "win32"`.

use std::{collections::BTreeSet, fmt};

use pep440_rs::{Version, VersionSpecifier};
use serde::{Deserialize, Serialize};

use crate::python::name::normalize;

/// What markers are evaluated against: one interpreter on one machine.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Environment {
    /// `posix`.
    pub os_name: String,
    /// `linux`.
    pub sys_platform: String,
    /// `x86_64`.
    pub platform_machine: String,
    /// `CPython`.
    pub platform_python_implementation: String,
    /// `6.1.0-13-amd64`.
    pub platform_release: String,
    /// `Linux`.
    pub platform_system: String,
    /// `#1 SMP PREEMPT_DYNAMIC Debian 6.1.55-1`.
    pub platform_version: String,
    /// `3.11`.
    pub python_version: String,
    /// `3.11.2`.
    pub python_full_version: String,
    /// `cpython`.
    pub implementation_name: String,
    /// `3.11.2`.
    pub implementation_version: String,
    /// The extras asked for, normalised: what `extra == "x"` looks at.
    pub extras: BTreeSet<String>,
    /// The dependency groups asked for: what `"x" in dependency_groups` looks at (PEP 751).
    pub dependency_groups: BTreeSet<String>,
}

impl Environment {
    /// A Python program that prints its interpreter's environment as JSON, to be read with serde.
    pub const PROBE: &'static str = r#"
import json, os, platform, sys
def version(info):
    text = "%d.%d.%d" % tuple(info[:3])
    return text if info[3] == "final" else text + info[3][0] + str(info[4])
implementation = getattr(sys, "implementation", None)
print(json.dumps({
    "os_name": os.name,
    "sys_platform": sys.platform,
    "platform_machine": platform.machine(),
    "platform_python_implementation": platform.python_implementation(),
    "platform_release": platform.release(),
    "platform_system": platform.system(),
    "platform_version": platform.version(),
    "python_version": ".".join(platform.python_version_tuple()[:2]),
    "python_full_version": platform.python_version(),
    "implementation_name": implementation.name if implementation else "",
    "implementation_version": version(implementation.version) if implementation else "0",
}))
"#;

    /// The environment with these extras instead of its own.
    #[must_use]
    pub fn with_extras<S: AsRef<str>>(mut self, extras: impl IntoIterator<Item = S>) -> Self {
        self.extras = extras.into_iter().map(|extra| normalize(extra.as_ref())).collect();
        self
    }
}

/// A variable of the environment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::python) enum Variable {
    OsName,
    SysPlatform,
    PlatformMachine,
    PlatformPythonImplementation,
    PlatformRelease,
    PlatformSystem,
    PlatformVersion,
    PythonVersion,
    PythonFullVersion,
    ImplementationName,
    ImplementationVersion,
    Extra,
    Extras,
    DependencyGroups,
}

impl Variable {
    const NAMES: [(&'static str, Self); 14] = [
        ("os_name", Self::OsName),
        ("sys_platform", Self::SysPlatform),
        ("platform_machine", Self::PlatformMachine),
        ("platform_python_implementation", Self::PlatformPythonImplementation),
        ("platform_release", Self::PlatformRelease),
        ("platform_system", Self::PlatformSystem),
        ("platform_version", Self::PlatformVersion),
        ("python_version", Self::PythonVersion),
        ("python_full_version", Self::PythonFullVersion),
        ("implementation_name", Self::ImplementationName),
        ("implementation_version", Self::ImplementationVersion),
        ("extra", Self::Extra),
        ("extras", Self::Extras),
        ("dependency_groups", Self::DependencyGroups),
    ];

    /// Names of before PEP 508 that setuptools wrote, and still writes, into metadata.
    const OLD_NAMES: [(&'static str, Self); 6] = [
        ("os.name", Self::OsName),
        ("sys.platform", Self::SysPlatform),
        ("platform.machine", Self::PlatformMachine),
        ("platform.version", Self::PlatformVersion),
        ("platform.python_implementation", Self::PlatformPythonImplementation),
        ("python_implementation", Self::PlatformPythonImplementation),
    ];

    pub(in crate::python) fn named(name: &str) -> Option<Self> {
        Self::NAMES.iter().chain(&Self::OLD_NAMES).find(|(known, _)| *known == name).map(|(_, variable)| *variable)
    }

    fn name(self) -> &'static str {
        Self::NAMES.iter().find(|(_, variable)| *variable == self).map_or("", |(name, _)| name)
    }

    fn is_version(self) -> bool {
        matches!(
            self,
            Self::PythonVersion | Self::PythonFullVersion | Self::ImplementationVersion | Self::PlatformRelease
        )
    }

    /// The value, of a variable that has exactly one.
    fn value(self, environment: &Environment) -> &str {
        match self {
            Self::OsName => &environment.os_name,
            Self::SysPlatform => &environment.sys_platform,
            Self::PlatformMachine => &environment.platform_machine,
            Self::PlatformPythonImplementation => &environment.platform_python_implementation,
            Self::PlatformRelease => &environment.platform_release,
            Self::PlatformSystem => &environment.platform_system,
            Self::PlatformVersion => &environment.platform_version,
            Self::PythonVersion => &environment.python_version,
            Self::PythonFullVersion => &environment.python_full_version,
            Self::ImplementationName => &environment.implementation_name,
            Self::ImplementationVersion => &environment.implementation_version,
            Self::Extra | Self::Extras | Self::DependencyGroups => "",
        }
    }

    /// The values, of a variable that is a set.
    fn set(self, environment: &Environment) -> Option<&BTreeSet<String>> {
        match self {
            Self::Extra | Self::Extras => Some(&environment.extras),
            Self::DependencyGroups => Some(&environment.dependency_groups),
            _ => None,
        }
    }
}

/// One side of a comparison.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::python) enum Term {
    Variable(Variable),
    Literal(String),
}

impl Term {
    fn value<'a>(&'a self, environment: &'a Environment) -> &'a str {
        match self {
            Self::Variable(variable) => variable.value(environment),
            Self::Literal(text) => text,
        }
    }
}

impl fmt::Display for Term {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Variable(variable) => f.write_str(variable.name()),
            Self::Literal(text) if text.contains('\'') => write!(f, "\"{text}\""),
            Self::Literal(text) => write!(f, "'{text}'"),
        }
    }
}

/// How two sides are compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::python) enum Comparison {
    Less,
    LessEqual,
    Equal,
    NotEqual,
    GreaterEqual,
    Greater,
    Compatible,
    Identical,
    In,
    NotIn,
}

impl Comparison {
    /// Longer spellings first, so that none hides behind its own beginning.
    pub(in crate::python) const SYMBOLS: [(&'static str, Self); 8] = [
        ("===", Self::Identical),
        ("==", Self::Equal),
        ("!=", Self::NotEqual),
        ("<=", Self::LessEqual),
        (">=", Self::GreaterEqual),
        ("~=", Self::Compatible),
        ("<", Self::Less),
        (">", Self::Greater),
    ];

    fn symbol(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::NotIn => "not in",
            _ => Self::SYMBOLS.iter().find(|(_, comparison)| *comparison == self).map_or("", |(symbol, _)| symbol),
        }
    }

    /// Texts have no order: what is no version is neither less nor greater (dependency specifiers, as of 2025).
    fn of_texts(self, left: &str, right: &str) -> bool {
        match self {
            Self::Less | Self::Greater | Self::Compatible => false,
            Self::LessEqual | Self::Equal | Self::GreaterEqual | Self::Identical => left == right,
            Self::NotEqual => left != right,
            Self::In => right.contains(left),
            Self::NotIn => !right.contains(left),
        }
    }
}

/// A marker: when a requirement applies.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Marker(pub(in crate::python) Tree);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(in crate::python) enum Tree {
    And(Vec<Tree>),
    Or(Vec<Tree>),
    Compare(Term, Comparison, Term),
}

impl Marker {
    /// Whether a requirement with this marker applies in `environment`.
    #[must_use]
    pub fn holds(&self, environment: &Environment) -> bool {
        self.0.holds(environment)
    }

    /// Whether the marker asks for an extra anywhere.
    #[must_use]
    pub fn mentions_extra(&self) -> bool {
        self.0.mentions_extra()
    }
}

impl Tree {
    /// All of them hold. Brackets around what needs none are forgotten, so that equal markers have one form.
    pub(in crate::python) fn all(trees: Vec<Self>) -> Self {
        let flat = trees.into_iter().flat_map(|tree| match tree {
            Self::And(trees) => trees,
            tree => vec![tree],
        });
        Self::one_or(flat.collect(), Self::And)
    }

    /// One of them holds.
    pub(in crate::python) fn any(trees: Vec<Self>) -> Self {
        let flat = trees.into_iter().flat_map(|tree| match tree {
            Self::Or(trees) => trees,
            tree => vec![tree],
        });
        Self::one_or(flat.collect(), Self::Or)
    }

    fn one_or(mut trees: Vec<Self>, many: impl FnOnce(Vec<Self>) -> Self) -> Self {
        match trees.pop() {
            Some(only) if trees.is_empty() => only,
            last => {
                trees.extend(last);
                many(trees)
            }
        }
    }

    fn holds(&self, environment: &Environment) -> bool {
        match self {
            Self::And(all) => all.iter().all(|tree| tree.holds(environment)),
            Self::Or(any) => any.iter().any(|tree| tree.holds(environment)),
            Self::Compare(left, comparison, right) => compare(left, *comparison, right, environment),
        }
    }

    fn mentions_extra(&self) -> bool {
        match self {
            Self::And(trees) | Self::Or(trees) => trees.iter().any(Self::mentions_extra),
            Self::Compare(left, _, right) => {
                [left, right].iter().any(|term| matches!(term, Term::Variable(Variable::Extra | Variable::Extras)))
            }
        }
    }
}

fn compare(left: &Term, comparison: Comparison, right: &Term, environment: &Environment) -> bool {
    let variable = match (left, right) {
        (Term::Variable(variable), _) | (_, Term::Variable(variable)) => Some(*variable),
        _ => None,
    };
    if let Some(set) = variable.and_then(|variable| variable.set(environment)) {
        let ((Term::Literal(name), _) | (_, Term::Literal(name))) = (left, right) else { return false };
        let has = set.contains(&normalize(name));
        return has != matches!(comparison, Comparison::NotEqual | Comparison::NotIn);
    }
    let (left, right) = (left.value(environment), right.value(environment));
    if variable.is_some_and(Variable::is_version)
        && !matches!(comparison, Comparison::In | Comparison::NotIn)
        && let Ok(specifier) = format!("{}{right}", comparison.symbol()).parse::<VersionSpecifier>()
        && let Ok(version) = left.parse::<Version>()
    {
        return specifier.contains(&version);
    }
    comparison.of_texts(left, right)
}

impl fmt::Display for Marker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Tree {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compare(left, comparison, right) => write!(f, "{left} {} {right}", comparison.symbol()),
            Self::Or(any) => joined(f, any, " or ", |_| false),
            Self::And(all) => joined(f, all, " and ", |tree| matches!(tree, Self::Or(_))),
        }
    }
}

fn joined(
    f: &mut fmt::Formatter<'_>,
    trees: &[Tree],
    word: &str,
    needs_brackets: impl Fn(&Tree) -> bool,
) -> fmt::Result {
    for (n, tree) in trees.iter().enumerate() {
        if n > 0 {
            f.write_str(word)?;
        }
        if needs_brackets(tree) {
            write!(f, "({tree})")?;
        } else {
            write!(f, "{tree}")?;
        }
    }
    Ok(())
}
