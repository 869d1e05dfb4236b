//! GitHub Actions: the default environment variables, and the event that started the workflow.
//!
//! Documentation: docs.github.com, "Variables reference" and "Webhook events and payloads".

use serde::Deserialize;

use super::super::{Origin, PullRequest, Server, ServerBuild, Variables, variables::reference};

/// What is read of the payload of `pull_request` and `pull_request_target`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Event {
    number: Option<u64>,
    pull_request: Payload,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Payload {
    head: End,
    base: End,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct End {
    sha: Option<String>,
    /// Null where the fork was deleted.
    repo: Option<Repository>,
}

#[derive(Debug, Deserialize)]
struct Repository {
    full_name: String,
}

pub(super) fn detect(variables: &Variables) -> Option<ServerBuild> {
    if !variables.is_true("GITHUB_ACTIONS") {
        return None;
    }
    let name = variables.get("GITHUB_REF_NAME").or_else(|| variables.get("GITHUB_REF"));
    let is = |kind: &str, prefix: &str| match variables.get("GITHUB_REF_TYPE") {
        Some(said) => said == kind,
        None => variables.get("GITHUB_REF").is_some_and(|name| name.starts_with(prefix)),
    };
    // a pull request is of the type `branch`, and its name is `42/merge`
    let pull_request = variables.get("GITHUB_HEAD_REF").map(|_| pull_request(variables));
    let is_branch = pull_request.is_none() && is("branch", "refs/heads/");
    let run = variables.get("GITHUB_RUN_ID");
    let place = variables.get("GITHUB_SERVER_URL").zip(variables.get("GITHUB_REPOSITORY"));
    Some(ServerBuild {
        branch: name.filter(|_| is_branch).and_then(reference),
        tag: name.filter(|_| is("tag", "refs/tags/")).and_then(reference),
        commit: variables.text("GITHUB_SHA"),
        pull_request,
        number: variables.text("GITHUB_RUN_NUMBER"),
        url: place.zip(run).map(|((server, repository), run)| format!("{server}/{repository}/actions/runs/{run}")),
        ..ServerBuild::of(Server::GitHubActions)
    })
}

fn pull_request(variables: &Variables) -> PullRequest {
    let event = variables.file("GITHUB_EVENT_PATH");
    let event: Event = event.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
    let Payload { head, base } = event.pull_request;
    // refs/pull/42/merge
    let number = || variables.get("GITHUB_REF")?.strip_prefix("refs/pull/")?.split('/').next()?.parse().ok();
    let target = base.repo.map(|repository| repository.full_name);
    let target = target.as_deref().or_else(|| variables.get("GITHUB_REPOSITORY"));
    PullRequest {
        number: event.number.or_else(number),
        source: variables.reference("GITHUB_HEAD_REF"),
        target: variables.reference("GITHUB_BASE_REF"),
        head: head.sha,
        origin: Origin::of(head.repo.as_ref().map(|repository| repository.full_name.as_str()), target),
    }
}
