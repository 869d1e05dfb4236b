//! What single operations of a run cost, for `cargo xtask bench micro`: a line of JSON with the microseconds of each round.

use std::{collections::BTreeMap, fs, hint::black_box, path::Path, time::Instant};

use gopythongo::{
    cache::{Cache, Lookup, Parts},
    context::{BuildKind, Context, Distribution, JobContext, Layout, StatCache, Survey},
    journal::{Journal, Record},
    pipeline::JobBuilder,
    plan::{Selection, lower},
    prelude::*,
    run::Outcome,
};

/// How often each operation is measured.
const ROUNDS: usize = 7;

/// How many steps the cache and the plan have.
const STEPS: usize = 10_000;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let directory = tempfile::tempdir()?;
    let mut found: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    for round in 0..ROUNDS {
        let place = directory.path().join(round.to_string());
        fs::create_dir(&place)?;
        let mut note = |name, micros| found.entry(name).or_default().push(micros);
        note("key", keys());
        let [store, hit, miss] = cache(&place)?;
        note("store", store);
        note("hit", hit);
        note("miss", miss);
        note("stat", stats(&place)?);
        note("plan", plan());
        note("libraries", libraries());
        let [noted, synced] = journal(&place)?;
        note("note", noted);
        note("append", synced);
    }
    println!("{}", serde_json::to_string(&found)?);
    Ok(())
}

/// Microseconds of one of `count` operations.
fn each(count: usize, mut operation: impl FnMut(usize)) -> f64 {
    let begin = Instant::now();
    (0..count).for_each(&mut operation);
    begin.elapsed().as_secs_f64() * 1e6 / f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

fn parts(step: usize, source: &str) -> Parts {
    let mut parts = Parts::default();
    parts.add("its code", "command 1");
    parts.add("one of its options", format_args!("{{\"argv\":[\"true\"],\"name\":\"c{step}\"}}"));
    parts.add("its source", format_args!("{source:0>64}"));
    parts.add("program true", "0".repeat(64));
    parts.add("the machine", "x86_64, debian 12");
    parts
}

fn keys() -> f64 {
    let parts = parts(1, "a");
    each(STEPS, |_| {
        black_box(black_box(&parts).digest());
    })
}

/// An outcome remembered; found, by a cache that is opened anew; missed, with the reason.
fn cache(place: &Path) -> Result<[f64; 3], Box<dyn std::error::Error>> {
    let directory = place.join("cache");
    let (steps, outcome): (Vec<String>, _) = ((0..STEPS).map(|n| format!("x/c{n}")).collect(), Outcome::default());
    let (mut failed, cache) = (None, Cache::open(&directory)?);
    let store = each(STEPS, |n| failed = cache.store(&steps[n], &parts(n, "a"), &outcome, "r").err().or(failed.take()));
    if let Some(error) = failed {
        return Err(error.into());
    }
    let cache = Cache::open(&directory)?;
    let hit = each(STEPS, |n| assert!(matches!(cache.lookup(&steps[n], &parts(n, "a"), "s"), Lookup::Hit { .. })));
    let miss = each(1000, |n| assert!(matches!(cache.lookup(&steps[n], &parts(n, "b"), "s"), Lookup::Miss { .. })));
    Ok([store, hit, miss])
}

/// A file that has not changed, through links.
fn stats(place: &Path) -> std::io::Result<f64> {
    let cache = StatCache::open(&place.join("stats"));
    let file = std::env::current_exe()?;
    cache.file(&file)?;
    Ok(each(STEPS, |_| {
        let _ = black_box(cache.file(&file));
    }))
}

/// A step of a plan of ten thousand.
fn plan() -> f64 {
    let job = |number: usize| {
        let job = library(format!("lib{number:04}")).source(format!("libs/lib{number:04}"));
        (0..10).fold(job, |job, command| job.command(format!("c{command}"), ["true"]))
    };
    let pipeline = (0..STEPS / 10).fold(Pipeline::new("generated"), |pipeline, number| pipeline.job(job(number)));
    let context = context();
    let micros = each(1, |_| assert_eq!(lower(&pipeline, &context, &Selection::default()).plan.steps.len(), STEPS));
    micros / f64::from(u32::try_from(STEPS).unwrap_or(u32::MAX))
}

fn context() -> Context {
    Context {
        branch: None,
        commit: None,
        kind: BuildKind::Develop,
        kind_reason: "`--kind`".to_owned(),
        server: None,
        target: None,
        doubts: Vec::new(),
        channel: "develop".to_owned(),
        root: "/".into(),
        pythons: Vec::new(),
        jobs: BTreeMap::new(),
    }
}

/// A plan of a thousand libraries, each with lint, types, tests and an upload, and one downstream of the other; in milliseconds.
fn libraries() -> f64 {
    let name = |number: usize| format!("lib{number:04}");
    let job = |number: usize| {
        let job = library(name(number)).source(format!("libs/{}", name(number)));
        let job = job.flake8().mypy().pytest().coverage_ratchet().upload();
        if number + 1 < STEPS / 10 { job.downstream([name(number + 1)]) } else { job }
    };
    let pipeline = (0..STEPS / 10).fold(Pipeline::new("generated"), |pipeline, number| pipeline.job(job(number)));
    let jobs = (0..STEPS / 10).map(|number| {
        let distribution = Distribution {
            name: name(number),
            build_requires: vec!["setuptools".to_owned()],
            build_backend: "setuptools.build_meta".to_owned(),
            requires_python: None,
            dependencies: Vec::new(),
            extras: Vec::new(),
            packages: vec![name(number).into()],
            layout: Layout::Flat,
        };
        let survey = Survey { distribution: Some(distribution), tests: vec!["tests".into()], ..Survey::default() };
        (name(number), JobContext { directory: name(number).into(), survey, version: None })
    });
    let context = Context { jobs: jobs.collect(), ..context() };
    each(1, |_| {
        let plan = lower(&pipeline, &context, &Selection::default()).plan;
        assert!(plan.step("lib0999/upload").is_some_and(|step| !step.needs.is_empty()));
    }) / 1e3
}

/// The result of a pure step, and one that is brought to the disk.
fn journal(place: &Path) -> Result<[f64; 2], Box<dyn std::error::Error>> {
    let (mut journal, _) =
        Journal::open(&place.join("journal.ndjson")).map_err(|error| std::io::Error::other(error.to_string()))?;
    let key = parts(1, "a").digest();
    let record = Record::Result { step: "lib0001/command:c1".to_owned(), key, outcome: Ok(Outcome::default()) };
    let noted = each(STEPS, |_| assert!(journal.note(&record).is_ok()));
    let synced = each(100, |_| assert!(journal.append(&record).is_ok()));
    Ok([noted, synced])
}
