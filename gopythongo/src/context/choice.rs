//! Which kind of build this is, and of which branch.

use super::{Branches, BuildKind, ContextError, versions::is_release_tag};
use crate::ci::ServerBuild;

/// What decides the kind of a build.
#[derive(Debug, Clone, Copy)]
pub(super) struct Signs<'a> {
    /// `--kind`.
    pub(super) kind: Option<BuildKind>,
    /// `--branch`.
    pub(super) branch: Option<&'a str>,
    /// What the build server says.
    pub(super) server: Option<&'a ServerBuild>,
    /// `Pipeline::default_kind`.
    pub(super) default_kind: Option<BuildKind>,
    /// `Pipeline::branches`.
    pub(super) branches: &'a Branches,
    /// The pipeline's name.
    pub(super) pipeline: &'a str,
    /// The branch of the repository.
    pub(super) repository: Option<&'a str>,
}

/// The kind of a build, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Choice {
    pub(super) kind: BuildKind,
    pub(super) reason: String,
}

impl Choice {
    /// `--kind`, then `--branch`, then the build server; on a laptop `Pipeline::default_kind`, then the repository's branch.
    /// Nothing but `--kind` or `--branch` makes a Master build on a laptop: a checkout of `main` is checked as a feature build.
    ///
    /// # Errors
    /// When nothing says the kind.
    pub(super) fn of(signs: Signs<'_>) -> Result<Self, ContextError> {
        let choice = |kind, reason: String| Ok(Self { kind, reason });
        if let Some(kind) = signs.kind {
            return choice(kind, "`--kind`".to_owned());
        }
        if let Some(branch) = signs.branch {
            return choice(signs.branches.kind(branch), format!("`--branch {branch}`"));
        }
        match signs.server {
            Some(server) => Self::on_server(signs, server),
            None => Self::on_laptop(signs),
        }
    }

    fn on_server(signs: Signs<'_>, build: &ServerBuild) -> Result<Self, ContextError> {
        let server = build.server;
        let choice = |kind, reason: String| Ok(Self { kind, reason: format!("{reason} ({server})") });
        if let Some(request) = &build.pull_request {
            return choice(BuildKind::PullRequest, request.to_string());
        }
        if let Some(branch) = &build.branch {
            return choice(signs.branches.kind(branch), format!("branch `{branch}`"));
        }
        if let Some(tag) = &build.tag {
            return match is_release_tag(tag) {
                true => choice(BuildKind::Master, format!("tag `{tag}`")),
                false => choice(BuildKind::Feature, format!("tag `{tag}`, which is no release")),
            };
        }
        if let Some(branch) = signs.repository {
            return choice(signs.branches.kind(branch), format!("checked out branch `{branch}`"));
        }
        Err(ContextError {
            message: format!("{server} does not say which branch this build is of, and none is checked out"),
            hint: Some("say `--branch NAME` or `--kind develop` in the server's configuration".to_owned()),
        })
    }

    fn on_laptop(signs: Signs<'_>) -> Result<Self, ContextError> {
        let careful = |kind, reason: String| match kind {
            BuildKind::Master => Ok(Self {
                kind: BuildKind::Feature,
                reason: format!("{reason}; a laptop builds master only by `--kind master`"),
            }),
            _ => Ok(Self { kind, reason }),
        };
        if let Some(kind) = signs.default_kind {
            return careful(kind, format!("default_kind of `{}`", signs.pipeline));
        }
        if let Some(branch) = signs.repository {
            return careful(signs.branches.kind(branch), format!("branch `{branch}`"));
        }
        Err(ContextError {
            message: "no branch is checked out here, and nothing else says the kind of this build".to_owned(),
            hint: Some(
                "say `--kind develop` or `--branch NAME`, or set `.default_kind(Develop)` in `pipeline.rs`".to_owned(),
            ),
        })
    }
}

