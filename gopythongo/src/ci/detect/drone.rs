//! Drone: reference variables.
//!
//! Documentation: docs.drone.io, "Pipeline, Environment, Reference".

use super::super::{Origin, PullRequest, Server, ServerBuild, Variables};

pub(super) fn detect(variables: &Variables) -> Option<ServerBuild> {
    if !variables.is_true("DRONE") {
        return None;
    }
    let commit = variables.text("DRONE_COMMIT_SHA");
    // `DRONE_BRANCH` is the target of a pull request
    let pull_request = variables.number("DRONE_PULL_REQUEST").map(|number| PullRequest {
        number: Some(number),
        source: variables.reference("DRONE_SOURCE_BRANCH"),
        target: variables.reference("DRONE_TARGET_BRANCH").or_else(|| variables.reference("DRONE_BRANCH")),
        head: commit.clone(),
        // no variable says whose the branch is
        origin: Origin::Unknown,
    });
    let tag = variables.reference("DRONE_TAG");
    let is_branch = pull_request.is_none() && tag.is_none();
    Some(ServerBuild {
        branch: variables.reference("DRONE_BRANCH").filter(|_| is_branch),
        tag,
        commit,
        pull_request,
        number: variables.text("DRONE_BUILD_NUMBER"),
        url: variables.text("DRONE_BUILD_LINK"),
        ..ServerBuild::of(Server::Drone)
    })
}
