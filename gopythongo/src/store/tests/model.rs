//! Interleavings of runs against a simple model: what each run saw, what it built, what is newest.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::store::{
    Generation, PromoteError, Settled, Stage,
    promotion::{moved, promote},
    settlement::{self, Build},
};

const PACKAGES: [&str; 3] = ["money", "catalog", "shop"];
const CHANNELS: [&str; 2] = ["develop", "master"];

/// What one of three runs does next.
#[derive(Debug, Clone, Copy)]
enum Act {
    /// Builds a package: its number, and which of four contents it has.
    Build { package: usize, content: u8 },
    /// Is tested with what its channel's newest of a package is.
    Resolve { package: usize },
    /// Moves onto the current generation.
    Rebase,
    /// Asks to be promoted; afterwards a new run takes its place.
    Promote,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        3 => (0..3usize, 0..4u8).prop_map(|(package, content)| Act::Build { package, content }),
        3 => (0..3usize).prop_map(|package| Act::Resolve { package }),
        1 => Just(Act::Rebase),
        3 => Just(Act::Promote),
    ]
}

/// What a run knows of the world: payloads by package, as it saw them.
struct Runner {
    stage: Stage,
    /// The newest of every package when it began, or was moved.
    began: BTreeMap<usize, Option<Digest>>,
    tested: BTreeMap<usize, Option<Digest>>,
}

struct World {
    generations: Vec<Generation>,
    runners: Vec<Runner>,
    runs: usize,
    versions: usize,
}

impl World {
    fn new() -> Self {
        let mut world = Self { generations: vec![Generation::default()], runners: Vec::new(), runs: 0, versions: 0 };
        for channel in ["develop", "develop", "master"] {
            let runner = world.runner(channel);
            world.runners.push(runner);
        }
        world
    }

    fn current(&self) -> &Generation {
        &self.generations[self.generations.len() - 1]
    }

    fn runner(&mut self, channel: &str) -> Runner {
        self.runs += 1;
        let stage = Stage::new(&format!("run{}", self.runs), channel, self.current().number);
        Runner { began: view(self.current(), channel), tested: BTreeMap::new(), stage }
    }

    fn act(&mut self, who: usize, act: Act) -> Result<(), TestCaseError> {
        let current = self.current().clone();
        let channel = self.runners[who].stage.channel.clone();
        match act {
            Act::Build { package, content } => {
                let built = self.build(who, package, content);
                self.runners[who].stage.staged.insert(PACKAGES[package].to_owned(), built);
            }
            Act::Resolve { package } => {
                let payload = view(&current, &channel)[&package];
                let runner = &mut self.runners[who];
                runner.tested.insert(package, payload);
                runner.stage.resolved.insert(PACKAGES[package].to_owned(), payload);
            }
            Act::Rebase => {
                let runner = &mut self.runners[who];
                let base = &self.generations[usize::try_from(runner.stage.base).expect("few")];
                let names = moved(&runner.stage, base, &current);
                prop_assert_eq!(names, runner.surprises(&current));
                runner.stage.base = current.number;
                runner.began = view(&current, &channel);
            }
            Act::Promote => {
                self.promote(who)?;
                self.runners[who] = self.runner(&channel);
            }
        }
        Ok(())
    }

    fn build(&mut self, who: usize, package: usize, content: u8) -> Release {
        self.versions += 1;
        let stage = &self.runners[who].stage;
        let version = format!("1.0.dev{}", self.versions).parse().expect("a version");
        let payload = Digest::of([content]);
        let build = Build {
            package: PACKAGES[package],
            version: &version,
            payload: &payload,
            channel: &stage.channel,
            commit: None,
        };
        match settlement::settle(&build, self.current(), Some(stage)).expect("every version is a new one") {
            Settled::Existing(release) => *release,
            Settled::New => Release {
                version: version.to_string(),
                payload,
                files: Vec::new(),
                commit: None,
                run: stage.run.clone(),
            },
        }
    }

    fn promote(&mut self, who: usize) -> Result<(), TestCaseError> {
        let runner = &self.runners[who];
        let (stage, current) = (&runner.stage, self.current());
        let base = &self.generations[usize::try_from(stage.base).expect("few")];
        let before = view(current, &stage.channel);
        let own: BTreeMap<usize, Digest> = (0..PACKAGES.len())
            .filter_map(|package| Some((package, stage.staged.get(PACKAGES[package])?.payload)))
            .collect();
        match promote(stage, base, current) {
            Err(PromoteError::Moved(names)) => {
                prop_assert!(!names.is_empty());
                prop_assert_eq!(names, runner.surprises(current));
            }
            Err(error) => prop_assert!(false, "{}", error),
            Ok(None) => own.iter().try_for_each(|(package, payload)| {
                prop_assert_eq!(before[package], Some(*payload));
                Ok(())
            })?,
            Ok(Some(next)) => {
                prop_assert_eq!(runner.surprises(current), Vec::<String>::new());
                prop_assert_eq!(next.number, current.number + 1);
                let after = view(&next, &stage.channel);
                for package in 0..PACKAGES.len() {
                    let expected = own.get(&package).copied().or(before[&package]);
                    prop_assert_eq!(after[&package], expected, "the set and nothing but the set changes");
                }
                for other in CHANNELS.iter().filter(|other| **other != stage.channel && stage.channel != "master") {
                    prop_assert_eq!(view(&next, other), view(current, other));
                }
                self.generations.push(next);
            }
        }
        Ok(())
    }
}

impl Runner {
    /// Packages that are not what the run saw: tested with another one, or built beside another one.
    fn surprises(&self, current: &Generation) -> Vec<String> {
        let now = view(current, &self.stage.channel);
        let mut names: Vec<String> = (0..PACKAGES.len())
            .filter(|package| match self.stage.staged.get(PACKAGES[*package]) {
                Some(own) => now[package] != self.began[package] && now[package] != Some(own.payload),
                None => self.tested.get(package).is_some_and(|tested| now[package] != *tested),
            })
            .map(|package| PACKAGES[package].to_owned())
            .collect();
        names.sort();
        names
    }
}

/// The payload of the newest release of every package in a channel.
fn view(generation: &Generation, channel: &str) -> BTreeMap<usize, Option<Digest>> {
    let newest = |package: usize| generation.newest(channel, PACKAGES[package]).map(|release| release.payload);
    (0..PACKAGES.len()).map(|package| (package, newest(package))).collect()
}

proptest! {
    #![proptest_config(crate::support::seeded(256))]

    #[test]
    fn every_promotion_is_a_tested_union_or_refused_by_name(acts in prop::collection::vec((0..3usize, act()), 1..60)) {
        let mut world = World::new();
        for (who, act) in acts {
            world.act(who, act)?;
        }
        let mut payloads = BTreeMap::new();
        for generation in &world.generations {
            for package in PACKAGES {
                for release in generation.everywhere(package) {
                    let known = payloads.entry((package, release.version.clone())).or_insert(release.payload);
                    prop_assert_eq!(*known, release.payload, "a version means one payload");
                }
            }
        }
    }
}
