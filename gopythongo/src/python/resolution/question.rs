//! What is asked of the resolver: requirements, constraints, and which of them concern owned packages. Pure.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use crate::python::{
    Environment, Requirement, Resolve, defaults,
    owned::{Need, Owned},
};
use crate::{
    context::{Interpreter, JobContext},
    run::Failure,
};

/// Everything that decides a resolution, but for the index.
#[derive(Debug, Default)]
pub(in crate::python) struct Question {
    /// The distribution under test with its `Requires-Dist`, and the extras to install it with.
    own: Option<(String, Vec<Requirement>)>,
    extras: Vec<String>,
    /// What the tests, the types and the tools need.
    required: Vec<Requirement>,
    /// Requirement files of an application that is no distribution.
    pub(in crate::python) files: Vec<PathBuf>,
    /// What those files say, as far as it is plain requirements.
    listed: Vec<Requirement>,
    /// Pins of the project and of the pipeline.
    pinned: Vec<Requirement>,
    /// Pins of tools that nothing else asks for at a version: `pytest==9.2.0`.
    pub(in crate::python) defaults: Vec<String>,
    job: String,
}

impl Question {
    pub(in crate::python) fn new(
        options: &Resolve,
        job: &JobContext,
        name: &str,
        python: &Interpreter,
        requires: Option<Vec<Requirement>>,
        constraints: &str,
    ) -> Result<Self, Failure> {
        let survey = &job.survey;
        let own = survey.distribution.as_ref().map(|distribution| distribution.name.clone()).zip(requires);
        let typing = survey.typing_requirements.iter().filter(|_| options.typing);
        let mut question = Self {
            extras: if options.extras.is_empty() { survey.test_extras.clone() } else { options.extras.clone() },
            job: name.to_owned(),
            ..Self::default()
        };
        for text in survey.test_requirements.iter().chain(typing).chain(&options.requirements).chain(&options.runtime) {
            question.required.push(parse(text, name)?);
        }
        if own.is_none() {
            question.files = survey.requirements.iter().map(|file| job.directory.join(file)).collect();
            for file in &question.files {
                let text = std::fs::read_to_string(file).map_err(Failure::io("cannot read", file))?;
                question.listed.extend(lines(&text).filter_map(|line| line.parse().ok()));
            }
        }
        let pins = |texts: &mut dyn Iterator<Item = &str>| -> Result<Vec<Requirement>, Failure> {
            let pins = texts.map(|text| parse(text, name)).collect::<Result<Vec<_>, _>>()?;
            // neither extras nor URLs can constrain
            Ok(pins
                .into_iter()
                .filter(|pin| pin.url.is_none())
                .map(|pin| Requirement { extras: Vec::new(), ..pin })
                .collect())
        };
        let said = pins(&mut lines(constraints))?;
        // what the pipeline pins, the project does not pin as well
        question.pinned = pins(&mut survey.constraints.iter().map(String::as_str))?;
        question.pinned.retain(|pin| said.iter().all(|said| said.name != pin.name));
        question.pinned.extend(said);
        if let Some((own, _)) = &own {
            question.fold_own(own);
        }
        question.own = own;
        let default = |tool: &str| {
            let pinned = survey.tool_pins.get(tool).map(String::as_str);
            pinned.or_else(|| defaults::version_on(tool, &python.version)).map(str::to_owned)
        };
        question.tool("pytest", options.pytest.as_deref(), default("pytest"))?;
        if options.coverage {
            question.tool("coverage", None, default("coverage"))?;
        }
        question.required.sort_by_cached_key(ToString::to_string);
        question.required.dedup();
        question.extras.extend(options.runtime_extras.iter().cloned());
        question.extras.sort();
        question.extras.dedup();
        Ok(question)
    }

    /// `flask[async]` among flask's own test requirements means extras of the wheel under test.
    fn fold_own(&mut self, own: &str) {
        let (own_ones, others) = std::mem::take(&mut self.required).into_iter().partition(|r| r.name == own);
        self.required = others;
        let own_ones: Vec<Requirement> = own_ones;
        self.extras.extend(own_ones.into_iter().flat_map(|requirement| requirement.extras));
        self.pinned.retain(|pin| pin.name != own);
    }

