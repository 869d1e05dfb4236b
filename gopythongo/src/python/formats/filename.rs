//! What the file names of wheels and sdists say.

use std::{fmt, str::FromStr};

use pep440_rs::Version;

use crate::python::{DistributionError, name};

/// A parsed file name of a distribution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FileName {
    /// `money-1.5.0-py3-none-any.whl`.
    Wheel(WheelName),
    /// `money-1.5.0.tar.gz`.
    Sdist(SdistName),
}

/// The file name of a wheel: `NAME-VERSION[-BUILD]-PYTHON-ABI-PLATFORM.whl` (PEP 427).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WheelName {
    /// The package, normalised.
    pub name: String,
    /// The version.
    pub version: Version,
    /// The build tag: it begins with a digit.
    pub build: Option<String>,
    /// Python tags (PEP 425), as a dotted set: `py2.py3`.
    pub python: String,
    /// ABI tags, as a dotted set.
    pub abi: String,
    /// Platform tags, as a dotted set.
    pub platform: String,
}

/// The file name of an sdist: `NAME-VERSION.tar.gz` (PEP 625); older ones with dashes in their names and `.zip` are read too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SdistName {
    /// The package, normalised.
    pub name: String,
    /// The version.
    pub version: Version,
}

impl FileName {
    /// The package, normalised.
    #[must_use]
    pub fn name(&self) -> &str {
        match self {
            Self::Wheel(wheel) => &wheel.name,
            Self::Sdist(sdist) => &sdist.name,
        }
    }

    /// The version.
    #[must_use]
    pub fn version(&self) -> &Version {
        match self {
            Self::Wheel(wheel) => &wheel.version,
            Self::Sdist(sdist) => &sdist.version,
        }
    }
}

impl WheelName {
    /// All single tags that the compressed sets stand for: `py2.py3-none-any` is two of them.
    #[must_use]
    pub fn tags(&self) -> Vec<String> {
        let mut tags = Vec::new();
        for python in self.python.split('.') {
            for abi in self.abi.split('.') {
                for platform in self.platform.split('.') {
                    tags.push(format!("{python}-{abi}-{platform}"));
                }
            }
        }
        tags
    }
}

impl fmt::Display for FileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.name().replace('-', "_");
        match self {
            Self::Wheel(wheel) => {
                write!(f, "{name}-{}", wheel.version)?;
                if let Some(build) = &wheel.build {
                    write!(f, "-{build}")?;
                }
                write!(f, "-{}-{}-{}.whl", wheel.python, wheel.abi, wheel.platform)
            }
            Self::Sdist(sdist) => write!(f, "{name}-{}.tar.gz", sdist.version),
        }
    }
}

impl FromStr for FileName {
    type Err = DistributionError;

    /// Parses the last component of a path.
    ///
    /// # Errors
    /// When it is neither a wheel's nor an sdist's.
    fn from_str(file: &str) -> Result<Self, Self::Err> {
        if let Some(stem) = file.strip_suffix(".whl") {
            return wheel(file, stem).map(Self::Wheel);
        }
        match file.strip_suffix(".tar.gz").or_else(|| file.strip_suffix(".zip")) {
            Some(stem) => sdist(file, stem).map(Self::Sdist),
            None => Err(DistributionError::new(format!("`{file}` is neither a wheel nor an sdist"))
                .with_hint("a wheel ends in `.whl`, an sdist in `.tar.gz`")),
        }
    }
}

