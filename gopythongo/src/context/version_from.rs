//! The version of a job that has it from elsewhere: from a file by a regular expression, from bumpversion's configuration, from
//! the upstream index or an apt repository. Asks Python for what its `re` finds.

use std::{
    fmt,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use serde::Deserialize;

use super::{ContextError, Survey, gather::Request};
use crate::{
    index::Upstream,
    python::FileName,
    version::{
        Assignment, DebianVersion, Place, Version, VersionError, VersionFrom, VersionSource, bumpversion, is_inside,
    },
};

/// How the versions of something that was published are asked for.
pub struct Ask<Q: ?Sized, V>(Arc<Function<Q, V>>);

/// How the versions of a project in the upstream index are asked for, by its normalised name.
pub type Published = Ask<str, Version>;

/// How the versions of a package in an apt repository are asked for.
pub type Packaged = Ask<AptPackage, DebianVersion>;

type Function<Q, V> = dyn Fn(&Q) -> Result<Vec<V>, ContextError> + Send + Sync;

/// A package in an apt repository.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AptPackage {
    /// The repository's URL, below which `dists` is.
    pub repository: String,
    /// The suite.
    pub suite: String,
    /// The package's name.
    pub package: String,
    /// The keyring whose keys sign the repository; without one its signature is not verified.
    pub signed_by: Option<PathBuf>,
}

impl fmt::Display for AptPackage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "package `{}` in suite `{}`", self.package, self.suite)
    }
}

impl<Q: ?Sized, V> Ask<Q, V> {
    /// Asks by a function.
    pub fn new(ask: impl Fn(&Q) -> Result<Vec<V>, ContextError> + Send + Sync + 'static) -> Self {
        Self(Arc::new(ask))
    }
}

impl<Q: ?Sized, V> Clone for Ask<Q, V> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<Q: ?Sized, V> fmt::Debug for Ask<Q, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Ask(…)")
    }
}

/// The versions of a project in the upstream index, those apart that were yanked; none if it has no such project.
///
/// # Errors
/// When the index cannot be asked.
pub fn published_versions(upstream: &Upstream, project: &str) -> Result<Vec<Version>, ContextError> {
    let files = upstream.files(project)?;
    let versions = files.iter().filter(|file| !file.yanked).filter_map(|file| match file.file.parse().ok()? {
        FileName::Sdist(sdist) => Some(sdist.version),
        FileName::Wheel(wheel) => Some(wheel.version),
    });
    Ok(versions.collect())
}

/// The source of a version, and where else than the project says it is written.
pub(super) type Found = (VersionSource, Vec<Place>);

/// Finds the version of a source in `directory`.
///
/// # Errors
/// When it is not there, or the index cannot be asked. One sentence.
pub(super) fn find(
    from: &VersionFrom,
    directory: &Path,
    survey: &Survey,
    request: &Request,
) -> Result<Found, VersionError> {
    match from {
        VersionFrom::Tags => Ok((VersionSource::GitTags, Vec::new())),
        VersionFrom::Search { file, pattern } => {
            let place = searched(directory, file, pattern, request)?;
            let version = place.read(directory).unwrap_or_default();
            checked(&version, &format!("what `{pattern}` finds in {}", directory.join(file).display()))?;
            Ok((VersionSource::Search { file: file.clone(), version }, vec![place]))
        }
        VersionFrom::Bumpversion => of_bumpversion(directory)?.ok_or_else(|| {
            VersionError(format!("no configuration of bumpversion in {} says a `current_version`", directory.display()))
        }),
        VersionFrom::Apt { repository, suite, project, bump, signed_by } => {
            let package = project.clone().unwrap_or_else(|| own_name(survey));
            let wanted = AptPackage {
                repository: repository.clone(),
                suite: suite.clone(),
                package: package.clone(),
                signed_by: signed_by.as_ref().map(|keyring| request.root.join(keyring)),
            };
            let ask = request.packaged.as_ref().ok_or_else(|| {
                VersionError(format!("the version comes from {wanted}, and no apt repository is asked here"))
            })?;
            let versions = (ask.0)(&wanted).map_err(|error| VersionError(error.message))?;
            let newest = versions.into_iter().filter(DebianVersion::is_final).max();
            let version = match &newest {
                None => Version::new([0, 1, 0]),
                Some(newest) => bump.python(&newest.released().ok_or_else(|| {
                    VersionError(format!(
                        "the newest {wanted} is `{newest}`, which is not a version of Python's (PEP 440)"
                    ))
                })?),
            };
            Ok((VersionSource::Apt { package, version: version.to_string() }, Vec::new()))
        }
        VersionFrom::Index { project, bump } => {
            let project = project.as_deref().map_or_else(|| own_name(survey), crate::python::name::normalize);
            let ask = request.published.as_ref().ok_or_else(|| {
                VersionError(format!("the version of `{project}` comes from the index, which is not asked here"))
            })?;
            let versions = (ask.0)(&project).map_err(|error| VersionError(error.message))?;
            let newest = versions.into_iter().filter(Version::is_stable).max();
            let version = newest.map_or_else(|| Version::new([0, 1, 0]), |newest| bump.python(&newest)).to_string();
            Ok((VersionSource::Index { project, version }, Vec::new()))
        }
    }
}