    /// A tool at the version of an option, else of the project, else the default one.
    fn tool(&mut self, tool: &str, version: Option<&str>, default: Option<String>) -> Result<(), Failure> {
        if let Some(version) = version {
            self.pinned.retain(|pin| pin.name != tool);
            self.required.retain(|required| required.name != tool || !required.extras.is_empty());
            self.required.push(parse(&format!("{tool}=={version}"), &self.job)?);
            return Ok(());
        }
        let mut mentioned = self.required.iter().chain(&self.pinned).chain(&self.listed);
        let chosen = mentioned.any(|r| r.name == tool && (!r.specifiers.is_empty() || r.url.is_some()));
        if !self.required.iter().any(|required| required.name == tool && required.marker.is_none()) {
            self.required.push(Requirement::any(tool));
        }
        if !chosen && let Some(version) = default {
            self.defaults.push(format!("{tool}=={version}"));
        }
        Ok(())
    }

    /// The requirements, one a line. The distribution under test is `wheel`; without one, what it requires stands in its
    /// place, which is what decides.
    pub(in crate::python) fn requirements(&self, wheel: Option<&Path>) -> String {
        let mut lines: Vec<String> = self.required.iter().map(ToString::to_string).collect();
        if let Some((name, requires)) = &self.own {
            let extras = if self.extras.is_empty() { String::new() } else { format!("[{}]", self.extras.join(",")) };
            match wheel {
                Some(wheel) => lines.push(format!("{name}{extras} @ {}", file_url(wheel))),
                None => {
                    lines.push(format!("{name}{extras}"));
                    lines.extend(requires.iter().map(|requirement| format!("{name}: {requirement}")));
                }
            }
        }
        lines.join("\n")
    }

    /// The project's pins and the pipeline's, but none of owned names.
    pub(in crate::python) fn pins(&self, owned: &Owned) -> Vec<String> {
        self.pinned.iter().filter(|pin| !owned.owns(&pin.name)).map(ToString::to_string).collect()
    }

    /// Owned packages that are needed, at the versions that the run sees.
    pub(in crate::python) fn owned_pins(&self, owned: &Owned, needs: &[Need]) -> Vec<String> {
        let names: BTreeSet<&str> = needs.iter().map(|need| need.requirement.name.as_str()).collect();
        names.into_iter().filter_map(|name| Some(format!("{name}=={}", owned.get(name)?.version))).collect()
    }

    /// Needs of owned packages that follow from the requirements.
    pub(in crate::python) fn reached(&self, owned: &Owned, python: &Interpreter) -> Vec<Need> {
        let need = |by: &str, requirement: Requirement| Need { by: by.to_owned(), requirement };
        let tests = format!("the tests of {}", self.job);
        let mut needs: Vec<Need> = Vec::new();
        if let Some((name, _)) = &self.own {
            needs.push(need(name, Requirement { extras: self.extras.clone(), ..Requirement::any(name) }));
        }
        let environment = environment(python);
        let applying = |requirement: &&Requirement| requirement.applies(&environment);
        needs.extend(self.listed.iter().filter(applying).map(|requirement| need(&self.job, requirement.clone())));
        needs.extend(self.required.iter().filter(applying).map(|requirement| need(&tests, requirement.clone())));
        owned.reached(needs, self.own.as_ref().map(|(name, requires)| (name.as_str(), &requires[..])), &environment)
    }
}

fn parse(text: &str, job: &str) -> Result<Requirement, Failure> {
    text.parse().map_err(|error| Failure::new(format!("what the tests of `{job}` need: {error}")))
}

/// Lines of a requirements file that may be requirements: neither comments nor options, hashes cut off.
fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .map(|line| line.split(" #").next().unwrap_or(line).trim().trim_end_matches('\\'))
        .map(|line| line.split(" --").next().unwrap_or(line).trim())
        .filter(|line| !line.is_empty() && !line.starts_with(['#', '-']))
}

