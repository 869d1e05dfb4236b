//! Woodpecker: built-in environment variables.
//!
//! Documentation: woodpecker-ci.org, "Environment variables".

use super::super::{Origin, PullRequest, Server, ServerBuild, Variables};

pub(super) fn detect(variables: &Variables) -> Option<ServerBuild> {
    if variables.get("CI") != Some("woodpecker") {
        return None;
    }
    let commit = variables.text("CI_COMMIT_SHA");
    // `CI_COMMIT_BRANCH` is the target of a pull request
    let pull_request = variables.number("CI_COMMIT_PULL_REQUEST").map(|number| PullRequest {
        number: Some(number),
        source: variables.reference("CI_COMMIT_SOURCE_BRANCH"),
        target: variables.reference("CI_COMMIT_TARGET_BRANCH").or_else(|| variables.reference("CI_COMMIT_BRANCH")),
        head: commit.clone(),
        // no variable says whose the branch is
        origin: Origin::Unknown,
    });
    let tag = variables.reference("CI_COMMIT_TAG");
    let is_branch = pull_request.is_none() && tag.is_none();
    Some(ServerBuild {
        branch: variables.reference("CI_COMMIT_BRANCH").filter(|_| is_branch),
        tag,
        commit,
        pull_request,
        number: variables.text("CI_PIPELINE_NUMBER"),
        url: variables.text("CI_PIPELINE_URL"),
        ..ServerBuild::of(Server::Woodpecker)
    })
}
