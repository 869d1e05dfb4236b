//! Travis CI: default environment variables.
//!
//! Documentation: docs.travis-ci.com, "Environment variables".

use super::super::{Origin, PullRequest, Server, ServerBuild, Variables};

pub(super) fn detect(variables: &Variables) -> Option<ServerBuild> {
    if !variables.is_true("TRAVIS") {
        return None;
    }
    // `false` outside pull requests; `TRAVIS_BRANCH` is then the branch or the tag, in one the target
    let pull_request = variables.number("TRAVIS_PULL_REQUEST").map(|number| PullRequest {
        number: Some(number),
        source: variables.reference("TRAVIS_PULL_REQUEST_BRANCH"),
        target: variables.reference("TRAVIS_BRANCH"),
        head: variables.text("TRAVIS_PULL_REQUEST_SHA"),
        origin: Origin::of(variables.get("TRAVIS_PULL_REQUEST_SLUG"), variables.get("TRAVIS_REPO_SLUG")),
    });
    let tag = variables.reference("TRAVIS_TAG");
    let is_branch = pull_request.is_none() && tag.is_none();
    Some(ServerBuild {
        branch: variables.reference("TRAVIS_BRANCH").filter(|_| is_branch),
        tag,
        commit: variables.text("TRAVIS_COMMIT"),
        pull_request,
        number: variables.text("TRAVIS_BUILD_NUMBER"),
        url: variables.text("TRAVIS_BUILD_WEB_URL"),
        ..ServerBuild::of(Server::Travis)
    })
}