/// The branch that is built: of a pull request its source, of a tag none. A server knows it where `HEAD` is detached.
pub(super) fn branch(signs: Signs<'_>) -> Option<String> {
    if let Some(branch) = signs.branch {
        return Some(branch.to_owned());
    }
    match signs.server {
        Some(ServerBuild { pull_request: Some(request), .. }) => {
            let numbered = || request.number.map(|number| format!("pull/{number}"));
            request.source.clone().or_else(numbered)
        }
        Some(ServerBuild { branch: Some(branch), .. }) => Some(branch.clone()),
        Some(ServerBuild { tag: Some(_), .. }) => None,
        _ => signs.repository.map(ToOwned::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use super::*;
    use crate::ci::{self, Variables};

    static GIT_FLOW: LazyLock<Branches> = LazyLock::new(Branches::git_flow);

    fn laptop() -> Signs<'static> {
        let (pipeline, branches) = ("storefront", &*GIT_FLOW);
        Signs { kind: None, branch: None, server: None, default_kind: None, branches, pipeline, repository: None }
    }

    fn chosen(signs: Signs<'_>) -> String {
        match Choice::of(signs) {
            Ok(choice) => {
                let channel = signs.branches.channel(choice.kind, branch(signs).as_deref());
                format!("{} into {channel}: {}", choice.kind, choice.reason)
            }
            Err(error) => error.message,
        }
    }

    /// What is chosen on a build server with these variables, in a detached checkout.
    fn on_server(variables: &str) -> String {
        let variables: Variables = variables.split_whitespace().filter_map(|pair| pair.split_once('=')).collect();
        let server = ci::detect(&variables);
        // a server's builds are not those of a laptop
        chosen(Signs { server: server.as_ref(), default_kind: Some(BuildKind::Release), ..laptop() })
    }

    #[test]
    fn a_build_server_knows_what_a_detached_checkout_does_not() {
        assert_eq!(on_server("DRONE=true DRONE_BRANCH=main"), "master into master: branch `main` (Drone)");
        assert_eq!(on_server("DRONE=true DRONE_BRANCH=release/1.5.0"), {
            "release into release/1.5.0: branch `release/1.5.0` (Drone)"
        });
        assert_eq!(on_server("DRONE=true DRONE_TAG=v1.5.0"), "master into master: tag `v1.5.0` (Drone)");
        assert_eq!(on_server("DRONE=true DRONE_TAG=v1.5.0rc1"), {
            "feature into feature/detached: tag `v1.5.0rc1`, which is no release (Drone)"
        });
        let request = "DRONE=true DRONE_PULL_REQUEST=42 DRONE_BRANCH=master";
        assert_eq!(on_server(request), {
            "pull-request into pull-request/pull/42: pull request 42 into master, perhaps from a fork (Drone)"
        });
        // in a fork, a source may be called as it likes
        assert_eq!(on_server(&format!("{request} DRONE_SOURCE_BRANCH=develop")), {
            "pull-request into pull-request/develop: pull request 42 into master, perhaps from a fork (Drone)"
        });
        assert_eq!(on_server("DRONE=true"), {
            "Drone does not say which branch this build is of, and none is checked out"
        });
    }

    #[test]
    fn what_is_said_goes_before_what_a_server_says() {
        let variables: Variables = [("TEAMCITY_VERSION", "2025.03")].into_iter().collect();
        let server = ci::detect(&variables);
        let signs = Signs { server: server.as_ref(), repository: Some("main"), ..laptop() };
        assert_eq!(chosen(signs), "master into master: checked out branch `main` (TeamCity)");
        assert_eq!(chosen(Signs { branch: Some("develop"), ..signs }), "develop into develop: `--branch develop`");
        assert_eq!(chosen(Signs { kind: Some(BuildKind::Feature), ..signs }), "feature into feature/main: `--kind`");
    }

    #[test]
    fn the_nearest_sign_decides() {
        let checkout = Signs { repository: Some("feature/x"), ..laptop() };
        assert_eq!(chosen(checkout), "feature into feature/x: branch `feature/x`");
        let default = Signs { default_kind: Some(BuildKind::Develop), ..checkout };
        assert_eq!(chosen(default), "develop into develop: default_kind of `storefront`");
        let branch = Signs { branch: Some("release/1.5.0"), ..default };
        assert_eq!(chosen(branch), "release into release/1.5.0: `--branch release/1.5.0`");
        let kind = Signs { kind: Some(BuildKind::Hotfix), ..branch };
        assert_eq!(chosen(kind), "hotfix into hotfix/release/1.5.0: `--kind`");
    }

    #[test]
    fn a_laptop_is_master_only_when_told() {
        let main = Signs { repository: Some("main"), ..laptop() };
        assert_eq!(chosen(main), {
            "feature into feature/main: branch `main`; a laptop builds master only by `--kind master`"
        });
        assert_eq!(chosen(Signs { kind: Some(BuildKind::Master), ..main }), "master into master: `--kind`");
        assert_eq!(chosen(Signs { branch: Some("main"), ..main }), "master into master: `--branch main`");
    }

    #[test]
    fn a_feature_build_of_develop_has_its_own_channel() {
        let signs = Signs { kind: Some(BuildKind::Feature), repository: Some("develop"), ..laptop() };
        assert_eq!(chosen(signs), "feature into feature/develop: `--kind`");
    }

    #[test]
    fn nothing_to_go_by_is_an_error() {
        assert_eq!(chosen(laptop()), "no branch is checked out here, and nothing else says the kind of this build");
        let default = Signs { default_kind: Some(BuildKind::Develop), ..laptop() };
        assert_eq!(chosen(default), "develop into develop: default_kind of `storefront`");
    }
}
