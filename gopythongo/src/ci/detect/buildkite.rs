//! Buildkite: environment variables.
//!
//! Documentation: buildkite.com/docs, "Environment variables".

use super::super::{Origin, PullRequest, Server, ServerBuild, Variables};

pub(super) fn detect(variables: &Variables) -> Option<ServerBuild> {
    if !variables.is_true("BUILDKITE") {
        return None;
    }
    // a commit may be called by a name
    let commit = variables.text("BUILDKITE_COMMIT").filter(|commit| commit != "HEAD");
    // `false` outside pull requests; in one, the branch is the source
    let pull_request = variables.number("BUILDKITE_PULL_REQUEST").map(|number| PullRequest {
        number: Some(number),
        source: variables.reference("BUILDKITE_BRANCH"),
        target: variables.reference("BUILDKITE_PULL_REQUEST_BASE_BRANCH"),
        head: commit.clone(),
        origin: Origin::of(variables.get("BUILDKITE_PULL_REQUEST_REPO"), variables.get("BUILDKITE_REPO")),
    });
    let tag = variables.reference("BUILDKITE_TAG");
    let is_branch = pull_request.is_none() && tag.is_none();
    Some(ServerBuild {
        branch: variables.reference("BUILDKITE_BRANCH").filter(|_| is_branch),
        tag,
        commit,
        pull_request,
        number: variables.text("BUILDKITE_BUILD_NUMBER"),
        url: variables.text("BUILDKITE_BUILD_URL"),
        ..ServerBuild::of(Server::Buildkite)
    })
}
