//! Which tools a project configures, and where.

use std::path::PathBuf;

use toml::{Table, Value};

use super::CoverageConfiguration;
use crate::{
    python::project::{Project, texts},
    support::Ini,
};

/// The configurations found. Paths are relative to the project.
#[derive(Debug, Default)]
pub(super) struct Tools {
    pub(super) pytest: Option<PathBuf>,
    pub(super) pytest_addopts: Option<String>,
    pub(super) testpaths: Vec<String>,
    pub(super) mypy: Option<PathBuf>,
    pub(super) mypy_names_files: bool,
    pub(super) ruff: Option<PathBuf>,
    pub(super) flake8: Option<PathBuf>,
    pub(super) coverage: Option<CoverageConfiguration>,
    pub(super) tox: Option<PathBuf>,
    pub(super) nox: Option<PathBuf>,
    pub(super) manage_py: Option<PathBuf>,
    tox_deps: Vec<String>,
}

/// A table of TOML or a section of an INI file.
enum Settings<'a> {
    Toml(&'a Table),
    Ini(&'a Ini, &'a str),
}

impl Settings<'_> {
    fn has(&self, keys: &[&str]) -> bool {
        keys.iter().any(|key| match self {
            Self::Toml(table) => table.contains_key(*key),
            Self::Ini(ini, section) => ini.get(section, key).is_some(),
        })
    }

    /// The words of a list, however it is written.
    fn words(&self, key: &str) -> Vec<String> {
        let split = |text: &str| text.split_whitespace().map(ToOwned::to_owned).collect();
        match self {
            Self::Toml(table) => match table.get(key) {
                Some(Value::String(text)) => split(text),
                value => texts(value),
            },
            Self::Ini(ini, section) => split(ini.get(section, key).unwrap_or_default()),
        }
    }
}

impl Tools {
    /// Reads the configuration files in the order in which the tools do: the first one counts.
    pub(super) fn read(project: &mut Project) -> Self {
        let tox_ini = project.ini("tox.ini").unwrap_or_default();
        let mut tools = Self {
            ruff: first(project, &["ruff.toml", ".ruff.toml"]).or_else(|| in_pyproject(project, "ruff")),
            nox: first(project, &["noxfile.py"]),
            manage_py: project.text("manage.py").filter(|text| text.contains("django")).map(|_| "manage.py".into()),
            ..Self::default()
        };
        tools.read_pytest(project, &tox_ini);
        tools.read_mypy(project);
        tools.read_flake8(project, &tox_ini);
        tools.read_coverage(project, &tox_ini);
        tools.read_tox(project, &tox_ini);
        tools
    }

    /// Requirements of tox's basic environment, as written.
    pub(super) fn tox_deps(&self) -> &[String] {
        &self.tox_deps
    }

    fn read_pytest(&mut self, project: &mut Project, tox_ini: &Ini) {
        let inis: Vec<(&str, &str, Ini)> = ["pytest.ini", ".pytest.ini"]
            .into_iter()
            .filter_map(|file| Some((file, "pytest", project.ini(file)?)))
            .collect();
        let toml: Option<Table> = project.text("pytest.toml").and_then(|text| text.parse().ok());
        let toml = toml.as_ref().and_then(|table| table.get("pytest").and_then(Value::as_table));
        let pyproject =
            project.table(&["tool", "pytest", "ini_options"]).or_else(|| project.table(&["tool", "pytest"]));
        let others = [("tox.ini", "pytest", tox_ini), ("setup.cfg", "tool:pytest", &project.setup_cfg)];
        let found = toml
            .map(|table| ("pytest.toml", Settings::Toml(table)))
            // `pytest.ini` counts even where it is empty.
            .or_else(|| inis.first().map(|(file, section, ini)| (*file, Settings::Ini(ini, section))))
            .or_else(|| pyproject.map(|table| ("pyproject.toml", Settings::Toml(table))))
            .or_else(|| others.into_iter().find_map(|(file, section, ini)| Some((file, section_of(ini, section)?))));
        if let Some((file, settings)) = found {
            self.pytest = Some(file.into());
            self.testpaths = settings.words("testpaths");
            let addopts = settings.words("addopts");
            self.pytest_addopts = (!addopts.is_empty()).then(|| addopts.join(" "));
        }
    }

