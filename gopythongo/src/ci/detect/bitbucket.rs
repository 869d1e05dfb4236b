//! Bitbucket Pipelines: default variables.
//!
//! Documentation: support.atlassian.com/bitbucket-cloud, "Variables and secrets".

use super::super::{Origin, PullRequest, Server, ServerBuild, Variables};

pub(super) fn detect(variables: &Variables) -> Option<ServerBuild> {
    variables.get("BITBUCKET_BUILD_NUMBER")?;
    let commit = variables.text("BITBUCKET_COMMIT");
    // in a pull request, `BITBUCKET_BRANCH` is the source
    let pull_request = variables.number("BITBUCKET_PR_ID").map(|number| PullRequest {
        number: Some(number),
        source: variables.reference("BITBUCKET_BRANCH"),
        target: variables.reference("BITBUCKET_PR_DESTINATION_BRANCH"),
        head: commit.clone(),
        // no variable says whose the branch is
        origin: Origin::Unknown,
    });
    Some(ServerBuild {
        branch: variables.reference("BITBUCKET_BRANCH").filter(|_| pull_request.is_none()),
        tag: variables.reference("BITBUCKET_TAG"),
        commit,
        pull_request,
        number: variables.text("BITBUCKET_BUILD_NUMBER"),
        ..ServerBuild::of(Server::Bitbucket)
    })
}
