//! Azure Pipelines: predefined variables, which are given to processes in capitals with `_` for `.`.
//!
//! Documentation: learn.microsoft.com/azure/devops, "Use predefined variables".

use super::super::{Origin, PullRequest, Server, ServerBuild, Variables};

pub(super) fn detect(variables: &Variables) -> Option<ServerBuild> {
    if !variables.is_true("TF_BUILD") {
        return None;
    }
    let name = variables.get("BUILD_SOURCEBRANCH");
    let is = |prefix: &str| name.is_some_and(|name| name.starts_with(prefix));
    Some(ServerBuild {
        branch: variables.reference("BUILD_SOURCEBRANCH").filter(|_| is("refs/heads/")),
        tag: variables.reference("BUILD_SOURCEBRANCH").filter(|_| is("refs/tags/")),
        commit: variables.text("BUILD_SOURCEVERSION"),
        pull_request: pull_request(variables),
        number: variables.text("BUILD_BUILDNUMBER"),
        url: url(variables),
        ..ServerBuild::of(Server::Azure)
    })
}

fn pull_request(variables: &Variables) -> Option<PullRequest> {
    // of pull requests on GitHub, the id is another figure than the number
    let number = || variables.number("SYSTEM_PULLREQUEST_PULLREQUESTID");
    let number = variables.number("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER").or_else(number);
    if number.is_none() && variables.get("BUILD_REASON") != Some("PullRequest") {
        return None;
    }
    Some(PullRequest {
        number,
        source: variables.reference("SYSTEM_PULLREQUEST_SOURCEBRANCH"),
        target: variables.reference("SYSTEM_PULLREQUEST_TARGETBRANCH"),
        head: variables.text("SYSTEM_PULLREQUEST_SOURCECOMMITID"),
        origin: match variables.get("SYSTEM_PULLREQUEST_ISFORK") {
            Some(said) if said.eq_ignore_ascii_case("false") => Origin::Repository,
            Some(_) => Origin::Fork,
            None => Origin::Unknown,
        },
    })
}

fn url(variables: &Variables) -> Option<String> {
    let collection = variables.first(&["SYSTEM_COLLECTIONURI", "SYSTEM_TEAMFOUNDATIONCOLLECTIONURI"])?;
    let (project, build) = (variables.get("SYSTEM_TEAMPROJECT")?, variables.get("BUILD_BUILDID")?);
    Some(format!("{}/{project}/_build/results?buildId={build}", collection.trim_end_matches('/')))
}