/// A path as a URL: where pip and uv split what they are given at spaces, or take it apart.
pub(in crate::python) fn file_url(path: &Path) -> String {
    const SET: &percent_encoding::AsciiSet =
        &percent_encoding::NON_ALPHANUMERIC.remove(b'/').remove(b'-').remove(b'.').remove(b'_').remove(b'~');
    let path = path.to_string_lossy();
    format!("file://{}", percent_encoding::utf8_percent_encode(&path, SET))
}

/// What markers see on an interpreter of this machine. It decides which owned packages are looked at, never what is
/// installed: that is the resolver's business.
fn environment(python: &Interpreter) -> Environment {
    let minor: Vec<&str> = python.version.split('.').take(2).collect();
    let os = std::env::consts::OS;
    Environment {
        os_name: "posix".to_owned(),
        sys_platform: if os == "macos" { "darwin" } else { os }.to_owned(),
        platform_machine: std::env::consts::ARCH.to_owned(),
        platform_python_implementation: if python.implementation == "pypy" { "PyPy" } else { "CPython" }.to_owned(),
        platform_system: if os == "macos" { "Darwin" } else { "Linux" }.to_owned(),
        python_version: minor.join("."),
        python_full_version: python.version.clone(),
        implementation_name: python.implementation.clone(),
        implementation_version: python.version.clone(),
        ..Environment::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{Distribution, Layout, Survey};

    fn job(survey: Survey) -> JobContext {
        let distribution = Some(Distribution {
            name: "flask".to_owned(),
            build_requires: Vec::new(),
            build_backend: "flit_core.buildapi".to_owned(),
            requires_python: None,
            dependencies: Vec::new(),
            extras: Vec::new(),
            packages: Vec::new(),
            layout: Layout::Src,
        });
        JobContext { directory: PathBuf::from("flask"), survey: Survey { distribution, ..survey }, version: None }
    }

    fn strings(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|&text| text.to_owned()).collect()
    }

    fn question(options: &Resolve, survey: Survey) -> Question {
        let requires = vec!["werkzeug>=3".parse().unwrap_or_else(|error| panic!("{error}"))];
        let python =
            Interpreter { path: PathBuf::new(), version: "3.11.2".to_owned(), implementation: "cpython".to_owned() };
        Question::new(
            options,
            &job(survey),
            "flask",
            &python,
            Some(requires),
            "urllib3==2.0 --hash=sha256:00 # pinned\n-r x\n",
        )
        .unwrap_or_else(|error| panic!("{error}"))
    }

    #[test]
    fn tests_types_and_tools_are_asked_for_together() {
        let survey = Survey {
            test_requirements: strings(&["asgiref", "Flask[async]"]),
            typing_requirements: strings(&["cryptography"]),
            constraints: strings(&["asgiref==3.8.1", "werkzeug==3.1.3", "flask==3.1.3", "urllib3==1.26"]),
            ..Survey::default()
        };
        let options = Resolve { typing: true, coverage: true, ..Resolve::default() };
        let question = question(&options, survey);
        let wheel = Path::new("/s/a b/flask-3.1.3-py3-none-any.whl");
        assert_eq!(
            question.requirements(Some(wheel)),
            "asgiref\ncoverage\ncryptography\npytest\nflask[async] @ file:///s/a%20b/flask-3.1.3-py3-none-any.whl"
        );
        let owned = Owned::of([("werkzeug", None), ("flask", None)]);
        assert_eq!(question.pins(&owned), ["asgiref==3.8.1", "urllib3==2.0"]);
        assert_eq!(question.defaults.len(), 2);
    }

    #[test]
    fn the_project_pins_its_tools_and_an_option_goes_before() {
        let survey = Survey { constraints: strings(&["pytest==8.3.5"]), ..Survey::default() };
        assert_eq!(question(&Resolve::default(), survey.clone()).defaults, [""; 0]);
        let options = Resolve { pytest: Some("8.4.0".to_owned()), ..Resolve::default() };
        let question = question(&options, survey);
        assert_eq!(question.requirements(None), "pytest==8.4.0\nflask\nflask: werkzeug>=3");
        assert_eq!(question.pins(&Owned::default()), ["urllib3==2.0"]);
    }
}
