//! The import packages and modules of a project.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use toml::Value;

use crate::python::{name::normalize, project::Project};

/// Directories beside `pyproject.toml` that are not packages of the distribution, though they may look like it.
const NO_PACKAGES: [&str; 20] = [
    "benchmark",
    "benchmarks",
    "bin",
    "build",
    "ci",
    "dist",
    "doc",
    "docs",
    "etc",
    "example",
    "examples",
    "requirements",
    "scripts",
    "tasks",
    "test",
    "testing",
    "tests",
    "tools",
    "typings",
    "venv",
];

/// Modules beside `pyproject.toml` that are not part of the distribution.
const NO_MODULES: [&str; 8] =
    ["conftest.py", "fabfile.py", "manage.py", "noxfile.py", "runtests.py", "setup.py", "tasks.py", "versioneer.py"];

/// The packages and modules that a project's distribution will hold, relative to its directory, sorted.
pub(crate) fn packages(project: &Project) -> Vec<PathBuf> {
    project.packages.get_or_init(|| looked_for(project)).clone()
}

fn looked_for(project: &Project) -> Vec<PathBuf> {
    let declared = declared(project);
    if !declared.is_empty() {
        return declared.into_iter().collect();
    }
    let below_src = found(project, Path::new("src"));
    let found = if below_src.is_empty() { found(project, Path::new("")) } else { below_src };
    let names = names(project);
    let named: Vec<PathBuf> = found.iter().filter(|path| names.contains(&stem(path))).cloned().collect();
    if named.is_empty() || found.iter().all(|path| path.starts_with("src")) {
        found.into_iter().collect()
    } else {
        named
    }
}

/// The names that the project's main package may have, normalised.
fn names(project: &Project) -> Vec<String> {
    let module =
        project.str(&["tool", "flit", "module", "name"]).or(project.str(&["tool", "flit", "metadata", "module"]));
    module.map(ToOwned::to_owned).or_else(|| project.name()).iter().map(|name| normalize(name)).collect()
}

fn stem(path: &Path) -> String {
    path.file_stem().map(|stem| normalize(&stem.to_string_lossy())).unwrap_or_default()
}

/// What the configuration names: of flit, hatch, poetry and setuptools.
fn declared(project: &Project) -> BTreeSet<PathBuf> {
    let mut candidates: Vec<PathBuf> = Vec::new();
    let roots = ["src", ""];
    let mut import = |name: &str| {
        let path = name.replace('.', "/");
        let file = |root: &str| Path::new(root).join(format!("{path}.py"));
        let places = roots.iter().flat_map(|root| [Path::new(root).join(&path), file(root)]);
        candidates.extend(places.into_iter().find(|place| project.has(place)));
    };
    if let Some(name) = project.str(&["tool", "flit", "module", "name"]) {
        import(name);
    }
    let lists = [
        project.strings(&["tool", "setuptools", "packages"]),
        project.strings(&["tool", "setuptools", "py-modules"]),
        setup_cfg_list(project, "packages"),
        setup_cfg_list(project, "py_modules"),
    ];
    // A package inside another one is there already.
    lists.iter().flatten().filter(|name| !name.contains('.')).for_each(|name| import(name));
    candidates.extend(
        project.strings(&["tool", "hatch", "build", "targets", "wheel", "packages"]).into_iter().map(PathBuf::from),
    );
    let poetry = project.value(&["tool", "poetry", "packages"]).and_then(Value::as_array).into_iter().flatten();
    candidates.extend(poetry.filter_map(|package| {
        let text = |key| package.get(key).and_then(Value::as_str);
        Some(Path::new(text("from").unwrap_or_default()).join(text("include")?))
    }));
    candidates.retain(|path| project.has(path));
    candidates.into_iter().collect()
}

fn setup_cfg_list(project: &Project, key: &str) -> Vec<String> {
    let value = project.setup_cfg.get("options", key).unwrap_or_default();
    let names = value.split(['\n', ',']).map(str::trim).filter(|name| !name.is_empty() && !name.contains("find"));
    names.map(ToOwned::to_owned).collect()
}

