//! Requirements (PEP 508): `uvicorn[standard]>=0.30,<1; python_version >= "3.9"`.

use std::{fmt, str::FromStr};

use pep440_rs::{Operator, Version, VersionSpecifiers};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::python::{
    marker::{Environment, Marker},
    name::normalize,
    requirement_parser::Parser,
};

/// What some code needs: a distribution, which versions of it, and when.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Requirement {
    /// The name, normalised (PEP 503).
    pub name: String,
    /// Extras, normalised, in the order written.
    pub extras: Vec<String>,
    /// Versions; empty for any.
    pub specifiers: VersionSpecifiers,
    /// A direct reference (`name @ URL`); there are no specifiers then.
    pub url: Option<String>,
    /// When it applies; `None` for always.
    pub marker: Option<Marker>,
}

impl Requirement {
    /// Any version of a distribution.
    #[must_use]
    pub fn any(name: &str) -> Self {
        Self {
            name: normalize(name),
            extras: Vec::new(),
            specifiers: VersionSpecifiers::empty(),
            url: None,
            marker: None,
        }
    }

    /// Whether it applies in `environment`.
    #[must_use]
    pub fn applies(&self, environment: &Environment) -> bool {
        self.marker.as_ref().is_none_or(|marker| marker.holds(environment))
    }

    /// The version, where exactly one is allowed: `==1.2.3`.
    #[must_use]
    pub fn pin(&self) -> Option<&Version> {
        match &*self.specifiers {
            [only] if matches!(only.operator(), Operator::Equal | Operator::ExactEqual) => Some(only.version()),
            _ => None,
        }
    }
}

impl fmt::Display for Requirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if !self.extras.is_empty() {
            write!(f, "[{}]", self.extras.join(","))?;
        }
        let specifiers: Vec<String> = self.specifiers.iter().map(ToString::to_string).collect();
        f.write_str(&specifiers.join(","))?;
        if let Some(url) = &self.url {
            write!(f, " @ {url}")?;
        }
        match &self.marker {
            // A semicolon may be part of a URL: only white space ends one.
            Some(marker) if self.url.is_some() => write!(f, " ; {marker}"),
            Some(marker) => write!(f, "; {marker}"),
            None => Ok(()),
        }
    }
}

impl Serialize for Requirement {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Requirement {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A text that is no requirement or marker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequirementError {
    /// The text.
    pub text: String,
    /// What is wrong with it, and where.
    pub problem: String,
}

impl fmt::Display for RequirementError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a requirement: {}", self.text, self.problem)
    }
}

impl std::error::Error for RequirementError {}

impl FromStr for Requirement {
    type Err = RequirementError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |problem| RequirementError { text: text.to_owned(), problem };
        Parser(text).requirement().map_err(error)
    }
}

