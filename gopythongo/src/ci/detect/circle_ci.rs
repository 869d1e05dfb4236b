//! CircleCI: built-in environment variables.
//!
//! Documentation: circleci.com/docs, "Project values and variables". A job builds a branch; a pull request of the
//! repository's own is a build of its branch (`CIRCLE_PULL_REQUEST` is then set on `develop`, too, when a pull request leads
//! from there), one of a fork is a build of `pull/42`.

use super::super::{Origin, PullRequest, Server, ServerBuild, Variables};

pub(super) fn detect(variables: &Variables) -> Option<ServerBuild> {
    if !variables.is_true("CIRCLECI") {
        return None;
    }
    let branch = variables.reference("CIRCLE_BRANCH");
    let of_branch = branch.as_deref().and_then(|branch| branch.strip_prefix("pull/")?.split('/').next()?.parse().ok());
    // these are set for forks alone
    let is_fork = variables.first(&["CIRCLE_PR_NUMBER", "CIRCLE_PR_REPONAME", "CIRCLE_PR_USERNAME"]).is_some();
    let pull_request = (is_fork || of_branch.is_some()).then(|| PullRequest {
        number: variables.number("CIRCLE_PR_NUMBER").or(of_branch),
        source: None,
        target: None,
        head: variables.text("CIRCLE_SHA1"),
        origin: Origin::Fork,
    });
    Some(ServerBuild {
        branch: branch.filter(|_| pull_request.is_none()),
        tag: variables.reference("CIRCLE_TAG"),
        commit: variables.text("CIRCLE_SHA1"),
        pull_request,
        number: variables.text("CIRCLE_BUILD_NUM"),
        url: variables.text("CIRCLE_BUILD_URL"),
        ..ServerBuild::of(Server::CircleCi)
    })
}
