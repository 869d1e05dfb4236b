//! TeamCity: variables, and the configuration parameters in the properties files that it leaves for a build.
//!
//! Documentation: jetbrains.com/help/teamcity, "List of Predefined Build Parameters" and "Pull Requests". Branches and pull
//! requests are configuration parameters, which are no variables: `TEAMCITY_BUILD_PROPERTIES_FILE` names a file of system
//! properties, and among these `teamcity.configuration.properties.file` one of configuration parameters.

use std::collections::BTreeMap;

use super::super::{Origin, PullRequest, Server, ServerBuild, Variables, variables::reference};

pub(super) fn detect(variables: &Variables) -> Option<ServerBuild> {
    variables.get("TEAMCITY_VERSION")?;
    let properties = variables.file("TEAMCITY_BUILD_PROPERTIES_FILE").map(|text| properties(&text)).unwrap_or_default();
    let place: Variables =
        properties.get("teamcity.configuration.properties.file").map(|file| ("file", file)).into_iter().collect();
    let parameters = place.file("file").map(|text| self::properties(&text)).unwrap_or_default();
    let parameter = |name: &str| parameters.get(name).map(String::as_str).filter(|value| !value.is_empty());
    let pull_request = parameter("teamcity.pullRequest.number").map(|number| {
        // given only if the source is in the same repository
        let source = parameter("teamcity.pullRequest.source.branch").and_then(reference);
        PullRequest {
            number: number.parse().ok(),
            origin: if source.is_some() { Origin::Repository } else { Origin::Fork },
            source,
            target: parameter("teamcity.pullRequest.target.branch").and_then(reference),
            head: variables.text("BUILD_VCS_NUMBER"),
        }
    });
    // the logical name is `<default>` on the default branch; the VCS' own is by root
    let logical = parameter("teamcity.build.branch").filter(|name| *name != "<default>");
    let of_root = || {
        let mut roots = parameters.iter().filter(|(name, _)| name.starts_with("teamcity.build.vcs.branch."));
        roots.next().map(|(_, value)| value.as_str()).filter(|_| roots.next().is_none())
    };
    let name = of_root().or(logical);
    let is_tag = name.is_some_and(|name| name.starts_with("refs/tags/"));
    let branch = name.filter(|_| pull_request.is_none()).and_then(reference);
    let (branch, tag) = if is_tag { (None, branch) } else { (branch, None) };
    Some(ServerBuild {
        branch,
        tag,
        commit: variables.text("BUILD_VCS_NUMBER"),
        pull_request,
        number: variables.text("BUILD_NUMBER"),
        url: variables.text("BUILD_URL"),
        ..ServerBuild::of(Server::TeamCity)
    })
}

/// A Java properties file, as far as TeamCity writes it: one `name=value` a line, `\` before special characters.
fn properties(text: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for line in text.lines().filter(|line| !line.starts_with(['#', '!'])) {
        let (mut name, mut value) = (String::new(), None::<String>);
        let mut characters = line.trim_start().chars();
        while let Some(character) = characters.next() {
            let is_separator = value.is_none() && matches!(character, '=' | ':');
            let character = if character == '\\' { characters.next().unwrap_or_default() } else { character };
            match &mut value {
                _ if is_separator => value = Some(String::new()),
                None => name.push(character),
                Some(value) => value.push(character),
            }
        }
        if let Some(value) = value {
            all.insert(name.trim().to_owned(), value.trim().to_owned());
        }
    }
    all
}