    fn read_mypy(&mut self, project: &mut Project) {
        let inis: Vec<(&str, Ini)> =
            ["mypy.ini", ".mypy.ini"].into_iter().filter_map(|file| Some((file, project.ini(file)?))).collect();
        let own = inis.iter().find_map(|(file, ini)| Some((*file, section_of(ini, "mypy")?)));
        let pyproject = || Some(("pyproject.toml", Settings::Toml(project.table(&["tool", "mypy"])?)));
        let setup_cfg = || Some(("setup.cfg", section_of(&project.setup_cfg, "mypy")?));
        if let Some((file, settings)) = own.or_else(pyproject).or_else(setup_cfg) {
            self.mypy = Some(file.into());
            self.mypy_names_files = settings.has(&["files", "packages", "modules"]);
        }
    }

    fn read_flake8(&mut self, project: &mut Project, tox_ini: &Ini) {
        let own = project.ini(".flake8").unwrap_or_default();
        let places = [("setup.cfg", &project.setup_cfg), ("tox.ini", tox_ini), (".flake8", &own)];
        self.flake8 = places.into_iter().find(|(_, ini)| ini.section("flake8").is_some()).map(|(file, _)| file.into());
    }

    fn read_coverage(&mut self, project: &mut Project, tox_ini: &Ini) {
        const SOURCES: [&str; 4] = ["source", "source_pkgs", "source_dirs", "include"];
        let own = project.ini(".coveragerc");
        let found = if let Some(ini) = &own {
            Some((".coveragerc", Settings::Ini(ini, "run").has(&SOURCES)))
        } else {
            let inis = [("setup.cfg", &project.setup_cfg), ("tox.ini", tox_ini)];
            let ini = inis.into_iter().find(|(_, ini)| ini.names().any(|name| name.starts_with("coverage:")));
            ini.map(|(file, ini)| (file, Settings::Ini(ini, "coverage:run").has(&SOURCES))).or_else(|| {
                let table = project.table(&["tool", "coverage"])?;
                let run = table.get("run").and_then(Value::as_table);
                Some(("pyproject.toml", run.is_some_and(|run| Settings::Toml(run).has(&SOURCES))))
            })
        };
        self.coverage = found.map(|(file, names_source)| CoverageConfiguration { file: file.into(), names_source });
    }

    fn read_tox(&mut self, project: &mut Project, tox_ini: &Ini) {
        let is_tox = |ini: &Ini| ini.names().any(|name| name == "tox" || name.starts_with("testenv"));
        if is_tox(tox_ini) {
            self.tox = Some("tox.ini".into());
            let deps = tox_ini.get("testenv", "deps").unwrap_or_default().lines();
            self.tox_deps = deps.map(str::trim).filter(|line| !line.is_empty()).map(ToOwned::to_owned).collect();
            return;
        }
        if project.setup_cfg.section("tox:tox").is_some() {
            self.tox = Some("setup.cfg".into());
            return;
        }
        let toml: Option<Table> = project.text("tox.toml").and_then(|text| text.parse().ok());
        let (file, table) = match &toml {
            Some(table) => ("tox.toml", Some(table)),
            None => ("pyproject.toml", project.table(&["tool", "tox"])),
        };
        if let Some(table) = table {
            self.tox = Some(file.into());
            self.tox_deps = texts(table.get("env_run_base").and_then(|base| base.get("deps")));
        }
    }
}

fn section_of<'a>(ini: &'a Ini, section: &'a str) -> Option<Settings<'a>> {
    ini.section(section).map(|_| Settings::Ini(ini, section))
}

fn first(project: &Project, files: &[&str]) -> Option<PathBuf> {
    files.iter().find(|file| project.has(file)).map(PathBuf::from)
}

