//! What a run sees of the packages that its pipeline owns: what is staged, else what is in the channel, else nothing.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use pep440_rs::{Operator, Version};

use crate::python::{DistributionError, Environment, Metadata, Requirement};
use crate::{
    context::Context,
    run::Failure,
    store::{Generation, Release, Store},
    support::Digest,
};

/// The owned names, each with the release that the run's view shows.
#[derive(Debug, Default)]
pub(in crate::python) struct Owned(BTreeMap<String, Option<Seen>>);

/// A release of an owned name.
#[derive(Debug, Clone)]
pub(in crate::python) struct Seen {
    pub(in crate::python) version: Version,
    pub(in crate::python) payload: Digest,
    /// Staged by this run; otherwise it is in the channel.
    pub(in crate::python) staged: bool,
    /// `Requires-Dist` of its wheel.
    pub(in crate::python) requires: Vec<Requirement>,
}

/// Somebody requires an owned name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::python) struct Need {
    /// `catalog`, `the tests of catalog`.
    pub(in crate::python) by: String,
    pub(in crate::python) requirement: Requirement,
}

impl Owned {
    /// Looks at a run's stage and at the generation below it.
    pub(in crate::python) fn seen(store: &Store, run: &str, context: &Context) -> Result<Self, Failure> {
        let stage = store.stage(run, &context.channel)?;
        let base = match stage.base {
            0 => Generation::default(),
            number => (*store.generation(number)?).clone(),
        };
        let names = context.jobs.values().filter_map(|job| Some(&job.survey.distribution.as_ref()?.name));
        let mut owned = BTreeMap::new();
        for name in names {
            let staged = stage.staged.get(name);
            let release = staged.or_else(|| base.newest(&context.channel, name));
            let seen = release.map(|release| Seen::of(release, staged.is_some(), store)).transpose()?;
            owned.insert(name.clone(), seen);
        }
        Ok(Self(owned))
    }

