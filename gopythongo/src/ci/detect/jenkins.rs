//! Jenkins: multibranch projects (`CHANGE_*`), the GitHub Pull Request Builder (`ghprb*`), and the git plugin's variables.
//!
//! Documentation: the plugins' own, Branch API (`BranchNameContributor`), ghprb (`GhprbTrigger`), git.

use super::super::{Origin, PullRequest, Server, ServerBuild, Variables, variables::reference};

pub(super) fn detect(variables: &Variables) -> Option<ServerBuild> {
    variables.first(&["JENKINS_URL", "JENKINS_HOME"])?;
    let pull_request = change(variables).or_else(|| ghprb(variables));
    let tag = variables.reference("TAG_NAME");
    let is_branch = pull_request.is_none() && tag.is_none();
    // a change's BRANCH_NAME is arbitrary (`PR-24`), a tag's is the tag
    let branch = variables.reference("BRANCH_NAME").or_else(|| plain_branch(variables));
    Some(ServerBuild {
        branch: branch.filter(|_| is_branch),
        tag,
        commit: variables.text("GIT_COMMIT"),
        pull_request,
        number: variables.text("BUILD_NUMBER"),
        url: variables.text("BUILD_URL"),
        ..ServerBuild::of(Server::Jenkins)
    })
}

/// The branch of a job that is not multibranch. `GIT_BRANCH` has the remote before it: `origin/develop`.
fn plain_branch(variables: &Variables) -> Option<String> {
    let remote = || variables.get("GIT_BRANCH")?.strip_prefix("origin/").or_else(|| variables.get("GIT_BRANCH"));
    variables.get("GIT_LOCAL_BRANCH").or_else(remote).filter(|name| *name != "detached").and_then(reference)
}

fn change(variables: &Variables) -> Option<PullRequest> {
    let id = variables.get("CHANGE_ID")?;
    let is_fork = variables.get("CHANGE_FORK").is_some();
    let source = variables.reference("CHANGE_BRANCH");
    let origin = match (is_fork, &source) {
        (true, _) => Origin::Fork,
        // a source that knows the change's branch knows of forks as well
        (false, Some(_)) => Origin::Repository,
        (false, None) => Origin::Unknown,
    };
    Some(PullRequest {
        number: id.parse().ok(),
        source,
        target: variables.reference("CHANGE_TARGET"),
        head: None,
        origin,
    })
}

fn ghprb(variables: &Variables) -> Option<PullRequest> {
    // `ghprbGhRepository` is `acme/shop`, `ghprbAuthorRepoGitUrl` is `https://host/eve/shop.git`
    let own = variables.get("ghprbGhRepository").map(|name| format!("/{}", name.to_lowercase()));
    let source = variables.get("ghprbAuthorRepoGitUrl").map(|url| url.trim_end_matches(".git").to_lowercase());
    let origin = match (source, own) {
        (Some(source), Some(own)) if source.ends_with(&own) => Origin::Repository,
        (Some(_), Some(_)) => Origin::Fork,
        _ => Origin::Unknown,
    };
    Some(PullRequest {
        number: Some(variables.number("ghprbPullId")?),
        source: variables.reference("ghprbSourceBranch"),
        target: variables.reference("ghprbTargetBranch"),
        head: variables.text("ghprbActualCommit"),
        origin,
    })
}
