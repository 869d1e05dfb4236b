//! Each server by the variables that its documentation gives, for a branch, a tag, pull requests of the repository's own and
//! of forks.

use super::{super::ServerBuild, Variables, detect};
use crate::support::trees::tree;

const SHA: &str = "83a20ec058e2fb00e7fa4558c4c6e81e2dcf253d";
const HEAD: &str = "bcdd4bf0245c82c060407b3b24b9b87301d15ac1";

/// Detects a build from variables, `NAME=value` separated by blanks; `SHA` and `HEAD` stand for commits.
#[track_caller]
fn check(variables: &str, expect: &str) {
    let variables = variables.split_whitespace().map(|pair| pair.split_once('=').expect("a variable"));
    let commits = |value: &str| match value {
        "SHA" => SHA.to_owned(),
        "HEAD" => HEAD.to_owned(),
        value => value.to_owned(),
    };
    let variables: Variables = variables.map(|(name, value)| (name, commits(value))).collect();
    assert_eq!(said(detect(&variables)), expect);
}

fn said(build: Option<ServerBuild>) -> String {
    let Some(build) = build else { return "a laptop".to_owned() };
    let mut words = vec![build.server.to_string()];
    words.extend(build.branch.map(|branch| format!("branch {branch}")));
    words.extend(build.tag.map(|tag| format!("tag {tag}")));
    if let Some(request) = build.pull_request {
        let head = match request.head.as_deref() {
            Some(HEAD) => " by its head",
            Some(SHA) => " by what is built",
            Some(_) => " by another commit",
            None => "",
        };
        let source = request.source.as_deref().unwrap_or("?");
        words.push(format!("{request} from {source}{head}"));
    }
    words.extend(build.number.map(|number| format!("build {number}")));
    words.extend(build.url.map(|url| format!("at {url}")));
    if build.commit.as_deref() != Some(SHA) {
        words.push("no commit".to_owned());
    }
    words.join("; ")
}

#[test]
fn a_laptop_is_no_server() {
    check("", "a laptop");
    check("CI=true BUILD_NUMBER=3 BRANCH_NAME=develop CI_COMMIT_BRANCH=develop", "a laptop");
    check("GITHUB_ACTIONS= TRAVIS=false", "a laptop");
}