fn wheel(file: &str, stem: &str) -> Result<WheelName, DistributionError> {
    let error = |why: &str| DistributionError::new(format!("`{file}` is not the name of a wheel: {why}"));
    let parts: Vec<&str> = stem.split('-').collect();
    let (head, build, tags) = match parts.as_slice() {
        [name, version, tags @ ..] if tags.len() == 3 => ((*name, *version), None, tags),
        [name, version, build, tags @ ..] if tags.len() == 3 => ((*name, *version), Some(*build), tags),
        _ => return Err(error("it must have 5 or 6 parts with `-` between them")),
    };
    if !name::is_name(head.0) {
        return Err(error(&format!("`{}` is not a package's name", head.0)));
    }
    let version = head.1.replace('_', "-").parse().map_err(|_| error(&format!("`{}` is not a version", head.1)))?;
    if let Some(build) = build
        && !(build.starts_with(|c: char| c.is_ascii_digit()) && build.chars().all(is_tag_character))
    {
        return Err(error(&format!("the build tag `{build}` does not begin with a digit")));
    }
    if let Some(tag) = tags.iter().find(|tag| tag.is_empty() || !tag.chars().all(is_tag_character)) {
        return Err(error(&format!("`{tag}` is not a tag")));
    }
    Ok(WheelName {
        name: name::normalize(head.0),
        version,
        build: build.map(str::to_owned),
        python: tags[0].to_owned(),
        abi: tags[1].to_owned(),
        platform: tags[2].to_owned(),
    })
}

fn is_tag_character(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.')
}

/// The name ends at the first dash after which a version stands: PEP 625 names have no other dash, older ones may.
fn sdist(file: &str, stem: &str) -> Result<SdistName, DistributionError> {
    stem.match_indices('-')
        .find_map(|(dash, _)| {
            let version = stem[dash + 1..].parse().ok()?;
            name::is_name(&stem[..dash]).then(|| SdistName { name: name::normalize(&stem[..dash]), version })
        })
        .ok_or_else(|| {
            DistributionError::new(format!("`{file}` is not the name of an sdist: it must be `NAME-VERSION.tar.gz`"))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(file: &str) -> FileName {
        file.parse().expect(file)
    }

    #[test]
    fn a_wheel_name_is_taken_apart() {
        let FileName::Wheel(wheel) = parse("Zope_Interface-5.0-1abc-py2.py3-none-manylinux_2_17_x86_64.any.whl") else {
            panic!("a wheel")
        };
        assert_eq!((wheel.name.as_str(), wheel.build.as_deref()), ("zope-interface", Some("1abc")));
        assert_eq!(wheel.version.to_string(), "5.0");
        assert_eq!(wheel.tags().len(), 4);
        assert_eq!(wheel.tags()[0], "py2-none-manylinux_2_17_x86_64");
    }

    #[test]
    fn versions_are_normalised() {
        assert_eq!(parse("money-1.5.0RC1-py3-none-any.whl").version().to_string(), "1.5.0rc1");
        assert_eq!(parse("money-1.5+Branch_1-py3-none-any.whl").version().to_string(), "1.5+branch.1");
        assert_eq!(parse("money-1.5.0RC1-py3-none-any.whl").to_string(), "money-1.5.0rc1-py3-none-any.whl");
    }

    #[test]
    fn an_old_sdist_name_may_hold_dashes() {
        for (file, name, version) in [
            ("money-1.5.0.tar.gz", "money", "1.5.0"),
            ("my-old-money-1.5.zip", "my-old-money", "1.5"),
            ("money-2-1.0-1.tar.gz", "money-2", "1.0.post1"),
        ] {
            assert_eq!((parse(file).name(), parse(file).version().to_string().as_str()), (name, version), "{file}");
        }
    }

    #[test]
    fn other_names_are_refused_with_the_reason() {
        for (file, why) in [
            ("money-1.0-py3-none.whl", "5 or 6 parts"),
            ("money-one-py3-none-any.whl", "`one` is not a version"),
            ("money-1.0-x-py3-none-any.whl", "build tag `x`"),
            ("../money-1.0-py3-none-any.whl", "not a package's name"),
            ("money.tar.gz", "`NAME-VERSION.tar.gz`"),
            ("money-1.0.exe", "neither a wheel nor an sdist"),
            ("money-1.0-py3-none-a/b.whl", "is not a tag"),
        ] {
            let error = file.parse::<FileName>().expect_err(file).to_string();
            assert!(error.contains(why) && error.contains(file), "{error}");
        }
    }
}