/// Packages and modules that stand in a directory.
fn found(project: &Project, root: &Path) -> BTreeSet<PathBuf> {
    let Some(listing) = project.listing(root) else { return BTreeSet::new() };
    let below_src = !root.as_os_str().is_empty();
    let found = listing.iter().filter_map(|(name, listed)| {
        let (name, path) = (name.to_str()?, root.join(name));
        let is_module = name.ends_with(".py") && (below_src || !NO_MODULES.contains(&name));
        let is_package = || {
            let importable = name.chars().all(|c| c.is_alphanumeric() || c == '_');
            let inside =
                || if below_src { has_python(project, &path, 2) } else { project.has(path.join("__init__.py")) };
            importable && (below_src || !NO_PACKAGES.contains(&name)) && inside()
        };
        let is_one = if listed.is_directory { is_package() } else { is_module };
        is_one.then_some(path)
    });
    found.collect()
}

/// Whether there is Python in a directory or, for namespace packages, so many levels below it.
fn has_python(project: &Project, directory: &Path, levels: usize) -> bool {
    let is_python =
        |name: &Path| name.extension().is_some_and(|suffix| suffix == "py" || suffix == "pyx" || suffix == "pyi");
    let Some(listing) = project.listing(directory) else { return false };
    let mut below = listing.iter().filter(|(_, listed)| listed.is_directory && !listed.is_link);
    listing.keys().any(|name| is_python(Path::new(name)))
        || (levels > 0 && below.any(|(name, _)| has_python(project, &directory.join(name), levels - 1)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packages_of(files: &[(&str, &str)]) -> Vec<String> {
        let directory = crate::support::trees::tree(files);
        packages(&Project::read(directory.path())).iter().map(|path| path.display().to_string()).collect()
    }

    #[test]
    fn packages_stand_below_src_or_beside_the_configuration() {
        assert_eq!(packages_of(&[("src/money/__init__.py", ""), ("src/tests.py", ""), ("x/__init__.py", "")]), {
            ["src/money", "src/tests.py"]
        });
        assert_eq!(packages_of(&[("src/acme/money/rates.py", "")]), ["src/acme"]);
        assert_eq!(packages_of(&[("money/__init__.py", ""), ("tests/__init__.py", ""), ("setup.py", "")]), ["money"]);
        assert_eq!(packages_of(&[("six.py", ""), ("noxfile.py", "")]), ["six.py"]);
        assert_eq!(packages_of(&[("README", "")]), [""; 0]);
    }

    #[test]
    fn the_one_with_the_projects_name_is_the_one_of_many() {
        let pyproject = ("pyproject.toml", "[project]\nname = 'the-shop'\n");
        assert_eq!(packages_of(&[pyproject, ("the_shop/__init__.py", ""), ("data/__init__.py", "")]), ["the_shop"]);
        assert_eq!(packages_of(&[pyproject, ("shop/__init__.py", ""), ("till/__init__.py", "")]), ["shop", "till"]);
    }

    #[test]
    fn what_the_configuration_names_is_taken() {
        let flit = ("pyproject.toml", "[project]\nname = 'x'\n[tool.flit.module]\nname = 'y'\n");
        assert_eq!(packages_of(&[flit, ("y.py", ""), ("x/__init__.py", "")]), ["y.py"]);
        let hatch = ("pyproject.toml", "[tool.hatch.build.targets.wheel]\npackages = ['lib/x']\n");
        assert_eq!(packages_of(&[hatch, ("lib/x/__init__.py", ""), ("y/__init__.py", "")]), ["lib/x"]);
        let poetry = ("pyproject.toml", "[tool.poetry]\npackages = [{ include = 'x', from = 'lib' }]\n");
        assert_eq!(packages_of(&[poetry, ("lib/x/__init__.py", "")]), ["lib/x"]);
        let setuptools = ("setup.cfg", "[options]\npackages =\n    x\n    x.y\n");
        assert_eq!(packages_of(&[setuptools, ("x/y/__init__.py", ""), ("z/__init__.py", "")]), ["x"]);
    }
}