#[test]
fn github_actions() {
    const ALL: &str = "CI=true GITHUB_ACTIONS=true GITHUB_SHA=SHA GITHUB_RUN_NUMBER=3 GITHUB_RUN_ID=1658821493 \
        GITHUB_SERVER_URL=https://git.example GITHUB_REPOSITORY=acme/shop";
    const END: &str = "build 3; at https://git.example/acme/shop/actions/runs/1658821493";
    check(
        &format!(
            "{ALL} GITHUB_EVENT_NAME=push GITHUB_REF=refs/heads/release/1.5.0 GITHUB_REF_NAME=release/1.5.0 GITHUB_REF_TYPE=branch"
        ),
        &format!("GitHub Actions; branch release/1.5.0; {END}"),
    );
    check(
        &format!("{ALL} GITHUB_EVENT_NAME=push GITHUB_REF=refs/tags/v1.5.0 GITHUB_REF_NAME=v1.5.0 GITHUB_REF_TYPE=tag"),
        &format!("GitHub Actions; tag v1.5.0; {END}"),
    );
    // servers that set only the older ones
    check(&format!("{ALL} GITHUB_REF=refs/heads/develop"), &format!("GitHub Actions; branch develop; {END}"));
    let request = format!(
        "{ALL} GITHUB_EVENT_NAME=pull_request GITHUB_REF=refs/pull/42/merge GITHUB_REF_NAME=42/merge \
         GITHUB_REF_TYPE=branch GITHUB_HEAD_REF=feature/x GITHUB_BASE_REF=develop"
    );
    let unknown = "GitHub Actions; pull request 42 into develop, perhaps from a fork from feature/x";
    check(&request, &format!("{unknown}; {END}"));
    let event = |head: &str| {
        let end = |repository: &str| format!(r#"{{"sha":"{HEAD}","repo":{repository}}}"#);
        format!(
            r#"{{"number":42,"pull_request":{{"head":{},"base":{}}}}}"#,
            end(head),
            end(r#"{"full_name":"acme/shop"}"#)
        )
    };
    let own = event(r#"{"full_name":"acme/shop"}"#);
    let fork = event(r#"{"full_name":"eve/shop"}"#);
    let gone = event("null");
    let files = tree(&[("own.json", &own), ("fork.json", &fork), ("gone.json", &gone), ("torn.json", "{")]);
    for (file, expect) in [
        ("own.json", "GitHub Actions; pull request 42 into develop from feature/x by its head"),
        ("fork.json", "GitHub Actions; pull request 42 into develop, from a fork from feature/x by its head"),
        ("gone.json", "GitHub Actions; pull request 42 into develop, perhaps from a fork from feature/x by its head"),
        ("torn.json", unknown),
        ("missing.json", unknown),
    ] {
        let path = files.path().join(file);
        check(&format!("{request} GITHUB_EVENT_PATH={}", path.display()), &format!("{expect}; {END}"));
    }
}

#[test]
fn gitlab() {
    const ALL: &str = "GITLAB_CI=true CI_COMMIT_SHA=SHA CI_PIPELINE_IID=7 CI_PIPELINE_URL=https://git.example/-/pipelines/9 \
        CI_COMMIT_REF_NAME=x CI_OPEN_MERGE_REQUESTS=acme/shop!3";
    const END: &str = "build 7; at https://git.example/-/pipelines/9";
    check(&format!("{ALL} CI_COMMIT_BRANCH=develop"), &format!("GitLab CI; branch develop; {END}"));
    check(&format!("{ALL} CI_COMMIT_TAG=v1.5.0"), &format!("GitLab CI; tag v1.5.0; {END}"));
    const REQUEST: &str = "CI_MERGE_REQUEST_IID=42 CI_MERGE_REQUEST_SOURCE_BRANCH_NAME=feature/x \
        CI_MERGE_REQUEST_TARGET_BRANCH_NAME=develop CI_MERGE_REQUEST_PROJECT_ID=1";
    check(
        &format!("{ALL} {REQUEST} CI_MERGE_REQUEST_SOURCE_PROJECT_ID=1 CI_MERGE_REQUEST_EVENT_TYPE=detached"),
        &format!("GitLab CI; pull request 42 into develop from feature/x by what is built; {END}"),
    );
    check(
        &format!(
            "{ALL} {REQUEST} CI_MERGE_REQUEST_SOURCE_PROJECT_ID=10 CI_MERGE_REQUEST_EVENT_TYPE=merged_result \
             CI_MERGE_REQUEST_SOURCE_BRANCH_SHA=HEAD"
        ),
        &format!("GitLab CI; pull request 42 into develop, from a fork from feature/x by its head; {END}"),
    );
    check(
        &format!(
            "{ALL} CI_COMMIT_BRANCH=feature/x CI_EXTERNAL_PULL_REQUEST_IID=42 \
             CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY=eve/shop CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY=acme/shop \
             CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME=feature/x CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA=HEAD \
             CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME=master"
        ),
        &format!(
            "GitLab CI; branch feature/x; pull request 42 into master, from a fork from feature/x by its head; {END}"
        ),
    );
}

#[test]
fn jenkins() {
    const ALL: &str =
        "JENKINS_URL=https://ci.example/ BUILD_NUMBER=153 BUILD_URL=https://ci.example/job/shop/153/ GIT_COMMIT=SHA";
    const END: &str = "build 153; at https://ci.example/job/shop/153/";
    check(&format!("{ALL} BRANCH_NAME=develop"), &format!("Jenkins; branch develop; {END}"));
    check(&format!("{ALL} BRANCH_NAME=v1.5.0 TAG_NAME=v1.5.0"), &format!("Jenkins; tag v1.5.0; {END}"));
    check(&format!("{ALL} GIT_BRANCH=origin/release/1.5.0"), &format!("Jenkins; branch release/1.5.0; {END}"));
    check(&format!("{ALL} GIT_BRANCH=detached"), &format!("Jenkins; {END}"));
    check(
        &format!("{ALL} BRANCH_NAME=PR-42 CHANGE_ID=42 CHANGE_TARGET=develop CHANGE_BRANCH=feature/x"),
        &format!("Jenkins; pull request 42 into develop from feature/x; {END}"),
    );
    check(
        &format!("{ALL} BRANCH_NAME=PR-42 CHANGE_ID=42 CHANGE_TARGET=develop CHANGE_BRANCH=feature/x CHANGE_FORK=eve"),
        &format!("Jenkins; pull request 42 into develop, from a fork from feature/x; {END}"),
    );
    check(
        &format!("{ALL} BRANCH_NAME=PR-42 CHANGE_ID=42 CHANGE_TARGET=develop"),
        &format!("Jenkins; pull request 42 into develop, perhaps from a fork from ?; {END}"),
    );
    const GHPRB: &str = "GIT_BRANCH=detached ghprbPullId=42 ghprbActualCommit=HEAD ghprbSourceBranch=feature/x \
        ghprbTargetBranch=develop ghprbGhRepository=acme/shop";
    check(
        &format!("{ALL} {GHPRB} ghprbAuthorRepoGitUrl=https://git.example/acme/shop.git"),
        &format!("Jenkins; pull request 42 into develop from feature/x by its head; {END}"),
    );
    check(
        &format!("{ALL} {GHPRB} ghprbAuthorRepoGitUrl=https://git.example/evilacme/shop.git"),
        &format!("Jenkins; pull request 42 into develop, from a fork from feature/x by its head; {END}"),
    );
    check(
        &format!("{ALL} {GHPRB} ghprbAuthorRepoGitUrl="),
        &format!("Jenkins; pull request 42 into develop, perhaps from a fork from feature/x by its head; {END}"),
    );
}

#[test]
fn travis() {
    const ALL: &str = "CI=true TRAVIS=true TRAVIS_COMMIT=SHA TRAVIS_BUILD_NUMBER=4 TRAVIS_BUILD_WEB_URL=https://ci.example/4 \
        TRAVIS_REPO_SLUG=acme/shop";
    const END: &str = "build 4; at https://ci.example/4";
    const NONE: &str = "TRAVIS_PULL_REQUEST=false TRAVIS_PULL_REQUEST_BRANCH=";
    check(&format!("{ALL} {NONE} TRAVIS_BRANCH=develop TRAVIS_TAG="), &format!("Travis CI; branch develop; {END}"));
    check(&format!("{ALL} {NONE} TRAVIS_BRANCH=v1.5.0 TRAVIS_TAG=v1.5.0"), &format!("Travis CI; tag v1.5.0; {END}"));
    const REQUEST: &str = "TRAVIS_EVENT_TYPE=pull_request TRAVIS_BRANCH=develop TRAVIS_PULL_REQUEST=42 \
        TRAVIS_PULL_REQUEST_BRANCH=feature/x TRAVIS_PULL_REQUEST_SHA=HEAD";
    check(
        &format!("{ALL} {REQUEST} TRAVIS_PULL_REQUEST_SLUG=acme/shop"),
        &format!("Travis CI; pull request 42 into develop from feature/x by its head; {END}"),
    );
    check(
        &format!("{ALL} {REQUEST} TRAVIS_PULL_REQUEST_SLUG=eve/shop"),
        &format!("Travis CI; pull request 42 into develop, from a fork from feature/x by its head; {END}"),
    );
}

#[test]
fn circle_ci() {
    const ALL: &str =
        "CI=true CIRCLECI=true CIRCLE_SHA1=SHA CIRCLE_BUILD_NUM=12 CIRCLE_BUILD_URL=https://ci.example/acme/shop/12";
    const END: &str = "build 12; at https://ci.example/acme/shop/12";
    check(&format!("{ALL} CIRCLE_BRANCH=develop"), &format!("CircleCI; branch develop; {END}"));
    check(&format!("{ALL} CIRCLE_TAG=v1.5.0"), &format!("CircleCI; tag v1.5.0; {END}"));
    check(
        &format!("{ALL} CIRCLE_BRANCH=develop CIRCLE_PULL_REQUEST=https://git.example/acme/shop/pull/42"),
        &format!("CircleCI; branch develop; {END}"),
    );
    check(
        &format!("{ALL} CIRCLE_BRANCH=pull/42 CIRCLE_PR_NUMBER=42 CIRCLE_PR_REPONAME=shop CIRCLE_PR_USERNAME=eve"),
        &format!("CircleCI; pull request 42, from a fork from ? by what is built; {END}"),
    );
}

#[test]
fn buildbot() {
    const ALL: &str = "BUILDBOT_BUILDERNAME=shop BUILDBOT_BUILDNUMBER=5 BUILDBOT_GOT_REVISION=SHA";
    check(&format!("{ALL} BUILDBOT_BRANCH=develop"), "Buildbot; branch develop; build 5");
    check(&format!("{ALL} BUILDBOT_BRANCH=refs/tags/v1.5.0"), "Buildbot; tag v1.5.0; build 5");
    check(
        &format!("{ALL} BUILDBOT_BRANCH=refs/pull/42/merge BUILDBOT_REVISION=HEAD BUILDBOT_BASENAME=develop"),
        "Buildbot; pull request 42 into develop, perhaps from a fork from ? by its head; build 5",
    );
    const GITHUB: &str = "BUILDBOT_BRANCH=refs/pull/42/head BUILDBOT_GITHUB_NUMBER=42 BUILDBOT_GITHUB_BASE_REF=develop \
        BUILDBOT_GITHUB_HEAD_REF=feature/x BUILDBOT_GITHUB_HEAD_SHA=HEAD BUILDBOT_GITHUB_BASE_REPO_FULL_NAME=acme/shop";
    check(
        &format!("{ALL} {GITHUB} BUILDBOT_GITHUB_HEAD_REPO_FULL_NAME=acme/shop"),
        "Buildbot; pull request 42 into develop from feature/x by its head; build 5",
    );
    check(
        &format!("{ALL} {GITHUB} BUILDBOT_GITHUB_HEAD_REPO_FULL_NAME=eve/shop"),
        "Buildbot; pull request 42 into develop, from a fork from feature/x by its head; build 5",
    );
}

#[test]
fn bitbucket() {
    const ALL: &str = "CI=true BITBUCKET_BUILD_NUMBER=8 BITBUCKET_COMMIT=SHA";
    check(&format!("{ALL} BITBUCKET_BRANCH=develop"), "Bitbucket Pipelines; branch develop; build 8");
    check(&format!("{ALL} BITBUCKET_TAG=v1.5.0"), "Bitbucket Pipelines; tag v1.5.0; build 8");
    check(
        &format!("{ALL} BITBUCKET_BRANCH=feature/x BITBUCKET_PR_ID=42 BITBUCKET_PR_DESTINATION_BRANCH=develop"),
        "Bitbucket Pipelines; pull request 42 into develop, perhaps from a fork from feature/x by what is built; build 8",
    );
}

#[test]
fn azure() {
    const ALL: &str = "TF_BUILD=True BUILD_BUILDNUMBER=20260101.2 BUILD_BUILDID=300 BUILD_SOURCEVERSION=SHA \
        SYSTEM_COLLECTIONURI=https://ci.example/acme/ SYSTEM_TEAMPROJECT=shop";
    const END: &str = "build 20260101.2; at https://ci.example/acme/shop/_build/results?buildId=300";
    check(
        &format!(
            "{ALL} BUILD_REASON=IndividualCI BUILD_SOURCEBRANCH=refs/heads/release/1.5.0 BUILD_SOURCEBRANCHNAME=1.5.0"
        ),
        &format!("Azure Pipelines; branch release/1.5.0; {END}"),
    );
    check(
        &format!("{ALL} BUILD_SOURCEBRANCH=refs/tags/v1.5.0 SYSTEM_PULLREQUEST_ISFORK=False"),
        &format!("Azure Pipelines; tag v1.5.0; {END}"),
    );
    const REQUEST: &str = "BUILD_REASON=PullRequest BUILD_SOURCEBRANCH=refs/pull/42/merge \
        SYSTEM_PULLREQUEST_PULLREQUESTID=1700 SYSTEM_PULLREQUEST_PULLREQUESTNUMBER=42 \
        SYSTEM_PULLREQUEST_TARGETBRANCH=refs/heads/develop SYSTEM_PULLREQUEST_SOURCECOMMITID=HEAD";
    check(
        &format!(
            "{ALL} {REQUEST} SYSTEM_PULLREQUEST_SOURCEBRANCH=refs/heads/feature/x SYSTEM_PULLREQUEST_ISFORK=False"
        ),
        &format!("Azure Pipelines; pull request 42 into develop from feature/x by its head; {END}"),
    );
    check(
        &format!("{ALL} {REQUEST} SYSTEM_PULLREQUEST_SOURCEBRANCH=feature/x SYSTEM_PULLREQUEST_ISFORK=True"),
        &format!("Azure Pipelines; pull request 42 into develop, from a fork from feature/x by its head; {END}"),
    );
}

#[test]
fn drone() {
    const ALL: &str = "CI=true DRONE=true DRONE_COMMIT_SHA=SHA DRONE_BUILD_NUMBER=42 DRONE_BUILD_LINK=https://ci.example/acme/shop/42";
    const END: &str = "build 42; at https://ci.example/acme/shop/42";
    check(&format!("{ALL} DRONE_BUILD_EVENT=push DRONE_BRANCH=develop"), &format!("Drone; branch develop; {END}"));
    check(&format!("{ALL} DRONE_BUILD_EVENT=tag DRONE_TAG=v1.5.0"), &format!("Drone; tag v1.5.0; {END}"));
    check(
        &format!(
            "{ALL} DRONE_BUILD_EVENT=pull_request DRONE_PULL_REQUEST=3 DRONE_BRANCH=develop DRONE_TARGET_BRANCH=develop \
             DRONE_SOURCE_BRANCH=feature/x"
        ),
        &format!("Drone; pull request 3 into develop, perhaps from a fork from feature/x by what is built; {END}"),
    );
}

#[test]
fn woodpecker() {
    const ALL: &str =
        "CI=woodpecker CI_COMMIT_SHA=SHA CI_PIPELINE_NUMBER=8 CI_PIPELINE_URL=https://ci.example/repos/7/pipeline/8";
    const END: &str = "build 8; at https://ci.example/repos/7/pipeline/8";
    check(
        &format!("{ALL} CI_PIPELINE_EVENT=push CI_COMMIT_BRANCH=develop"),
        &format!("Woodpecker; branch develop; {END}"),
    );
    check(&format!("{ALL} CI_PIPELINE_EVENT=tag CI_COMMIT_TAG=v1.5.0"), &format!("Woodpecker; tag v1.5.0; {END}"));
    check(
        &format!(
            "{ALL} CI_PIPELINE_EVENT=pull_request CI_COMMIT_PULL_REQUEST=3 CI_COMMIT_BRANCH=develop \
             CI_COMMIT_TARGET_BRANCH=develop CI_COMMIT_SOURCE_BRANCH=feature/x"
        ),
        &format!("Woodpecker; pull request 3 into develop, perhaps from a fork from feature/x by what is built; {END}"),
    );
}

#[test]
fn teamcity() {
    let configuration = |text: &str| {
        let files = tree(&[("configuration.properties", text)]);
        // a colon and a backslash are escaped in a properties file
        let place = files.path().join("configuration.properties").display().to_string().replace(':', "\\:");
        let system = format!("#a comment\nbuild.number=12\nteamcity.configuration.properties.file={place}\n");
        std::fs::write(files.path().join("build.properties"), system).expect("a file");
        files
    };
    let check = |text: &str, expect: &str| {
        let files = configuration(text);
        let place = files.path().join("build.properties");
        let all = "TEAMCITY_VERSION=2025.03 BUILD_NUMBER=12 BUILD_VCS_NUMBER=SHA BUILD_URL=https://ci.example/build/12";
        check(&format!("{all} TEAMCITY_BUILD_PROPERTIES_FILE={}", place.display()), &format!("TeamCity; {expect}"));
    };
    const END: &str = "build 12; at https://ci.example/build/12";
    check("teamcity.build.branch=release/1.5.0\n", &format!("branch release/1.5.0; {END}"));
    check("teamcity.build.branch=1.5.0\nteamcity.build.vcs.branch.Shop=refs/heads/release/1.5.0\n", &{
        format!("branch release/1.5.0; {END}")
    });
    check("teamcity.build.branch=<default>\n", END);
    check("teamcity.build.branch=v1\nteamcity.build.vcs.branch.Shop=refs/tags/v1.5.0\n", &format!("tag v1.5.0; {END}"));
    let request = "teamcity.build.branch=pull/42\nteamcity.build.vcs.branch.Shop=refs/pull/42/head\n\
        teamcity.pullRequest.number=42\nteamcity.pullRequest.title=A\\=b\nteamcity.pullRequest.target.branch=refs/heads/develop\n";
    check(&format!("{request}teamcity.pullRequest.source.branch=refs/heads/feature/x\n"), &{
        format!("pull request 42 into develop from feature/x by what is built; {END}")
    });
    check(request, &format!("pull request 42 into develop, from a fork from ? by what is built; {END}"));
    super::tests::check("TEAMCITY_VERSION=2025.03 BUILD_VCS_NUMBER=SHA", "TeamCity");
}

#[test]
fn buildkite() {
    const ALL: &str = "CI=true BUILDKITE=true BUILDKITE_COMMIT=SHA BUILDKITE_BUILD_NUMBER=1514 \
        BUILDKITE_BUILD_URL=https://ci.example/acme/shop/builds/1514 BUILDKITE_REPO=git@git.example:acme/shop.git";
    const END: &str = "build 1514; at https://ci.example/acme/shop/builds/1514";
    check(
        &format!("{ALL} BUILDKITE_BRANCH=develop BUILDKITE_PULL_REQUEST=false BUILDKITE_PULL_REQUEST_REPO="),
        &format!("Buildkite; branch develop; {END}"),
    );
    check(
        &format!("{ALL} BUILDKITE_BRANCH=v1.5.0 BUILDKITE_TAG=v1.5.0 BUILDKITE_PULL_REQUEST=false"),
        &format!("Buildkite; tag v1.5.0; {END}"),
    );
    const REQUEST: &str =
        "BUILDKITE_BRANCH=feature/x BUILDKITE_PULL_REQUEST=42 BUILDKITE_PULL_REQUEST_BASE_BRANCH=develop";
    check(
        &format!("{ALL} {REQUEST} BUILDKITE_PULL_REQUEST_REPO=git://git.example/acme/shop.git"),
        &format!("Buildkite; pull request 42 into develop from feature/x by what is built; {END}"),
    );
    check(
        &format!("{ALL} {REQUEST} BUILDKITE_PULL_REQUEST_REPO=git://git.example/eve/shop.git"),
        &format!("Buildkite; pull request 42 into develop, from a fork from feature/x by what is built; {END}"),
    );
}
