//! Who started a build server's job, as far as the server says it.

use super::{Server, Variables, detect};

/// The name of whoever started the job that this process runs in; `None` on a laptop, and where the server does not say it.
#[must_use]
pub fn person(variables: &Variables) -> Option<String> {
    let names: &[&str] = match detect(variables)?.server {
        // whoever started it again goes before whoever did first
        Server::GitHubActions => &["GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"],
        Server::GitLab => &["GITLAB_USER_LOGIN"],
        Server::CircleCi => &["CIRCLE_USERNAME"],
        Server::Azure => &["BUILD_REQUESTEDFOR"],
        Server::Bitbucket => &["BITBUCKET_STEP_TRIGGERER_UUID"],
        Server::Drone => &["DRONE_TRIGGER"],
        Server::Buildkite => &["BUILDKITE_UNBLOCKER", "BUILDKITE_BUILD_CREATOR"],
        // by the Build User Vars plugin
        Server::Jenkins => &["BUILD_USER_ID", "BUILD_USER"],
        _ => &[],
    };
    variables.first(names).map(ToOwned::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_says_who_started_its_job() {
        let check = |variables: &[(&str, &str)], expect: Option<&str>| {
            let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            assert_eq!(person(&variables).as_deref(), expect);
        };
        check(&[("GITHUB_ACTIONS", "true"), ("GITHUB_ACTOR", "ann"), ("GITHUB_TRIGGERING_ACTOR", "bob")], Some("bob"));
        check(&[("GITLAB_CI", "true"), ("GITLAB_USER_LOGIN", "ann")], Some("ann"));
        check(&[("BUILDKITE", "true"), ("BUILDKITE_BUILD_CREATOR", "Ann")], Some("Ann"));
        check(&[("GITLAB_CI", "true")], None);
        check(&[("GITHUB_ACTOR", "left over")], None);
    }
}