fn in_pyproject(project: &Project, tool: &str) -> Option<PathBuf> {
    project.table(&["tool", tool]).map(|_| "pyproject.toml".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::support::trees::tree;

    fn tools(files: &[(&str, &str)]) -> Tools {
        Tools::read(&mut Project::read(tree(files).path()))
    }

    fn path(found: Option<PathBuf>) -> String {
        found.map(|path| path.display().to_string()).unwrap_or_default()
    }

    #[test]
    fn pytest_is_configured_in_one_of_five_files() {
        let pyproject = ("pyproject.toml", "[tool.pytest.ini_options]\ntestpaths = ['tests']\naddopts = '-ra -n 8'\n");
        let found = tools(&[pyproject, ("tox.ini", "[pytest]\naddopts = -x\n")]);
        assert_eq!((path(found.pytest), found.pytest_addopts.as_deref()), ("pyproject.toml".into(), Some("-ra -n 8")));
        assert_eq!(found.testpaths, ["tests"]);
        let found = tools(&[pyproject, ("pytest.ini", "[pytest]\ntestpaths =\n    a\n    b\n")]);
        assert_eq!((path(found.pytest), found.testpaths.join(" ")), ("pytest.ini".into(), "a b".into()));
        let nine = ("pyproject.toml", "[tool.pytest]\naddopts = ['-ra', '--strict']\n");
        assert_eq!(tools(&[nine]).pytest_addopts.as_deref(), Some("-ra --strict"));
        assert_eq!(path(tools(&[("setup.cfg", "[tool:pytest]\n")]).pytest), "setup.cfg");
        assert_eq!(path(tools(&[("tox.ini", "[tox]\n")]).pytest), "");
    }

    #[test]
    fn mypy_is_told_its_files_or_not() {
        let found = tools(&[("pyproject.toml", "[tool.mypy]\nfiles = ['src']\n"), ("setup.cfg", "[mypy]\n")]);
        assert!(found.mypy_names_files);
        assert_eq!(path(found.mypy), "pyproject.toml");
        let found =
            tools(&[("mypy.ini", "[mypy]\nstrict = True\n"), ("pyproject.toml", "[tool.mypy]\nfiles = ['x']\n")]);
        assert!(!found.mypy_names_files);
        assert_eq!(path(found.mypy), "mypy.ini");
    }

    #[test]
    fn coverage_names_sources_or_not() {
        let found =
            |files: &[(&str, &str)]| tools(files).coverage.map(|found| (path(Some(found.file)), found.names_source));
        assert_eq!(
            found(&[("pyproject.toml", "[tool.coverage.run]\nsource = ['x']\n")]),
            Some(("pyproject.toml".into(), true))
        );
        assert_eq!(
            found(&[("pyproject.toml", "[tool.coverage.report]\nfail_under = 9\n")]),
            Some(("pyproject.toml".into(), false))
        );
        assert_eq!(found(&[(".coveragerc", "[run]\nbranch = True\n")]), Some((".coveragerc".into(), false)));
        assert_eq!(found(&[("setup.cfg", "[coverage:run]\ninclude = x\n")]), Some(("setup.cfg".into(), true)));
        assert_eq!(found(&[("setup.cfg", "[metadata]\n")]), None);
    }

    #[test]
    fn a_tox_ini_may_be_none_of_tox() {
        let found = tools(&[("tox.ini", "[flake8]\nmax-line-length = 100\n")]);
        assert_eq!((path(found.tox), path(found.flake8)), (String::new(), "tox.ini".into()));
        let found = tools(&[("tox.ini", "[testenv]\ndeps =\n    pytest\n    -r requirements/tests.txt\n")]);
        assert_eq!(
            (path(found.tox), found.tox_deps.join("|")),
            ("tox.ini".into(), "pytest|-r requirements/tests.txt".into())
        );
        let found = tools(&[("pyproject.toml", "[tool.tox.env_run_base]\ndeps = ['pytest']\n")]);
        assert_eq!((path(found.tox), found.tox_deps.join("|")), ("pyproject.toml".into(), "pytest".into()));
    }

    #[test]
    fn djangos_manage_py_is_known() {
        assert_eq!(path(tools(&[("manage.py", "import django")]).manage_py), "manage.py");
        assert_eq!(path(tools(&[("manage.py", "import flask")]).manage_py), "");
    }
}
