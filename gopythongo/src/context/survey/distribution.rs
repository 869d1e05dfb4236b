//! What a source is as a distribution: its name, how it is built, and what is in it.

use toml::Value;

use super::{Distribution, Layout};
use crate::python::{name::normalize, packages::packages, project::Project};

/// The distribution that a back end would make of a project; `None` where there is nothing to build.
pub(super) fn distribution(project: &Project) -> Option<Distribution> {
    let is_buildable = project.table(&["build-system"]).is_some()
        || project.table(&["project"]).is_some()
        || project.str(&["tool", "poetry", "name"]).is_some()
        || project.setup_py.is_some()
        || project.setup_cfg.get("metadata", "name").is_some();
    let is_tree = project.value(&["tool", "uv", "package"]).and_then(Value::as_bool) == Some(false)
        || project.value(&["tool", "poetry", "package-mode"]).and_then(Value::as_bool) == Some(false);
    if !is_buildable || is_tree {
        return None;
    }
    let packages = packages(project);
    let first = packages.first().and_then(|path| path.file_stem()).map(|stem| stem.to_string_lossy().into_owned());
    let name = project
        .name()
        .or(first)
        .or_else(|| project.directory.file_name().map(|name| name.to_string_lossy().into_owned()))?;
    let in_src = packages.iter().any(|path| path.starts_with("src"));
    Some(Distribution {
        name: normalize(&name),
        build_requires: project.build_requires(),
        build_backend: build_backend(project),
        requires_python: requires_python(project),
        dependencies: dependencies(project),
        extras: extras(project),
        packages,
        layout: if in_src { Layout::Src } else { Layout::Flat },
    })
}

fn build_backend(project: &Project) -> String {
    // PEP 517: without a back end named, setuptools' legacy one, which puts the source on `sys.path` as `setup.py` expects.
    project.str(&["build-system", "build-backend"]).unwrap_or("setuptools.build_meta:__legacy__").to_owned()
}

fn requires_python(project: &Project) -> Option<String> {
    let written =
        project.str(&["project", "requires-python"]).or_else(|| project.setup_cfg.get("options", "python_requires"));
    written.map(|text| text.trim().to_owned())
}

fn dependencies(project: &Project) -> Vec<String> {
    let declared = project.strings(&["project", "dependencies"]);
    if !declared.is_empty() {
        return declared;
    }
    let lines = project.setup_cfg.get("options", "install_requires").unwrap_or_default().lines();
    lines.map(str::trim).filter(|line| !line.is_empty()).map(ToOwned::to_owned).collect()
}

fn extras(project: &Project) -> Vec<String> {
    let keys = |table: &toml::Table| table.keys().map(|key| normalize(key)).collect();
    project
        .table(&["project", "optional-dependencies"])
        .or_else(|| project.table(&["tool", "poetry", "extras"]))
        .map(keys)
        .or_else(|| {
            let entries = project.setup_cfg.section("options.extras_require")?;
            Some(entries.iter().map(|entry| normalize(&entry.key)).collect())
        })
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    fn of(files: &[(&str, &str)]) -> Option<Distribution> {
        distribution(&Project::read(tree(files).path()))
    }

    #[test]
    fn a_pyproject_says_everything() {
        let pyproject = "\
[build-system]
requires = ['flit_core<4']
build-backend = 'flit_core.buildapi'
[project]
name = 'The.Money'
version = '1'
requires-python = '>=3.9'
dependencies = ['attrs>=2']
optional-dependencies = { Fast_json = ['orjson'], test = ['pytest'] }
";
        let found = of(&[("pyproject.toml", pyproject), ("src/the_money/__init__.py", "")]);
        assert_eq!(
            found,
            Some(Distribution {
                name: "the-money".into(),
                build_requires: vec!["flit_core<4".into()],
                build_backend: "flit_core.buildapi".into(),
                requires_python: Some(">=3.9".into()),
                dependencies: vec!["attrs>=2".into()],
                extras: vec!["fast-json".into(), "test".into()],
                packages: vec!["src/the_money".into()],
                layout: Layout::Src,
            })
        );
    }

    #[test]
    fn a_setup_py_is_built_by_setuptools() {
        let setup_cfg = "[options]\npython_requires = >=3.8\ninstall_requires =\n    attrs\n[options.extras_require]\ntest =\n    pytest\n";
        let found = of(&[("setup.py", "setup(name='money')"), ("setup.cfg", setup_cfg), ("money.py", "")]);
        assert_eq!(
            found,
            Some(Distribution {
                name: "money".into(),
                build_requires: vec!["setuptools>=40.8.0".into()],
                build_backend: "setuptools.build_meta:__legacy__".into(),
                requires_python: Some(">=3.8".into()),
                dependencies: vec!["attrs".into()],
                extras: vec!["test".into()],
                packages: vec!["money.py".into()],
                layout: Layout::Flat,
            })
        );
    }

    #[test]
    fn a_tree_is_no_distribution() {
        assert_eq!(of(&[("manage.py", ""), ("requirements.txt", "django"), ("shop/__init__.py", "")]), None);
        assert_eq!(of(&[("pyproject.toml", "[tool.ruff]\nfix = true\n")]), None);
        assert_eq!(of(&[("pyproject.toml", "[project]\nname = 'x'\n[tool.uv]\npackage = false\n")]), None);
    }
}
