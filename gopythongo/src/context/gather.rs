//! Gathering the context: the only place that looks outside before a plan is made.

use std::{fmt, path::PathBuf, thread};

use super::{
    BuildKind, Context, Interpreter, Packaged, Published,
    choice::{self, Choice, Signs},
    git::GitError,
    git_source::Follow,
    history::histories,
    repositories::Repositories,
    sdist::Fetch,
    source::{GatheredSource, absolute},
    versions,
};
use crate::{
    ci::{self, Variables},
    index::UpstreamError,
    pipeline::{Job, Pipeline, Source},
    version::VersionSource,
};

/// What the command line says of the context.
#[derive(Debug, Clone, Default)]
pub struct Request {
    /// The pipeline's root directory.
    pub root: PathBuf,
    /// `--branch`.
    pub branch: Option<String>,
    /// `--kind`.
    pub kind: Option<BuildKind>,
    /// The environment's variables, by which a build server is known.
    pub variables: Variables,
    /// `--offline`.
    pub offline: bool,
    /// Where unpacked sdists, other fetched sources and what git said of the past are kept: the tool cache.
    pub cache: PathBuf,
    /// The Pythons of this machine, the default one first.
    pub pythons: Vec<Interpreter>,
    /// How the index is asked for the versions of a project; `None` where that is not wanted.
    pub published: Option<Published>,
    /// How an apt repository is asked for the versions of a package; `None` where that is not wanted.
    pub packaged: Option<Packaged>,
    /// How sdists that are not in the cache are fetched; `None` where that is not wanted.
    pub fetch: Option<Fetch>,
    /// The repositories that are asked; what was asked before is not asked again.
    pub repositories: Repositories,
}

/// Why a context cannot be gathered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextError {
    /// One sentence.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl fmt::Display for ContextError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ContextError {}

impl From<UpstreamError> for ContextError {
    fn from(error: UpstreamError) -> Self {
        Self { message: error.message, hint: error.hint }
    }
}

impl From<GitError> for ContextError {
    fn from(error: GitError) -> Self {
        Self { message: error.to_string(), hint: error.hint() }
    }
}

