//! A survey depends on what it looked at, and on nothing else.

use std::{collections::BTreeSet, fs, path::PathBuf};

use super::*;
use crate::support::trees::{plant, tree};

/// Sources of every kind that says something in another place.
const SOURCES: [&[(&str, &str)]; 4] = [
    &[
        (
            "pyproject.toml",
            "[build-system]\nrequires = ['hatchling']\nbuild-backend = 'hatchling.build'\n[project]\nname = 'money'\n\
             dynamic = ['version']\n[tool.hatch.version]\npath = 'src/money/about.py'\n\
             [dependency-groups]\ntests = ['pytest']\n",
        ),
        ("src/money/__init__.py", "from .about import __version__\n"),
        ("src/money/about.py", "__version__ = '1.5.0'\n"),
        ("src/money/deep/er/x.py", ""),
        ("tests/test_money.py", ""),
        ("requirements/tests.txt", "-r base.txt\n-c ../constraints.txt\npytest\n"),
        ("requirements/base.txt", "attrs==25.1\n"),
        ("constraints.txt", "pluggy==1.5\n"),
        ("tox.ini", "[tox]\nenvlist = py\n[testenv]\ndeps = -r requirements/tests.txt\n"),
        (".pre-commit-config.yaml", "repos:\n- repo: https://localhost/ruff-pre-commit\n  rev: v0.9.0\n"),
        ("ruff.toml", ""),
        ("README", ""),
    ],
    &[
        ("setup.py", "from setuptools import setup\nsetup(name='shop', use_scm_version=False)\n"),
        (
            "setup.cfg",
            "[metadata]\nname = shop\nversion = attr: shop.version.__version__\n[options]\npackages = shop\n",
        ),
        ("shop/__init__.py", ""),
        ("shop/version.py", "__version__ = '2.0'\n"),
        (".coveragerc", "[run]\nsource = shop\n"),
        ("mypy.ini", "[mypy]\nfiles = shop\n"),
        ("test_shop.py", ""),
        ("noxfile.py", ""),
    ],
    &[
        ("requirements.txt", "-r more.txt\nflask\n"),
        ("more.txt", "gunicorn\n"),
        ("manage.py", ""),
        ("app/tests/test_x.py", ""),
    ],
    &[
        ("pyproject.toml", "[project]\nname = 'space-names'\nversion = '1'\n"),
        ("src/space/one/two.py", ""),
        ("uv.lock", "version = 1\n[[package]]\nname = 'attrs'\nversion = '25.1'\n[package.source]\nregistry = 'x'\n"),
    ],
];

/// What may be new in a directory.
const NEW: [&str; 14] = [
    "__init__.py",
    "setup.cfg",
    "setup.py",
    "tox.ini",
    "pytest.ini",
    "mypy.ini",
    ".flake8",
    ".coveragerc",
    "requirements.txt",
    "test_new.py",
    "tests/test_new.py",
    "noxfile.py",
    "pylock.toml",
    "x.py",
];

#[test]
fn a_survey_depends_on_what_it_looked_at() {
    let (mut files_that_count, mut directories_that_count) = (0, 0);
    for source in SOURCES {
        let directory = tree(source);
        let (before, looked) = Surveyed::read(directory.path());
        let looked: BTreeSet<PathBuf> = looked.iter().map(|path| normal(path)).collect();
        let changes = |change: &dyn Fn(&Path)| {
            let other = tree(source);
            change(other.path());
            let (now, _) = Surveyed::read(other.path());
            let here = |surveyed: &Surveyed, top: &Path| {
                let text = serde_json::to_string(surveyed).expect("it serialises");
                text.replace(&*top.to_string_lossy(), "")
            };
            here(&now, other.path()) != here(&before, directory.path())
        };
        for (file, text) in source {
            for other in [&format!("{text}\n["), &text.replace(['1', '5', '9'], "7"), ""] {
                if changes(&|top| fs::write(top.join(file), other).expect("written")) {
                    files_that_count += 1;
                    assert!(looked.contains(Path::new(file)), "{file} is read and was not looked at: {looked:?}");
                }
            }
        }
        let parents = source.iter().flat_map(|(file, _)| Path::new(file).ancestors().skip(1));
        for parent in parents.collect::<BTreeSet<_>>() {
            for new in NEW.into_iter().filter(|new| !directory.path().join(parent).join(new).exists()) {
                let place = parent.join(new);
                if changes(&|top| plant(top, &[(&place.to_string_lossy(), "")])) {
                    directories_that_count += 1;
                    // the directory in which there is something new
                    let missing = place.ancestors().take_while(|path| !directory.path().join(path).exists()).last();
                    let within = missing.and_then(Path::parent).unwrap_or(parent);
                    let is_seen = looked.contains(within) || missing.is_some_and(|path| looked.contains(path));
                    assert!(is_seen, "{} is seen and was not looked for: {looked:?}", place.display());
                }
            }
        }
    }
    assert!(files_that_count > 15 && directories_that_count > 15, "{files_that_count}, {directories_that_count}");
}

fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir => {
                normal.pop();
            }
            part => normal.push(part),
        }
    }
    normal
}