fn own_name(survey: &Survey) -> String {
    survey.distribution.as_ref().map(|distribution| distribution.name.clone()).unwrap_or_default()
}

/// The version in bumpversion's configuration, if there is one.
///
/// # Errors
/// When it cannot be read, or is no version.
pub(super) fn of_bumpversion(directory: &Path) -> Result<Option<Found>, VersionError> {
    let Some((version, places)) = bumpversion(directory)? else { return Ok(None) };
    checked(&version, &format!("bumpversion's `current_version` in {}", directory.display()))?;
    Ok(Some((VersionSource::Bumpversion(version), places)))
}

fn checked(version: &str, what: &str) -> Result<(), VersionError> {
    match version.parse::<Version>() {
        Ok(_) => Ok(()),
        Err(_) => Err(VersionError(format!("{what} is not a version (PEP 440): `{version}`"))),
    }
}

/// What Python says of a search. Places are bytes of the text that was found.
#[derive(Deserialize)]
#[serde(untagged)]
enum Said {
    Found { around: String, nth: usize, at: usize, length: usize },
    Problem { problem: String },
}

const SEARCH: &str = r#"
import json, re, sys
try:
    text = open(sys.argv[2], encoding="utf-8", newline="").read()
    found = re.search(sys.argv[1], text, re.MULTILINE)
except (re.error, OSError, UnicodeError) as error:
    said = {"problem": str(error)}
else:
    if not found:
        said = {"problem": "nothing is found"}
    else:
        group = "version" if "version" in found.re.groupindex else min(found.re.groups, 1)
        if found.group(group) is None:
            said = {"problem": "what is found has no version"}
        else:
            around, start = found.group(0), found.start(0)
            nth = text.encode()[:len(text[:start].encode())].count(around.encode())
            at = len(text[start:found.start(group)].encode())
            said = {"around": around, "nth": nth, "at": at, "length": len(found.group(group).encode())}
print(json.dumps(said))
"#;

