//! Where the project's own tox or nox configuration runs: a copy of the source, an environment in which pip and uv see
//! the run's index alone, and the coverage that is left behind.

use std::{
    collections::{BTreeMap, BTreeSet},
    ffi::{OsStr, OsString},
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::python::{
    Coverage, Installer, Resolve, Tool, Toolchain,
    coverage_rc::{CoverageRc, Measured},
    defaults, lint,
    measuring::{in_checkout, parent},
    owned::{Owned, requires_dist},
    question::{Question, file_url},
};
use crate::{
    context::{Context, Interpreter, JobContext, SourceTree},
    run::{Failure, Key, Work, process::Command},
    store::Store,
};

/// Owned packages that the project's environments must take, as constraints: `name==version`.
fn owned_pins(
    store: &Store,
    run: &str,
    context: &Context,
    job: (&str, &JobContext),
    python: &Interpreter,
    metadata: Option<&Path>,
) -> Result<Vec<String>, Failure> {
    let requires = metadata.map(|file| {
        let bytes = fs::read(file).map_err(Failure::io("cannot read", file))?;
        requires_dist(bytes).map_err(|error| Failure::new(format!("the wheel of `{}`: {error}", job.0)))
    });
    let question = Question::new(&Resolve::default(), job.1, job.0, python, requires.transpose()?, "")?;
    let owned = Owned::seen(store, run, context)?;
    let needs = question.reached(&owned, python);
    match owned.conflict(&needs, &context.channel) {
        Some(conflict) => Err(conflict),
        None => Ok(question.owned_pins(&owned, &needs)),
    }
}

/// Adds what decides the outcome: source, wheel, the tool, the Pythons there are, owned packages.
pub(in crate::python) fn key(key: &mut Key<'_>, tool: &str, version: Option<&String>) -> Result<(), Failure> {
    key.source()?;
    let wheel = key.outcome("wheel").and_then(|outcome| outcome.artifacts.get("wheel"));
    let wheel = wheel.map_or_else(|| "none".to_owned(), |artifact| artifact.digest.to_string());
    key.part("wheel", wheel);
    let toolchain = key.service::<Toolchain>()?;
    let python = toolchain.pythons().interpreter(None)?;
    key.part(tool, lint::version(tool, version, &key.job()?.survey, &python.version)?);
    let pythons: Vec<String> =
        toolchain.pythons().iter().map(|python| format!("{} {}", python.implementation, python.version)).collect();
    key.part("Pythons", pythons.join(", "));
    for python in toolchain.pythons().iter() {
        key.program(format!("the interpreter {}", python.version), &python.path)?;
    }
    let metadata = key.outcome("wheel").and_then(|outcome| outcome.artifacts.get("metadata"));
    let metadata = metadata.map(|artifact| key.blob(&artifact.digest));
    let store = key.service::<Store>()?;
    let job = (key.step().job.as_str(), key.job()?);
    let pins = owned_pins(&store, key.run_id(), key.context(), job, python, metadata.as_deref())?;
    key.part("owned packages", pins.join(", "));
    Ok(())
}

/// Where the project's own commands run.
pub(in crate::python) struct Ground {
    pub(in crate::python) checkout: PathBuf,
    pub(in crate::python) wheel: PathBuf,
    /// The environment of the tool.
    pub(in crate::python) tool: PathBuf,
    pub(in crate::python) variables: BTreeMap<OsString, OsString>,
}

/// Prepares a copy of the source, the tool, and an environment in which pip and uv see the run's index alone.
pub(in crate::python) fn prepare(work: &mut Work<'_>, tool: &str, version: Option<&String>) -> Result<Ground, Failure> {
    let toolchain = work.service::<Toolchain>()?;
    let python = toolchain.pythons().interpreter(None)?.clone();
    let version = lint::version(tool, version, &work.job()?.survey, &python.version)?;
    let wheel = work.artifact("wheel", "wheel")?;
    let metadata = work.artifact("wheel", "metadata")?;
    let name = work.step().job.clone();
    let store = work.service::<Store>()?;
    let job = (name.as_str(), work.job()?);
    let pins = owned_pins(&store, work.run_id(), work.context(), job, &python, Some(&metadata))?;
    let constraints = work.scratch().join("constraints.txt");
    fs::write(&constraints, format!("{}\n", pins.join("\n"))).map_err(Failure::io("cannot write", &constraints))?;
    let checkout = work.scratch().join("checkout");
    work.tree()?.copy_to(&checkout).map_err(Failure::io("cannot copy the source to", &checkout))?;

    let uv = match toolchain.installer(work)? {
        Installer::Uv(program) => Some(program),
        Installer::Pip => None,
    };
    let mut wanted = Tool::new(tool, &version).python(&python);
    if uv.is_some() && tool == "tox" {
        let plugin = defaults::version("tox-uv").map_or_else(|| "tox-uv".to_owned(), |v| format!("tox-uv=={v}"));
        wanted = wanted.with([plugin]);
    }
    let tool = toolchain.tool(work, &wanted)?;
    let mut variables = toolchain.installer_env(work);
    // every Python is found by its name: `python3.9`
    let own = uv.as_deref().and_then(Path::parent).map(Path::to_path_buf);
    let pythons = toolchain.pythons().iter().filter_map(|python| python.path.parent().map(Path::to_path_buf));
    let path = variables.remove(OsStr::new("PATH")).unwrap_or_default();
    let mut directories: Vec<PathBuf> = Vec::new();
    for directory in own.into_iter().chain(pythons).chain(std::env::split_paths(&path)) {
        if !directories.contains(&directory) {
            directories.push(directory);
        }
    }
    variables.insert("PATH".into(), std::env::join_paths(directories).unwrap_or(path));
    let index = toolchain.urls().run.clone();
    for (variable, value) in [
        ("PIP_INDEX_URL", index.clone().into()),
        ("UV_DEFAULT_INDEX", index.clone().into()),
        ("UV_INDEX_URL", index.into()),
        // both variables hold several files, with spaces between them
        ("PIP_CONSTRAINT", file_url(&constraints).into()),
        ("UV_CONSTRAINT", file_url(&constraints).into()),
        ("PIP_DISABLE_PIP_VERSION_CHECK", "1".into()),
        ("UV_NO_CONFIG", "1".into()),
    ] {
        variables.insert(variable.into(), value);
    }
    Ok(Ground { checkout, wheel, tool, variables })
}

/// Reads the coverage data that the project's own commands left in the copy, as far as there are some.
pub(in crate::python) fn coverage(work: &mut Work<'_>, ground: &Ground) -> Result<Coverage, Failure> {
    let mut data: Vec<PathBuf> = fs::read_dir(&ground.checkout)
        .map_err(Failure::io("cannot list", &ground.checkout))?
        .flatten()
        .map(|entry| entry.path())
        .filter(|path| is_data(path))
        .collect();
    data.sort();
    if data.is_empty() {
        return Ok(Coverage::default());
    }
    let survey = work.job()?.survey.clone();
    let rc = match &survey.coverage {
        Some(configuration) => {
            let file = ground.checkout.join(&configuration.file);
            let text = fs::read_to_string(&file).map_err(Failure::io("cannot read", &file))?;
            CoverageRc::read(&configuration.file, &text).unwrap_or_default()
        }
        None => CoverageRc::default(),
    };
    let toolchain = work.service::<Toolchain>()?;
    let python = toolchain.pythons().interpreter(None)?.clone();
    let version = lint::version("coverage", None, &survey, &python.version)?;
    let tool = toolchain.tool(work, &Tool::new("coverage", &version).python(&python))?;
    let (file, json) = (work.scratch().join("coveragerc"), work.scratch().join("coverage.json"));
    let packages: Vec<PathBuf> = survey.distribution.iter().flat_map(|known| known.packages.clone()).collect();
    let parents: BTreeSet<String> = packages.iter().map(|package| parent(package)).collect();
    let listed: Vec<String> = parents.iter().cloned().collect();
    let measured = Measured::Packages { names: &[], parents: &listed, tests: &[] };
    let text = rc.text(&measured, &work.scratch().join("coverage-data"), false);
    fs::write(&file, text).map_err(Failure::io("cannot write", &file))?;
    let script = work.scratch().join("combine.py");
    fs::write(&script, COMBINE).map_err(Failure::io("cannot write", &script))?;
    let command = Command::new(tool.join("bin/python"))
        .arg(script)
        .arg(&file)
        .arg(&json)
        .args(data)
        .directory(&ground.checkout)
        .envs(toolchain.base_env(work));
    if let Err(failure) = work.run(&command) {
        work.say(&format!("the coverage that was left behind cannot be read: {failure}"));
        return Ok(Coverage::default());
    }
    let text = fs::read(&json).map_err(Failure::io("cannot read", &json))?;
    let tree: Arc<SourceTree> = work.tree()?;
    Coverage::read(&text, |path| {
        let path = in_checkout(path, &parents, &tree);
        packages.iter().any(|package| Path::new(&path).starts_with(package)).then_some(path)
    })
    .map_err(|error| Failure::new(format!("coverage's report cannot be read: {error}")))
}

fn is_data(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    name == ".coverage" || name.starts_with(".coverage.")
}

/// Puts data files together, which stay, and writes them as JSON.
const COMBINE: &str = "import coverage, sys
measured = coverage.Coverage(config_file=sys.argv[1])
measured.combine(sys.argv[3:], keep=True)
measured.save()
measured.json_report(outfile=sys.argv[2])
";