/// Gathers everything outside that a plan of `pipeline` depends on.
///
/// # Errors
/// When no build kind can be found, or a source cannot be fetched. What is wrong with a source that is there is a
/// problem of its survey, or the reason for having no version.
pub fn gather(pipeline: &Pipeline, request: &Request) -> Result<Context, ContextError> {
    let root = absolute(&request.root);
    let repositories = &request.repositories;
    let built = pipeline.jobs.iter().filter(|job| job.is_built());
    let (elsewhere, built): (Vec<&Job>, Vec<&Job>) = built.partition(|job| matches!(job.source, Source::Git { .. }));
    repositories.recall(&root);
    // else git looks at the work tree meanwhile
    let (here, sources) = thread::scope(|scope| {
        let here = scope.spawn(|| repositories.of(&root));
        let sources = GatheredSource::read_all(&built, &root, request);
        (here.join().unwrap_or_default(), sources)
    });
    let server = ci::detect(&request.variables);
    let is_needed = request.kind.is_none()
        && request.branch.is_none()
        && server.as_ref().map_or(pipeline.default_kind.is_none(), |build| {
            build.branch.is_none() && build.tag.is_none() && build.pull_request.is_none()
        });
    let here = match here {
        Some(Err(error)) if is_needed => return Err(error.into()),
        Some(repository) => repository.ok(),
        None => None,
    };
    let signs = Signs {
        kind: request.kind,
        branch: request.branch.as_deref(),
        server: server.as_ref(),
        branches: &pipeline.branches,
        default_kind: pipeline.default_kind,
        pipeline: &pipeline.name,
        repository: here.as_ref().and_then(|repository| repository.branch.as_deref()),
    };
    let choice = Choice::of(signs)?;
    let branch = choice::branch(signs);
    let mut sources = sources?;
    let follow = Follow::of(&pipeline.branches, choice.kind, branch.as_deref(), server.as_ref());
    for job in elsewhere {
        sources.push(GatheredSource::elsewhere(job, &root, &follow, request)?);
    }
    let mut histories = histories(repositories, &sources, &request.cache);
    let checkouts = sources.iter().filter(|source| source.is_versioned_checkout());
    let said = checkouts.filter_map(|source| {
        let given = source.job.version.clone().map(VersionSource::Pipeline);
        given.or_else(|| source.survey.version_source.clone())
    });
    let said: Vec<VersionSource> = said.collect();
    let built_on = versions::Branch::of(&pipeline.branches, choice.kind, branch.as_deref(), &said);
    let jobs = sources.into_iter().map(|source| {
        let history = histories.remove(&source.job.name).unwrap_or_default();
        let name = source.job.name.clone();
        (name, source.into_context(built_on, &history))
    });
    let jobs = jobs.collect();
    Ok(Context {
        commit: here.and_then(|repository| repository.commit.clone()).or_else(|| server.as_ref()?.commit.clone()),
        channel: pipeline.branches.channel(choice.kind, branch.as_deref()),
        target: server.as_ref().and_then(|build| {
            let target = build.pull_request.as_ref()?.target.as_deref()?;
            Some(pipeline.branches.channel(pipeline.branches.kind(target), Some(target)))
        }),
        branch,
        kind: choice.kind,
        kind_reason: choice.reason,
        doubts: repositories.doubts(),
        server,
        root,
        pythons: request.pythons.clone(),
        jobs,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{
        super::git::tests::{commit, repository, run},
        *,
    };
    use crate::{
        context::Branches,
        pipeline::{JobBuilder as _, application, library},
        support::trees::{plant, tree},
        version::Stamp,
    };

    const MONEY: (&str, &str) = ("libs/money/pyproject.toml", "[project]\nname = 'money'\nversion = '1.5.0'\n");
    const SHOP: (&str, &str) = ("apps/shop/requirements.txt", "money\n");

    fn pipeline() -> Pipeline {
        let money = library("money").source("libs/money");
        Pipeline::new("storefront").job(money).job(application("shop").source("apps/shop"))
    }

    fn request(root: &Path) -> Request {
        Request { root: root.to_owned(), ..Request::default() }
    }

    fn version(context: &Context, job: &str) -> String {
        let job = &context.jobs[job];
        match &job.version {
            Some(plan) => plan.version(plan.number).to_string(),
            None => job.survey.version_problem.clone().unwrap_or_default(),
        }
    }

    #[test]
    fn a_checkout_is_gathered() -> Result<(), ContextError> {
        let directory = repository(&[MONEY, SHOP]);
        let root = directory.path();
        commit(root, &[("libs/money/money.py", "")]);
        commit(root, &[("README", "")]);
        let context = gather(&pipeline(), &request(root))?;
        assert_eq!((context.kind, context.channel.as_str()), (BuildKind::Develop, "develop"));
        assert_eq!(context.kind_reason, "branch `develop`");
        assert_eq!(context.branch.as_deref(), Some("develop"));
        assert!(context.commit.is_some());
        assert_eq!(version(&context, "money"), "1.5.0.dev2");
        let money = &context.jobs["money"];
        assert_eq!(money.directory, context.root.join("libs/money"));
        assert!(matches!(money.version.as_ref().map(|plan| &plan.stamp), Some(Stamp::Rewrite(_))));
        let shop = &context.jobs["shop"];
        assert_eq!((&shop.version, &shop.survey.version_problem), (&None, &None));

        let shop = application("shop").source("apps/shop").virtualenv("/opt/shop");
        let packed = gather(&Pipeline::new("storefront").job(shop), &request(root))?;
        assert_eq!(version(&packed, "shop"), "0.1.0.dev1", "a tree that is packed has a version");
        Ok(())
    }

    #[test]
    fn tags_start_the_count_again() -> Result<(), ContextError> {
        let directory = repository(&[MONEY, SHOP]);
        run(directory.path(), &["tag", "v1.4.0"]);
        commit(directory.path(), &[("libs/money/money.py", "")]);
        assert_eq!(version(&gather(&pipeline(), &request(directory.path()))?, "money"), "1.5.0.dev1");
        run(directory.path(), &["tag", "money-1.4.9"]);
        assert_eq!(version(&gather(&pipeline(), &request(directory.path()))?, "money"), "1.5.0.dev0");
        Ok(())
    }

    #[test]
    fn a_laptop_without_a_repository_needs_a_kind() -> Result<(), ContextError> {
        let directory = tree(&[MONEY, SHOP]);
        let error = gather(&pipeline(), &request(directory.path())).expect_err("nothing says the kind");
        assert!(error.hint.is_some_and(|hint| hint.contains("--kind develop")));
        let context = gather(&pipeline().default_kind(BuildKind::Develop), &request(directory.path()))?;
        assert_eq!((context.commit, context.branch, context.channel.as_str()), (None, None, "develop"));
        Ok(())
    }

    #[test]
    fn the_command_line_decides_over_the_checkout() -> Result<(), ContextError> {
        let directory = repository(&[MONEY, SHOP]);
        let pipeline = pipeline().default_kind(BuildKind::Develop);
        let branch = |branch: &str| Request { branch: Some(branch.to_owned()), ..request(directory.path()) };
        let context = gather(&pipeline, &branch("feature/discounts"))?;
        assert_eq!((context.kind, context.channel.as_str()), (BuildKind::Feature, "feature/discounts"));
        assert_eq!(version(&context, "money"), "1.5.0.dev1+discounts");
        assert_eq!(version(&gather(&pipeline, &branch("release/1.5.0"))?, "money"), "1.5.0rc1");
        let problem = version(&gather(&pipeline, &branch("release/1.6.0"))?, "money");
        assert!(
            problem.ends_with(
                "libs/money: branch `release/1.6.0` is for 1.6.0, which no source says; this one says 1.5.0"
            ),
            "{problem}"
        );
        let master = Request { kind: Some(BuildKind::Master), ..request(directory.path()) };
        assert_eq!(version(&gather(&pipeline, &master)?, "money"), "1.5.0");
        Ok(())
    }

    #[test]
    fn a_version_in_the_pipeline_replaces_the_sources() -> Result<(), ContextError> {
        let directory = repository(&[MONEY]);
        let pipeline = Pipeline::new("x").job(library("money").source("libs/money").version("2.0"));
        assert_eq!(version(&gather(&pipeline, &request(directory.path()))?, "money"), "2.0.dev1");
        Ok(())
    }

    #[test]
    fn what_is_missing_or_broken_is_a_problem_of_its_job() -> Result<(), ContextError> {
        let directory = repository(&[("libs/money/pyproject.toml", "[project]\nname = 'money'\n")]);
        let context = gather(&pipeline(), &request(directory.path()))?;
        let problem = version(&context, "money");
        assert!(problem.ends_with("has no version: write `version = \"1.0.0\"` under `[project]`"), "{problem}");
        let problems = &context.jobs["shop"].survey.problems;
        assert!(problems.iter().any(|problem| problem.contains("apps/shop is missing")), "{problems:?}");
        Ok(())
    }

    #[test]
    fn tags_of_a_shallow_clone_are_no_versions() -> Result<(), ContextError> {
        let scm =
            ("libs/money/pyproject.toml", "[build-system]\nrequires = ['setuptools-scm']\n[project]\nname = 'money'\n");
        let directory = repository(&[scm, SHOP]);
        commit(directory.path(), &[("libs/money/money.py", "")]);
        run(directory.path(), &["tag", "v1.4.2"]);
        commit(directory.path(), &[("libs/money/money.py", "1")]);
        assert_eq!(version(&gather(&pipeline(), &request(directory.path()))?, "money"), "1.4.3.dev1");
        let clones = tree(&[]);
        let url = format!("file://{}", directory.path().display());
        run(clones.path(), &["clone", "-q", "--depth", "1", &url, "clone"]);
        let context = gather(&pipeline(), &request(&clones.path().join("clone")))?;
        assert!(context.doubts[0].contains("clone is a shallow clone: versions count only"), "{:?}", context.doubts);
        let problem = version(&context, "money");
        assert!(problem.contains("is a shallow clone, and the version comes from its tags"), "{problem}");
        Ok(())
    }

    #[test]
    fn a_release_is_fetched_once_and_keeps_its_version() -> Result<(), ContextError> {
        let unpacked = tree(&[
            ("pyproject.toml", "[project]\nname = 'flask'\ndynamic = ['version']\n"),
            ("PKG-INFO", "Metadata-Version: 2.4\nName: flask\nVersion: 3.1.3\n"),
            ("examples/tutorial/pyproject.toml", "[project]\nname = 'flaskr'\nversion = '1.0.0'\n"),
        ]);
        let here = unpacked.path().to_owned();
        let pipeline = Pipeline::new("pallets")
            .default_kind(BuildKind::Develop)
            .job(library("flask").sdist("flask==3.1.3"))
            .job(application("flaskr").sdist("flask==3.1.3").subdirectory("examples/tutorial"));
        let cache = tree(&[]);
        let fetch = Fetch::new(move |requirement| {
            assert_eq!(requirement.to_string(), "flask==3.1.3");
            Ok(here.clone())
        });
        let root = tree(&[]);
        let request = Request { cache: cache.path().to_owned(), fetch: Some(fetch), ..request(root.path()) };
        let context = gather(&pipeline, &request)?;
        assert_eq!((version(&context, "flask"), version(&context, "flaskr")), ("3.1.3".to_owned(), "1.0.0".to_owned()));
        assert_eq!(context.jobs["flask"].version.as_ref().map(|plan| &plan.stamp), Some(&Stamp::Keep));
        assert!(context.jobs["flaskr"].directory.ends_with("examples/tutorial"));
        let offline = Request { fetch: None, ..request };
        let error = gather(&pipeline, &offline).expect_err("nothing fetches");
        assert_eq!(error.message, "`flask==3.1.3`, the source of `flask`, is not in the cache");
        Ok(())
    }

    #[test]
    fn a_repository_in_the_root_counts_for_itself() -> Result<(), ContextError> {
        let directory = repository(&[SHOP]);
        plant(directory.path(), &[MONEY]);
        let money = directory.path().join("libs/money");
        run(&money, &["init", "-q", "-b", "main"]);
        commit(&money, &[]);
        commit(&money, &[("money.py", "")]);
        assert_eq!(version(&gather(&pipeline(), &request(directory.path()))?, "money"), "1.5.0.dev2");
        Ok(())
    }

    #[test]
    fn a_build_server_says_what_a_detached_checkout_is_of() -> Result<(), ContextError> {
        let directory = repository(&[MONEY, SHOP]);
        run(directory.path(), &["checkout", "-q", "--detach"]);
        let on = |variables: &str| {
            let variables = variables.split_whitespace().filter_map(|pair| pair.split_once('=')).collect();
            gather(&pipeline(), &Request { variables, ..request(directory.path()) })
        };
        assert!(on("").is_err(), "a laptop does not know");
        let develop = on("TRAVIS=true TRAVIS_BRANCH=develop TRAVIS_PULL_REQUEST=false")?;
        assert_eq!(version(&develop, "money"), "1.5.0.dev1");
        assert_eq!((develop.branch.as_deref(), develop.channel.as_str()), (Some("develop"), "develop"));
        assert!(develop.is_trusted() && develop.target.is_none());
        let request = "TRAVIS=true TRAVIS_BRANCH=hotfix/1.4.1 TRAVIS_PULL_REQUEST=42 \
            TRAVIS_PULL_REQUEST_BRANCH=feature/x TRAVIS_REPO_SLUG=acme/shop";
        let own = on(&format!("{request} TRAVIS_PULL_REQUEST_SLUG=acme/shop"))?;
        assert_eq!(version(&own, "money"), "1.5.0.dev1+x");
        assert_eq!((own.kind, own.channel.as_str()), (BuildKind::PullRequest, "pull-request/x"));
        assert_eq!(own.target.as_deref(), Some("hotfix/1.4.1"));
        let fork = on(&format!("{request} TRAVIS_PULL_REQUEST_SLUG=eve/shop"))?;
        assert!(own.is_trusted() && !fork.is_trusted());
        assert_eq!(fork.kind_reason, "pull request 42 into hotfix/1.4.1, from a fork (Travis CI)");
        Ok(())
    }

    #[test]
    fn a_team_with_other_branches_says_so() -> Result<(), ContextError> {
        let directory = repository(&[MONEY, SHOP]);
        let branches = Branches::trunk("trunk").release(["rel-"]);
        let on = |branch: &str| {
            let request = Request { branch: Some(branch.to_owned()), ..request(directory.path()) };
            let context = gather(&pipeline().branches(branches.clone()), &request)?;
            Ok::<_, ContextError>(format!("{} into {}", version(&context, "money"), context.channel))
        };
        assert_eq!(on("trunk")?, "1.5.0.dev1 into develop");
        assert_eq!(on("rel-1.5.0")?, "1.5.0rc1 into release/1.5.0");
        assert_eq!(on("develop")?, "1.5.0.dev1+develop into feature/develop");
        Ok(())
    }
}
