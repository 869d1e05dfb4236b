//! A build as its server describes it; plain data, the same for all servers.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A build server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Server {
    /// GitHub Actions, and servers that set the same variables (Gitea's and Forgejo's).
    GitHubActions,
    /// GitLab CI.
    GitLab,
    /// Jenkins: multibranch projects, the GitHub Pull Request Builder, plain jobs.
    Jenkins,
    /// Travis CI.
    Travis,
    /// CircleCI.
    CircleCi,
    /// Buildbot.
    Buildbot,
    /// Bitbucket Pipelines.
    Bitbucket,
    /// Azure Pipelines.
    Azure,
    /// Drone.
    Drone,
    /// Woodpecker.
    Woodpecker,
    /// TeamCity.
    TeamCity,
    /// Buildkite.
    Buildkite,
}

impl Server {
    /// The name that its makers write.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::GitHubActions => "GitHub Actions",
            Self::GitLab => "GitLab CI",
            Self::Jenkins => "Jenkins",
            Self::Travis => "Travis CI",
            Self::CircleCi => "CircleCI",
            Self::Buildbot => "Buildbot",
            Self::Bitbucket => "Bitbucket Pipelines",
            Self::Azure => "Azure Pipelines",
            Self::Drone => "Drone",
            Self::Woodpecker => "Woodpecker",
            Self::TeamCity => "TeamCity",
            Self::Buildkite => "Buildkite",
        }
    }
}

impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a server says of the build that it runs. What it does not say is `None`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServerBuild {
    /// The server.
    pub server: Server,
    /// The branch that is built; `None` for tags and pull requests.
    pub branch: Option<String>,
    /// The tag that is built.
    pub tag: Option<String>,
    /// The commit that is built: of a pull request often one that the server made by merging.
    pub commit: Option<String>,
    /// The pull request that is built.
    pub pull_request: Option<PullRequest>,
    /// What the server calls the build: a number, as it writes it.
    pub number: Option<String>,
    /// Where people look at the build.
    pub url: Option<String>,
}

impl ServerBuild {
    pub(crate) fn of(server: Server) -> Self {
        Self { server, branch: None, tag: None, commit: None, pull_request: None, number: None, url: None }
    }

    /// Whether what is built was written by somebody who may push to the repository. Otherwise the run gets no secrets and
    /// writes no shared state.
    #[must_use]
    pub fn is_trusted(&self) -> bool {
        self.pull_request.as_ref().is_none_or(|request| request.origin == Origin::Repository)
    }
}

/// A pull request (a merge request, a change).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PullRequest {
    /// Its number.
    pub number: Option<u64>,
    /// The branch that somebody wants to be merged; in a fork it may be called `develop`.
    pub source: Option<String>,
    /// The branch that it shall be merged into.
    pub target: Option<String>,
    /// The commit at the end of the source branch.
    pub head: Option<String>,
    /// Whose source branch it is.
    pub origin: Origin,
}

/// Where the source branch of a pull request is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// In the repository itself: whoever wrote it may push there.
    Repository,
    /// In a fork: anybody may have written it.
    Fork,
    /// The server does not say; it counts as a fork.
    Unknown,
}

impl Origin {
    /// By the names, or URLs, of the repository that the source branch is in and of the one that it shall be merged into.
    pub(crate) fn of(source: Option<&str>, target: Option<&str>) -> Self {
        match (source.map(repository), target.map(repository)) {
            (Some(source), Some(target)) if source == target => Self::Repository,
            (Some(_), Some(_)) => Self::Fork,
            _ => Self::Unknown,
        }
    }
}

/// What is the same of all URLs of one repository: host and path of `git@host:a/b.git` and `https://user@host/a/b`.
fn repository(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let rest = rest.split_once('@').filter(|(user, _)| !user.contains('/')).map_or(rest, |(_, rest)| rest);
    let rest = rest.replacen(':', "/", 1);
    rest.trim_end_matches('/').trim_end_matches(".git").to_lowercase()
}

impl fmt::Display for PullRequest {
    /// `pull request 42 into develop, from a fork`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("pull request")?;
        if let Some(number) = self.number {
            write!(f, " {number}")?;
        }
        if let Some(target) = &self.target {
            write!(f, " into {target}")?;
        }
        match self.origin {
            Origin::Repository => Ok(()),
            Origin::Fork => f.write_str(", from a fork"),
            Origin::Unknown => f.write_str(", perhaps from a fork"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_one_repository_are_the_same() {
        let origin = |source, target| Origin::of(Some(source), Some(target));
        for same in
            ["git@git.example:acme/shop.git", "ssh://git@git.example/acme/shop", "git://git.example/Acme/shop.git/"]
        {
            assert_eq!(origin(same, "https://git.example/acme/shop"), Origin::Repository, "{same}");
        }
        assert_eq!(origin("git@git.example:eve/shop.git", "https://git.example/acme/shop"), Origin::Fork);
        assert_eq!(origin("eve/shop", "acme/shop"), Origin::Fork);
        assert_eq!(Origin::of(None, Some("acme/shop")), Origin::Unknown);
    }

    #[test]
    fn only_what_is_surely_the_repositorys_own_is_trusted() {
        let of = |origin| {
            let request =
                PullRequest { number: Some(42), source: None, target: Some("develop".into()), head: None, origin };
            ServerBuild { pull_request: Some(request), ..ServerBuild::of(Server::Drone) }
        };
        assert!(ServerBuild::of(Server::Drone).is_trusted() && of(Origin::Repository).is_trusted());
        assert!(!of(Origin::Fork).is_trusted() && !of(Origin::Unknown).is_trusted());
        let said = of(Origin::Fork).pull_request.map(|request| request.to_string());
        assert_eq!(said.as_deref(), Some("pull request 42 into develop, from a fork"));
    }
}
