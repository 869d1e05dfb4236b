//! Mirrors of repositories in directories, and what a pipeline gathers of them.

use super::{
    super::{
        Context, Request, gather,
        git::tests::{commit, repository, run},
    },
    *,
};
use crate::{
    ci::Variables,
    pipeline::{JobBuilder as _, Library, Pipeline, library},
    support::trees::plant,
};

const MONEY: &str = "[project]\nname = 'money'\nversion = '1.5.0'\n";

/// A repository of the library with branches in each of which a file has the branch's name, and a cache.
struct Ground {
    money: tempfile::TempDir,
    pipeline: tempfile::TempDir,
    cache: tempfile::TempDir,
}

impl Ground {
    fn with(branches: &[&str]) -> Self {
        let money = repository(&[("pyproject.toml", MONEY), ("branch", "develop")]);
        for branch in branches {
            run(money.path(), &["checkout", "-q", "-b", branch, "develop"]);
            commit(money.path(), &[("branch", branch)]);
        }
        run(money.path(), &["checkout", "-q", "--detach", "develop"]);
        Self { money, pipeline: repository(&[]), cache: tempfile::tempdir().expect("a directory") }
    }

    fn url(&self) -> String {
        format!("file://{}", self.money.path().display())
    }

    fn request(&self, variables: &[(&str, &str)]) -> Request {
        Request {
            root: self.pipeline.path().to_owned(),
            cache: self.cache.path().to_owned(),
            variables: variables.iter().copied().collect::<Variables>(),
            ..Request::default()
        }
    }

    fn gathered(&self, change: impl FnOnce(Library) -> Library, request: &Request) -> Result<Context, ContextError> {
        gather(&Pipeline::new("storefront").job(change(library("money").git(self.url()))), request)
    }

    /// The branch that a build takes, or why it takes none.
    fn taken(&self, request: &Request) -> String {
        self.gathered(|money| money, request).map_or_else(|error| error.message, |context| branch(&context))
    }

    fn on(&self, branch: &str) -> String {
        self.taken(&Request { branch: Some(branch.to_owned()), ..self.request(&[]) })
    }
}

fn branch(context: &Context) -> String {
    fs::read_to_string(context.jobs["money"].directory.join("branch")).expect("a file")
}

fn version(context: &Context) -> String {
    let plan = context.jobs["money"].version.clone().expect("a version");
    plan.version(plan.number).to_string()
}

#[test]
fn the_branch_of_the_same_name_is_taken_and_else_develop() {
    let ground = Ground::with(&["feature/discounts", "release/1.5.0", "master"]);
    assert_eq!(ground.on("feature/discounts"), "feature/discounts");
    assert_eq!(ground.on("feature/other"), "develop");
    assert_eq!(ground.on("release/1.5.0"), "release/1.5.0");
    assert_eq!(ground.on("develop"), "develop");
    assert_eq!(ground.on("main"), "master", "another name of the same");
}

#[test]
fn what_is_released_takes_nothing_that_is_not() {
    let ground = Ground::with(&[]);
    let problem = ground.on("master");
    assert_eq!(problem, format!("repository `{}` has none of `master`, `main`", ground.url()));
    run(ground.money.path(), &["tag", "v1.5.0"]);
    let tagged = ground.request(&[("GITLAB_CI", "true"), ("CI_COMMIT_TAG", "v1.5.0")]);
    assert_eq!(ground.taken(&tagged), "develop", "the tag of the same name is there");
}