    #[cfg(test)]
    pub(in crate::python) fn of(packages: impl IntoIterator<Item = (&'static str, Option<Seen>)>) -> Self {
        Self(packages.into_iter().map(|(name, seen)| (name.to_owned(), seen)).collect())
    }

    /// Whether the pipeline owns a name.
    pub(in crate::python) fn owns(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// The release of an owned name that the run sees.
    pub(in crate::python) fn get(&self, name: &str) -> Option<&Seen> {
        self.0.get(name)?.as_ref()
    }

    /// All needs of owned names that follow from `needs` by the metadata of what the run sees. `own` is the distribution
    /// under test with its requirements: it is not looked for, what it requires is.
    pub(in crate::python) fn reached(
        &self,
        needs: Vec<Need>,
        own: Option<(&str, &[Requirement])>,
        environment: &Environment,
    ) -> Vec<Need> {
        let mut found = Vec::new();
        let mut walked = BTreeSet::new();
        let mut waiting: std::collections::VecDeque<Need> = needs.into();
        while let Some(need) = waiting.pop_front() {
            let name = need.requirement.name.as_str();
            let requires = match (own, self.get(name)) {
                (Some((own, requires)), _) if own == name => requires,
                (_, seen) => {
                    if self.owns(name) && !found.contains(&need) {
                        found.push(need.clone());
                    }
                    seen.map_or(&[][..], |seen| &seen.requires)
                }
            };
            // one walk for each extra, as each has requirements of its own
            for extra in std::iter::once("").chain(need.requirement.extras.iter().map(String::as_str)) {
                if walked.insert((name.to_owned(), extra.to_owned())) {
                    let environment = environment.clone().with_extras((!extra.is_empty()).then_some(extra));
                    let applies = requires.iter().filter(|requirement| requirement.applies(&environment));
                    waiting.extend(
                        applies.map(|requirement| Need { by: name.to_owned(), requirement: requirement.clone() }),
                    );
                }
            }
        }
        found
    }

    /// Why what is needed cannot be had, if one of the owned names is the cause.
    pub(in crate::python) fn conflict(&self, needs: &[Need], channel: &str) -> Option<Failure> {
        needs.iter().find_map(|need| {
            let requirement = Requirement { marker: None, ..need.requirement.clone() };
            let name = &requirement.name;
            let Some(seen) = self.get(name) else {
                return Some(
                    Failure::new(format!(
                        "{} needs `{requirement}`, which this pipeline owns, but `{name}` is neither staged nor in channel \
                         `{channel}`",
                        need.by
                    ))
                    .hint(format!(
                        "`{name}` comes from a build that uploads it, such as `run --kind develop`; for the same run to use it, \
                         `{}` is to be downstream of it",
                        need.by
                    )),
                );
            };
            (!requirement.specifiers.contains(&seen.version)).then(|| {
                let place = if seen.staged { "staged" } else { "promoted" };
                let version = &seen.version;
                Failure::new(format!(
                    "{} requires `{requirement}`, but the {place} `{name}` is {version}, which {}",
                    need.by,
                    excluded(&requirement, version)
                ))
                .hint(match admitting(&requirement, version) {
                    Some(better) => format!("write `{better}`"),
                    None => format!("write a requirement that admits {version}"),
                })
            })
        })
    }
}

impl Seen {
    fn of(release: &Release, staged: bool, store: &Store) -> Result<Self, Failure> {
        let version = release
            .version
            .parse()
            .map_err(|error| Failure::refused(format!("the store holds the version `{}`: {error}", release.version)))?;
        let metadata = release.files.iter().find_map(|file| file.metadata);
        let requires = match metadata.map(|digest| store.blobs().path(&digest)) {
            Some(blob) => requires_dist(fs::read(&blob).map_err(Failure::io("cannot read", &blob))?)
                .map_err(|error| Failure::refused(format!("the store's `{}`: {error}", blob.display())))?,
            None => Vec::new(),
        };
        Ok(Self { version, payload: release.payload, staged, requires })
    }
}

/// `Requires-Dist` of core metadata. What is no requirement is left to the installer to complain about.
pub(in crate::python) fn requires_dist(metadata: Vec<u8>) -> Result<Vec<Requirement>, DistributionError> {
    let metadata = Metadata::parse(metadata)?;
    Ok(metadata.requires_dist.iter().filter_map(|text| text.parse().ok()).collect())
}

fn excluded(requirement: &Requirement, version: &Version) -> &'static str {
    let lower = requirement.specifiers.iter().any(|specifier| {
        matches!(specifier.operator(), Operator::GreaterThanEqual | Operator::GreaterThan | Operator::TildeEqual)
            && version < specifier.version()
    });
    if lower { "sorts below it" } else { "it excludes" }
}

/// The requirement with lower bounds that the version reaches: a build on the way to 1.5.0 is 1.5.0.dev3, and `>=1.5`
/// excludes it, where `>=1.5.0.dev0` does not. None where that does not help.
fn admitting(requirement: &Requirement, version: &Version) -> Option<Requirement> {
    let specifiers = requirement.specifiers.iter().map(|specifier| {
        let bound = specifier.version();
        let on_the_way = !version.is_stable() && version < bound && *version.release() == *trimmed(bound, version);
        if *specifier.operator() == Operator::GreaterThanEqual && on_the_way {
            let release: Vec<String> = version.release().iter().map(ToString::to_string).collect();
            format!(">={}.dev0", release.join("."))
        } else {
            specifier.to_string()
        }
    });
    let specifiers = specifiers.collect::<Vec<_>>().join(",").parse().ok()?;
    let better = Requirement { specifiers, ..requirement.clone() };
    better.specifiers.contains(version).then_some(better)
}

/// The release of `bound`, as many numbers as that of `version` has: 1.5 is 1.5.0.
fn trimmed(bound: &Version, version: &Version) -> Vec<u64> {
    let mut release = bound.release().to_vec();
    release.resize(version.release().len(), 0);
    release
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(version: &str, staged: bool, requires: &[&str]) -> Seen {
        Seen {
            version: version.parse().unwrap_or_else(|error| panic!("{error}")),
            payload: Digest::of(version),
            staged,
            requires: requires.iter().map(|text| parse(text)).collect(),
        }
    }

    fn parse(text: &str) -> Requirement {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn need(by: &str, requirement: &str) -> Need {
        Need { by: by.to_owned(), requirement: parse(requirement) }
    }

    fn reached(owned: &Owned, needs: &[Need], own: Option<(&str, &[Requirement])>) -> Vec<String> {
        let needs = owned.reached(needs.to_vec(), own, &Environment::default());
        needs.into_iter().map(|need| format!("{} -> {}", need.by, need.requirement)).collect()
    }

    #[test]
    fn owned_packages_are_reached_through_the_metadata_of_owned_packages() {
        let owned = Owned::of([
            ("flask", None),
            ("werkzeug", Some(seen("3.1.6", true, &["markupsafe>=2", "watchdog; extra == 'watchdog'"]))),
            ("jinja2", Some(seen("3.1.6", false, &["markupsafe>=2", "click; extra == 'cli'"]))),
            ("click", Some(seen("8.3.1", false, &[]))),
            ("markupsafe", Some(seen("3.0.2", false, &[]))),
        ]);
        let own = [parse("werkzeug>=3.1"), parse("asgiref; extra == 'async'"), parse("jinja2[cli]; extra == 'all'")];
        assert_eq!(
            reached(&owned, &[need("flask", "flask"), need("the tests of flask", "pytest")], Some(("flask", &own))),
            ["flask -> werkzeug>=3.1", "werkzeug -> markupsafe>=2"]
        );
        assert_eq!(
            reached(&owned, &[need("flask", "flask[all]")], Some(("flask", &own))).join(", "),
            "flask -> werkzeug>=3.1, flask -> jinja2[cli]; extra == 'all', werkzeug -> markupsafe>=2, \
             jinja2 -> markupsafe>=2, jinja2 -> click; extra == 'cli'"
        );
    }

    #[test]
    fn a_specifier_that_excludes_the_staged_version_is_explained() {
        let owned = Owned::of([("money", Some(seen("1.5.0.dev3", true, &[]))), ("shop", None)]);
        let conflict = |text: &str| {
            owned
                .conflict(&[need("catalog", text)], "develop")
                .map(|failure| (failure.message, failure.hint.unwrap_or_default()))
        };
        assert_eq!(
            conflict("money>=1.5"),
            Some((
                "catalog requires `money>=1.5`, but the staged `money` is 1.5.0.dev3, which sorts below it".to_owned(),
                "write `money>=1.5.0.dev0`".to_owned()
            ))
        );
        assert_eq!(conflict("money>=1.5,<2; python_version > '3'").map(|c| c.1), {
            Some("write `money>=1.5.0.dev0,<2`".to_owned())
        });
        assert_eq!(conflict("money<1.5"), {
            Some((
                "catalog requires `money<1.5`, but the staged `money` is 1.5.0.dev3, which it excludes".to_owned(),
                "write a requirement that admits 1.5.0.dev3".to_owned(),
            ))
        });
        assert_eq!(conflict("money>=1.4"), None);
        assert_eq!(
            conflict("shop").map(|c| c.0),
            Some(
                "catalog needs `shop`, which this pipeline owns, but `shop` is neither staged nor in channel `develop`"
                    .to_owned()
            )
        );
    }
}