fn searched(directory: &Path, file: &Path, pattern: &str, request: &Request) -> Result<Place, VersionError> {
    let path = directory.join(file);
    let wrong = |what: &str| VersionError(format!("cannot search {} for `{pattern}`: {what}", path.display()));
    if !is_inside(file) {
        return Err(wrong("it is not in the source"));
    }
    let python = request.pythons.first().ok_or_else(|| wrong("there is no Python on this machine"))?;
    let mut command = Command::new(&python.path);
    command.args(["-I", "-S", "-c", SEARCH, pattern]).arg(&path).env_clear().stdin(Stdio::null());
    let output = command.output().map_err(|error| wrong(&error.to_string()))?;
    match serde_json::from_slice(&output.stdout) {
        Ok(Said::Found { around, nth, at, length }) => {
            Ok(Place::new(file, Assignment::Text { around, nth, at, length }))
        }
        Ok(Said::Problem { problem }) => Err(wrong(&problem)),
        Err(_) => Err(wrong(String::from_utf8_lossy(&output.stderr).lines().last().unwrap_or("Python said nothing"))),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        super::{BuildKind, Interpreter, gather},
        *,
    };
    use crate::{
        pipeline::{JobBuilder as _, Pipeline, library},
        support::trees::tree,
        version::{Bump, apply},
    };

    const DYNAMIC: (&str, &str) = ("pyproject.toml", "[project]\nname = 'sensor'\ndynamic = ['version']\n");
    const HEADER: (&str, &str) = ("src/sensor.h", "// VERSION 0.1\n#define VERSION \"1.4.2\"\n");

    /// The version of a develop build, or the problem, and the header after the build was given it.
    fn built(from: Option<VersionFrom>, files: &[(&str, &str)], published: &[&str]) -> (String, String) {
        let directory = tree(files);
        let job = library("sensor").source(".");
        let pipeline = Pipeline::new("p").job(from.into_iter().fold(job, |job, from| job.version_from(from)));
        let versions: Vec<Version> = published.iter().filter_map(|text| text.parse().ok()).collect();
        let python = which::which("python3").expect("python3");
        let request = Request {
            root: directory.path().to_owned(),
            kind: Some(BuildKind::Master),
            pythons: vec![Interpreter { path: python, version: "3".into(), implementation: "cpython".into() }],
            published: Some(Published::new(move |project| {
                let versions = (project == "sensor").then(|| versions.clone());
                versions.ok_or_else(|| ContextError { message: format!("asked for `{project}`"), hint: None })
            })),
            ..Request::default()
        };
        let context = gather(&pipeline, &request).expect("a context");
        let job = &context.jobs["sensor"];
        let Some(plan) = &job.version else {
            let problem = job.survey.version_problem.clone().unwrap_or_default();
            return (problem.replace(&format!("{}/", job.directory.display()), ""), String::new());
        };
        apply(&plan.stamp, directory.path(), &"9.9".parse().expect("a version")).expect("it is given its version");
        let header = std::fs::read_to_string(directory.path().join("src/sensor.h")).unwrap_or_default();
        (plan.base.to_string(), header)
    }

    #[test]
    fn a_version_is_searched_and_rewritten_where_it_is_found() {
        let stamped = "// VERSION 0.1\n#define VERSION \"9.9\"\n";
        for pattern in [r#"^#define VERSION "(.+)""#, r#"#define (VER)SION "(?P<version>[^"]+)""#, r#"(?<=N ")[\d.]+"#]
        {
            let from = VersionFrom::search("src/sensor.h", pattern);
            assert_eq!(
                built(Some(from), &[DYNAMIC, HEADER], &[]),
                ("1.4.2".to_owned(), stamped.to_owned()),
                "{pattern}"
            );
        }
        let problem =
            |file: &str, pattern: &str| built(Some(VersionFrom::search(file, pattern)), &[DYNAMIC, HEADER], &[]).0;
        assert_eq!(problem("src/sensor.h", "RELEASE"), "cannot search src/sensor.h for `RELEASE`: nothing is found");
        assert!(problem("src/sensor.h", "(").contains("`(`: missing ), unterminated subpattern"));
        assert!(problem("gone.h", "x").contains("No such file"));
        assert!(problem("../x", "x").ends_with("it is not in the source"));
        assert_eq!(problem("src/sensor.h", "define"), {
            "what `define` finds in src/sensor.h is not a version (PEP 440): `define`"
        });
    }

    #[test]
    fn a_project_that_says_no_version_has_that_of_bumpversion() {
        let configuration =
            (".bumpversion.cfg", "[bumpversion]\ncurrent_version = 1.4.2\n[bumpversion:file:src/sensor.h]\n");
        let (version, header) = built(None, &[DYNAMIC, HEADER, configuration], &[]);
        assert_eq!((version.as_str(), header.contains("\"9.9\"")), ("1.4.2", true));
        assert!(built(None, &[DYNAMIC, HEADER], &[]).0.contains("has no version"));
        let said = built(Some(VersionFrom::bumpversion()), &[DYNAMIC, HEADER], &[]).0;
        assert!(said.starts_with("no configuration of bumpversion in "), "{said}");
    }

    #[test]
    fn what_comes_after_the_newest_release_in_the_index() {
        let index = |from: VersionFrom, published: &[&str]| built(Some(from), &[STATIC, HEADER], published).0;
        const STATIC: (&str, &str) = ("pyproject.toml", "[project]\nname = 'sensor'\nversion = '0'\n");
        assert_eq!(index(VersionFrom::index(), &["1.9.0", "1.10.0", "2.0.0rc1"]), "1.10.1");
        assert_eq!(index(VersionFrom::index().bump(Bump::Revision), &["1.10.0"]), "1.10.0.post1");
        assert_eq!(index(VersionFrom::index(), &[]), "0.1.0");
        assert_eq!(index(VersionFrom::index().project("Other_Sensor"), &[]), "asked for `other-sensor`");
    }

    #[test]
    fn what_comes_after_the_newest_release_in_an_apt_repository_is_higher_for_apt() {
        let from = VersionFrom::apt("http://apt.example", "stable");
        let next = |from: &VersionFrom, packaged: &[&str]| {
            let versions: Vec<DebianVersion> = packaged.iter().filter_map(|text| text.parse().ok()).collect();
            assert_eq!(versions.len(), packaged.len());
            let packaged = Packaged::new(move |_: &AptPackage| Ok(versions.clone()));
            let request = Request { packaged: Some(packaged), ..Request::default() };
            match find(from, Path::new("/"), &Survey::default(), &request) {
                Ok((source, _)) => source.version().unwrap_or_default().to_owned(),
                Err(problem) => problem.to_string(),
            }
        };
        for (packaged, bump, expect) in [
            (&["1.9.0-1", "1.10.0", "2.0.0~rc1"] as &[&str], Bump::Release, "1.10.1"),
            (&["1:1.4.2-3", "2.0"], Bump::Release, "1!1.4.3"),
            (&["1.4.2+dfsg1-2"], Bump::Revision, "1.4.2.post1"),
            (&["1.4.2++post1"], Bump::Revision, "1.4.2.post2"),
            (&["1.5.0~dev3+x"], Bump::Release, "0.1.0"),
            (&[], Bump::Release, "0.1.0"),
        ] {
            let version = next(&from.clone().bump(bump), packaged);
            assert_eq!(version, expect, "{packaged:?}");
            let newest = packaged.iter().filter_map(|text| text.parse::<DebianVersion>().ok());
            let newest = newest.filter(DebianVersion::is_final).max();
            let ours = DebianVersion::of(&version.parse().expect("a version"));
            assert!(newest.is_none_or(|newest| newest < ours), "{ours} after {packaged:?}");
        }
        assert_eq!(next(&from.project("shop"), &["20240101a"]), {
            "the newest package `shop` in suite `stable` is `20240101a`, which is not a version of Python's (PEP 440)"
        });
    }
}
