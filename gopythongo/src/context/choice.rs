//! Which kind of build this is, and into which channel its set is promoted.

use super::{BuildKind, ContextError};

/// What decides the kind of a build.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Signs<'a> {
    /// `--kind`.
    pub(super) kind: Option<BuildKind>,
    /// `--branch`.
    pub(super) branch: Option<&'a str>,
    /// `Pipeline::default_kind` and the pipeline's name.
    pub(super) default_kind: Option<BuildKind>,
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
    /// `--kind`, then `--branch`, then `Pipeline::default_kind`, then the repository's branch. Nothing but `--kind` or
    /// `--branch` makes a Master build on a laptop: a checkout of `main` is checked as a feature build.
    ///
    /// # Errors
    /// When nothing says the kind.
    pub(super) fn of(signs: Signs<'_>) -> Result<Self, ContextError> {
        let choice = |kind, reason: String| Ok(Self { kind, reason });
        let careful = |kind, reason: String| match kind {
            BuildKind::Master => {
                choice(BuildKind::Feature, format!("{reason}; a laptop builds master only by `--kind master`"))
            }
            _ => choice(kind, reason),
        };
        if let Some(kind) = signs.kind {
            return choice(kind, "`--kind`".to_owned());
        }
        if let Some(branch) = signs.branch {
            return choice(BuildKind::of_branch(branch), format!("`--branch {branch}`"));
        }
        if let Some(kind) = signs.default_kind {
            return careful(kind, format!("default_kind of `{}`", signs.pipeline));
        }
        if let Some(branch) = signs.repository {
            return careful(BuildKind::of_branch(branch), format!("branch `{branch}`"));
        }
        Err(ContextError {
            message: "no branch is checked out here, and nothing else says the kind of this build".to_owned(),
            hint: Some(
                "say `--kind develop` or `--branch NAME`, or set `.default_kind(Develop)` in `pipeline.rs`".to_owned(),
            ),
        })
    }

    /// The channel: `develop`, `master`, or the branch with its kind before it, so that `--kind feature` on `develop`
    /// does not promote into `develop`.
    pub(super) fn channel(&self, branch: Option<&str>) -> String {
        self.kind.channel(branch)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LAPTOP: Signs<'_> =
        Signs { kind: None, branch: None, default_kind: None, pipeline: "storefront", repository: None };

    fn chosen(signs: Signs<'_>) -> String {
        match Choice::of(signs) {
            Ok(choice) => {
                let channel = choice.channel(signs.branch.or(signs.repository));
                format!("{} into {channel}: {}", choice.kind, choice.reason)
            }
            Err(error) => error.message,
        }
    }

    #[test]
    fn the_nearest_sign_decides() {
        let checkout = Signs { repository: Some("feature/x"), ..LAPTOP };
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
        let main = Signs { repository: Some("main"), ..LAPTOP };
        assert_eq!(chosen(main), {
            "feature into feature/main: branch `main`; a laptop builds master only by `--kind master`"
        });
        assert_eq!(chosen(Signs { kind: Some(BuildKind::Master), ..main }), "master into master: `--kind`");
        assert_eq!(chosen(Signs { branch: Some("main"), ..main }), "master into master: `--branch main`");
    }

    #[test]
    fn a_feature_build_of_develop_has_its_own_channel() {
        let signs = Signs { kind: Some(BuildKind::Feature), repository: Some("develop"), ..LAPTOP };
        assert_eq!(chosen(signs), "feature into feature/develop: `--kind`");
    }

    #[test]
    fn nothing_to_go_by_is_an_error() {
        assert_eq!(chosen(LAPTOP), "no branch is checked out here, and nothing else says the kind of this build");
        let default = Signs { default_kind: Some(BuildKind::Develop), ..LAPTOP };
        assert_eq!(chosen(default), "develop into develop: default_kind of `storefront`");
    }
}
