//! GitLab CI: predefined variables of branch, tag, merge request and external pull request pipelines.
//!
//! Documentation: docs.gitlab.com, "Predefined CI/CD variables reference".

use super::super::{Origin, PullRequest, Server, ServerBuild, Variables};

pub(super) fn detect(variables: &Variables) -> Option<ServerBuild> {
    variables.is_true("GITLAB_CI").then(|| ServerBuild {
        branch: variables.reference("CI_COMMIT_BRANCH"),
        tag: variables.reference("CI_COMMIT_TAG"),
        commit: variables.text("CI_COMMIT_SHA"),
        pull_request: merge_request(variables).or_else(|| external(variables)),
        number: variables.text("CI_PIPELINE_IID"),
        url: variables.text("CI_PIPELINE_URL"),
        ..ServerBuild::of(Server::GitLab)
    })
}

fn merge_request(variables: &Variables) -> Option<PullRequest> {
    // a detached merge request pipeline builds the head itself, and the variable for it is empty
    let is_merged = variables.get("CI_MERGE_REQUEST_EVENT_TYPE").is_some_and(|kind| kind != "detached");
    let detached = || variables.get("CI_COMMIT_SHA").filter(|_| !is_merged);
    Some(PullRequest {
        number: Some(variables.number("CI_MERGE_REQUEST_IID")?),
        source: variables.reference("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"),
        target: variables.reference("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"),
        head: variables.get("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA").or_else(detached).map(ToOwned::to_owned),
        origin: Origin::of(
            variables.get("CI_MERGE_REQUEST_SOURCE_PROJECT_ID"),
            variables.get("CI_MERGE_REQUEST_PROJECT_ID"),
        ),
    })
}

/// A pull request of a repository elsewhere that GitLab only builds.
fn external(variables: &Variables) -> Option<PullRequest> {
    Some(PullRequest {
        number: Some(variables.number("CI_EXTERNAL_PULL_REQUEST_IID")?),
        source: variables.reference("CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME"),
        target: variables.reference("CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME"),
        head: variables.text("CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_SHA"),
        origin: Origin::of(
            variables.get("CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY"),
            variables.get("CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY"),
        ),
    })
}