#[test]
fn a_pull_request_takes_its_own_branch_else_its_target() {
    let ground = Ground::with(&["feature/discounts", "release/1.5.0"]);
    let request = |source: &str, project: &str| {
        ground.request(&[
            ("GITLAB_CI", "true"),
            ("CI_MERGE_REQUEST_IID", "7"),
            ("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME", source),
            ("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "release/1.5.0"),
            ("CI_MERGE_REQUEST_PROJECT_ID", "1"),
            ("CI_MERGE_REQUEST_SOURCE_PROJECT_ID", project),
        ])
    };
    assert_eq!(ground.taken(&request("feature/discounts", "1")), "feature/discounts");
    assert_eq!(ground.taken(&request("feature/other", "1")), "release/1.5.0");
    assert_eq!(ground.taken(&request("feature/discounts", "2")), "release/1.5.0", "a fork's name chooses nothing");
}

#[test]
fn a_pinned_revision_is_taken_whatever_is_built() -> Result<(), ContextError> {
    let ground = Ground::with(&["feature/discounts"]);
    run(ground.money.path(), &["tag", "-a", "-m", "x", "v1.4.2", "feature/discounts"]);
    let lost = {
        run(ground.money.path(), &["checkout", "-q", "--detach", "develop"]);
        commit(ground.money.path(), &[("branch", "on no branch")]);
        let head = fs::read_to_string(ground.money.path().join(".git/HEAD")).expect("a commit");
        head.trim().to_owned()
    };
    run(ground.money.path(), &["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let pinned = |revision: &str| ground.gathered(|money| money.revision(revision), &ground.request(&[]));
    assert_eq!(branch(&pinned("v1.4.2")?), "feature/discounts");
    assert_eq!(branch(&pinned("feature/discounts")?), "feature/discounts");
    assert_eq!(branch(&pinned(&lost)?), "on no branch");
    let error = pinned("v9").expect_err("there is none");
    assert_eq!(error.message, format!("repository `{}` has no revision `v9`", ground.url()));
    Ok(())
}

#[test]
fn a_repository_is_fetched_once_a_run_and_never_offline() -> Result<(), ContextError> {
    let ground = Ground::with(&[]);
    let offline = || Request { offline: true, ..ground.request(&[]) };
    let error = ground.gathered(|money| money, &offline()).expect_err("nothing was fetched");
    assert!(error.message.ends_with("was never fetched"), "{error}");
    let run_of = ground.request(&[]);
    let first = ground.gathered(|money| money, &run_of)?;
    run(ground.money.path(), &["checkout", "-q", "develop"]);
    commit(ground.money.path(), &[("branch", "newer")]);
    assert_eq!(ground.gathered(|money| money, &run_of)?.jobs, first.jobs, "the same run");
    assert_eq!(ground.gathered(|money| money, &offline())?.jobs["money"].directory, first.jobs["money"].directory);
    assert_eq!(ground.taken(&ground.request(&[])), "newer");
    drop(ground.money);
    let again = Request { offline: true, ..run_of };
    let pipeline = Pipeline::new("x").job(library("money").git(format!("file://{}", "/nowhere/at/all")));
    assert!(gather(&pipeline, &Request { offline: false, ..again }).is_err(), "it is gone");
    Ok(())
}

#[test]
fn a_work_tree_has_versions_as_a_checkout_has() -> Result<(), ContextError> {
    let ground = Ground::with(&["feature/discounts"]);
    assert_eq!(version(&ground.gathered(|money| money, &ground.request(&[]))?), "1.5.0.dev1");
    commit(ground.money.path(), &[("libs/money/pyproject.toml", MONEY), ("libs/money/x", "1")]);
    run(ground.money.path(), &["branch", "-f", "develop"]);
    run(ground.money.path(), &["tag", "money-1.4.0", "develop~1"]);
    assert_eq!(version(&ground.gathered(|money| money, &ground.request(&[]))?), "1.5.0.dev1");
    let below = ground.gathered(|money| money.subdirectory("libs/money"), &ground.request(&[]))?;
    assert_eq!(version(&below), "1.5.0.dev1");
    assert!(below.jobs["money"].directory.ends_with("libs/money"));
    let feature = Request { branch: Some("feature/discounts".to_owned()), ..ground.request(&[]) };
    assert_eq!(version(&ground.gathered(|money| money, &feature)?), "1.5.0.dev1+discounts");
    Ok(())
}

#[test]
fn what_git_does_not_bring_is_said() -> Result<(), ContextError> {
    let ground = Ground::with(&[]);
    let commit_of = "0123456789abcdef0123456789abcdef01234567";
    let pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n";
    run(ground.money.path(), &["checkout", "-q", "develop"]);
    run(ground.money.path(), &["update-index", "--add", "--cacheinfo", &format!("160000,{commit_of},vendor/tables")]);
    plant(ground.money.path(), &[(".gitattributes", "*.bin filter=lfs\n"), ("rates.bin", pointer), ("other", "1")]);
    run(ground.money.path(), &["add", ".gitattributes", "rates.bin", "other"]);
    run(ground.money.path(), &["commit", "-q", "-m", "x"]);
    let said = [
        "Git LFS is not asked: `rates.bin` has nothing of its own",
        "submodules are not followed: `vendor/tables` is empty",
    ];
    let said = said.map(|what| format!("repository `{}`: {what}", ground.url()));
    for _ in 0..2 {
        assert_eq!(ground.gathered(|money| money, &ground.request(&[]))?.doubts, said);
    }
    let half = ground.gathered(|money| money, &ground.request(&[]))?.jobs["money"].directory.clone();
    fs::remove_file(half.join("branch")).expect("it was there");
    fs::remove_file(half.with_extension("used")).expect("it was there");
    assert_eq!(ground.taken(&ground.request(&[])), "develop", "half a work tree is made anew");
    Ok(())
}

#[test]
fn a_path_is_relative_to_the_pipeline() -> Result<(), ContextError> {
    let ground = Ground::with(&[]);
    plant(ground.pipeline.path(), &[("x", "")]);
    let name = ground.money.path().file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let pipeline = Pipeline::new("storefront").job(library("money").git(format!("../{name}")));
    assert_eq!(branch(&gather(&pipeline, &ground.request(&[]))?), "develop");
    Ok(())
}

#[test]
fn credentials_are_in_no_message() {
    for (said, shown) in [
        ("unable to access 'https://ana:s3cret@host/x.git/': no", "unable to access 'https://***@host/x.git/': no"),
        ("https://s3cret@host and ssh://git:s3@host/x", "https://***@host and ssh://***@host/x"),
        ("file:///srv/a@b and https://host/a@b", "file:///srv/a@b and https://host/a@b"),
    ] {
        assert_eq!(redacted(said), shown);
    }
}