impl FromStr for Marker {
    type Err = RequirementError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let error = |problem| RequirementError { text: text.to_owned(), problem };
        Parser(text).marker().map_err(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment() -> Environment {
        Environment {
            os_name: "posix".into(),
            sys_platform: "linux".into(),
            platform_machine: "x86_64".into(),
            platform_python_implementation: "CPython".into(),
            platform_release: "6.1.0-13-amd64".into(),
            platform_system: "Linux".into(),
            platform_version: "#1 SMP".into(),
            python_version: "3.11".into(),
            python_full_version: "3.11.2".into(),
            implementation_name: "cpython".into(),
            implementation_version: "3.11.2".into(),
            ..Environment::default()
        }
    }

    fn parse(text: &str) -> Requirement {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    /// The table at the end of PEP 508.
    #[test]
    fn the_examples_of_the_standard_are_read() {
        for text in [
            "A",
            "A.B-C_D",
            "aa",
            "name",
            "name<=1",
            "name>=3",
            "name>=3,",
            "name>=3,<2",
            "name@http://foo.com",
            "name [fred,bar] @ http://foo.com ; python_version=='2.7'",
            "name[quux, strange];python_version<'2.7' and platform_version=='2'",
            "name; os_name=='a' or os_name=='b'",
            "name; os_name=='a' and os_name=='b'",
            "name; os_name=='a' and os_name=='b' or os_name=='c'",
            "name; os_name=='a' and (os_name=='b' or os_name=='c')",
            "name; os_name=='a' or os_name=='b' and os_name=='c'",
            "name; (os_name=='a' or os_name=='b') and os_name=='c'",
            "requests [security,tests] >= 2.8.1, == 2.8.* ; python_version < \"2.7\"",
            "pip @ https://github.com/pypa/pip/archive/1.3.1.zip#sha1=da9234ee9982d4bbb3c72346a6de940a148ea686",
            "name (>=1.0, <2) ; 'linux' in sys_platform",
            "name; (os_name=='a' and os_name=='b') and ((os_name=='c' or os_name=='d') or os_name=='e')",
            "name[]",
            "name===1.0",
            "name~=1.4.2 ; python_implementation == 'CPython' and os.name != 'nt'",
        ] {
            let requirement = parse(text);
            assert_eq!(parse(&requirement.to_string()), requirement, "{text} became {requirement}");
        }
    }

    #[test]
    fn requirements_are_written_in_one_form() {
        let display = |text| parse(text).to_string();
        assert_eq!(display("Foo.Bar [B_c, a] >= 1.0 , < 2"), "foo-bar[b-c,a]>=1.0,<2");
        assert_eq!(display("x @ https://h/x.zip;v ; os_name == \"nt\""), "x @ https://h/x.zip;v ; os_name == 'nt'");
        assert_eq!(
            display("x;(os_name=='a' or os_name=='b') and (os_name=='c' and extra==\"it's\")"),
            "x; (os_name == 'a' or os_name == 'b') and os_name == 'c' and extra == \"it's\""
        );
    }

    #[test]
    fn a_pin_is_exactly_one_version() {
        assert_eq!(parse("x==1.2").pin().map(ToString::to_string).as_deref(), Some("1.2"));
        assert_eq!(parse("x==1.*").pin(), None);
        assert_eq!(parse("x>=1.2").pin(), None);
    }

    #[test]
    fn markers_are_evaluated_against_an_environment() {
        let environment = environment().with_extras(["Async_IO"]);
        let holds = |text: &str| text.parse::<Marker>().unwrap_or_else(|error| panic!("{error}")).holds(&environment);
        for text in [
            "python_version >= '3.9'",
            "python_version < '3.100'",
            "'3.9' < python_version",
            "python_version in '3.10 3.11'",
            "python_full_version == '3.11.*'",
            "python_version ~= '3.8'",
            "platform_release == '6.1.0-13-amd64'",
            "sys_platform == 'win32' or os_name == 'posix' and 'linux' in sys_platform",
            "(sys_platform == 'win32' or os_name == 'posix') and platform_python_implementation != 'PyPy'",
            "extra == 'async-io'",
            "'async_io' in extras",
            "extra != 'dotenv'",
            "'dotenv' not in dependency_groups",
        ] {
            assert!(holds(text), "{text}");
        }
        for text in [
            "python_version < '3.9'",
            "python_version >= '3.100'",
            "sys_platform == 'win32'",
            "platform_release >= '6'",
            "sys_platform > 'aix'",
            "extra == 'dotenv'",
            "implementation_name not in 'cpython pypy'",
            "python_version == '3.10' or (python_version == '3.11' and os_name == 'nt')",
        ] {
            assert!(!holds(text), "{text}");
        }
    }

    #[test]
    fn a_mistake_is_pointed_at() {
        let problem = |text: &str| text.parse::<Requirement>().unwrap_err().to_string();
        assert_eq!(problem(""), "`` is not a requirement: a name is expected at its end");
        assert_eq!(problem("x y"), "`x y` is not a requirement: a comparison such as `>=1.0` is expected at `y`");
        assert_eq!(problem("x>=one"), "`x>=one` is not a requirement: `>=one` is not a set of versions (PEP 440)");
        assert_eq!(problem("x[a"), "`x[a` is not a requirement: `,` is expected at its end");
        assert_eq!(problem("x; so_name == 'a'"), {
            "`x; so_name == 'a'` is not a requirement: `so_name` is not a variable of an environment"
        });
        assert_eq!(problem("x; os_name == 'a"), "`x; os_name == 'a` is not a requirement: the quote 'a does not end");
        assert_eq!(problem("x; os_name == 'a' b"), {
            "`x; os_name == 'a' b` is not a requirement: the end is expected at `b`"
        });
        assert_eq!(problem("x; 'a' == 'b'"), {
            "`x; 'a' == 'b'` is not a requirement: neither 'a' nor 'b' is a variable of an environment"
        });
        assert_eq!(problem("-e ."), "`-e .` is not a requirement: a name is expected at `-e .`");
    }

    #[test]
    fn requirements_serialise_as_text() -> serde_json::Result<()> {
        let requirement = parse("x>=1; os_name == 'nt'");
        let text = serde_json::to_string(&requirement)?;
        assert_eq!(text, r#""x>=1; os_name == 'nt'""#);
        assert_eq!(serde_json::from_str::<Requirement>(&text)?, requirement);
        Ok(())
    }
}
