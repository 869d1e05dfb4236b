//! Buildbot: its properties, which a step hands on.
//!
//! Buildbot sets no variables of its own: builds are described by properties (docs.buildbot.net, "Common Build Properties",
//! and for pull requests those of the GitHub hook, with `github_property_whitelist`), and a step's `env` hands them on, each
//! as `BUILDBOT_` and its name in capitals with `_` for `.`:
//!
//! ```text
//! env={"BUILDBOT_BUILDERNAME": Property("buildername"), "BUILDBOT_BRANCH": Property("branch"), …}
//! ```

use super::super::{Origin, PullRequest, Server, ServerBuild, Variables};

pub(super) fn detect(variables: &Variables) -> Option<ServerBuild> {
    variables.get("BUILDBOT_BUILDERNAME")?;
    let name = variables.get("BUILDBOT_BRANCH");
    let pull_request = pull_request(variables);
    let is_tag = name.is_some_and(|name| name.starts_with("refs/tags/"));
    let is_branch = pull_request.is_none() && !is_tag;
    Some(ServerBuild {
        branch: variables.reference("BUILDBOT_BRANCH").filter(|_| is_branch),
        tag: variables.reference("BUILDBOT_BRANCH").filter(|_| is_tag),
        commit: variables.first(&["BUILDBOT_GOT_REVISION", "BUILDBOT_REVISION"]).map(ToOwned::to_owned),
        pull_request,
        number: variables.text("BUILDBOT_BUILDNUMBER"),
        ..ServerBuild::of(Server::Buildbot)
    })
}

/// The GitHub hook builds `refs/pull/42/merge` or `…/head`.
fn pull_request(variables: &Variables) -> Option<PullRequest> {
    let of_branch = variables.get("BUILDBOT_BRANCH").and_then(|name| name.strip_prefix("refs/pull/"));
    let of_branch = of_branch.and_then(|rest| rest.split('/').next()?.parse().ok());
    let number = variables.number("BUILDBOT_GITHUB_NUMBER").or(of_branch);
    if number.is_none() && variables.get("BUILDBOT_PULLREQUESTURL").is_none() {
        return None;
    }
    let target = variables.reference("BUILDBOT_GITHUB_BASE_REF").or_else(|| variables.reference("BUILDBOT_BASENAME"));
    Some(PullRequest {
        number,
        source: variables.reference("BUILDBOT_GITHUB_HEAD_REF"),
        target,
        head: variables.first(&["BUILDBOT_GITHUB_HEAD_SHA", "BUILDBOT_REVISION"]).map(ToOwned::to_owned),
        origin: Origin::of(
            variables.get("BUILDBOT_GITHUB_HEAD_REPO_FULL_NAME"),
            variables.get("BUILDBOT_GITHUB_BASE_REPO_FULL_NAME"),
        ),
    })
}
