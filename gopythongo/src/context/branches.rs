//! Which branches are for what: Git Flow's names, unless a team has its own.

use serde::{Deserialize, Serialize};

use super::BuildKind;

/// Which branches are for what. By default those of Git Flow: `develop`, `master` and `main`, and `release/`, `hotfix/` and
/// `feature/` before a name. Every other branch is a feature's.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub struct Branches {
    /// Branches that are integrated on.
    develop: Vec<String>,
    /// Branches of what is released.
    master: Vec<String>,
    /// What the names of release branches begin with.
    release: Vec<String>,
    /// What the names of hotfix branches begin with.
    hotfix: Vec<String>,
    /// What is left out of the names of feature branches when versions and channels are named for them.
    feature: Vec<String>,
}

impl Default for Branches {
    fn default() -> Self {
        Self::git_flow()
    }
}

impl Branches {
    /// Git Flow's names.
    pub fn git_flow() -> Self {
        let names = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        Self {
            develop: names(&["develop"]),
            master: names(&["master", "main"]),
            release: names(&["release/"]),
            hotfix: names(&["hotfix/"]),
            feature: names(&["feature/"]),
        }
    }

    /// For teams with one branch, the trunk, which is built as `develop` is. Releases are made of release branches, of tags
    /// on a build server, or by `--kind master`; no branch is a master.
    pub fn trunk(name: impl Into<String>) -> Self {
        Self::git_flow().develop([name.into()]).master(Vec::<String>::new())
    }

    /// Sets the branches that are integrated on; `develop` by default.
    pub fn develop<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.develop = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets the branches of what is released; `master` and `main` by default.
    pub fn master<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.master = names.into_iter().map(Into::into).collect();
        self
    }

    /// Sets what the names of release branches begin with, their `/` or `-` included; `release/` by default.
    pub fn release<N: Into<String>>(mut self, prefixes: impl IntoIterator<Item = N>) -> Self {
        self.release = prefixes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets what the names of hotfix branches begin with, their `/` or `-` included; `hotfix/` by default.
    pub fn hotfix<N: Into<String>>(mut self, prefixes: impl IntoIterator<Item = N>) -> Self {
        self.hotfix = prefixes.into_iter().map(Into::into).collect();
        self
    }

    /// Sets what is left out of the names of feature branches in versions and channels; `feature/` by default.
    pub fn feature<N: Into<String>>(mut self, prefixes: impl IntoIterator<Item = N>) -> Self {
        self.feature = prefixes.into_iter().map(Into::into).collect();
        self
    }

    /// The branches that are integrated on, the first one first.
    pub(super) fn develops(&self) -> &[String] {
        &self.develop
    }

    /// The branches of what is released.
    pub(super) fn masters(&self) -> &[String] {
        &self.master
    }

    /// Whether they are the default.
    pub(crate) fn is_git_flow(&self) -> bool {
        *self == Self::git_flow()
    }

    /// The kind of the builds of a branch.
    #[must_use]
    pub fn kind(&self, branch: &str) -> BuildKind {
        let is = |names: &[String]| names.iter().any(|name| name == branch);
        let is_of = |kind| self.topic(kind, branch) != branch;
        match () {
            () if is(&self.develop) => BuildKind::Develop,
            () if is(&self.master) => BuildKind::Master,
            () if is_of(BuildKind::Release) => BuildKind::Release,
            () if is_of(BuildKind::Hotfix) => BuildKind::Hotfix,
            () => BuildKind::Feature,
        }
    }

    /// What a branch is called in builds of a kind: without the prefix of such branches, `1.5.0` of `release/1.5.0`.
    #[must_use]
    pub(crate) fn topic<'a>(&self, kind: BuildKind, branch: &'a str) -> &'a str {
        let prefixes = match kind {
            BuildKind::Feature | BuildKind::PullRequest => &self.feature,
            BuildKind::Release => &self.release,
            BuildKind::Hotfix => &self.hotfix,
            BuildKind::Develop | BuildKind::Master => return branch,
        };
        let rest = prefixes.iter().filter_map(|prefix| branch.strip_prefix(prefix.as_str()));
        rest.filter(|rest| !rest.is_empty()).min_by_key(|rest| rest.len()).unwrap_or(branch)
    }

    /// The channel that builds of a kind promote into: `develop`, `master`, or the branch with the kind before it.
    #[must_use]
    pub(crate) fn channel(&self, kind: BuildKind, branch: Option<&str>) -> String {
        match kind {
            BuildKind::Develop | BuildKind::Master => kind.word().to_owned(),
            kind => format!("{kind}/{}", branch.map_or("detached", |branch| self.topic(kind, branch))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(branches: &Branches, names: &[&str]) -> Vec<String> {
        names.iter().map(|name| branches.channel(branches.kind(name), Some(name))).collect()
    }

    #[test]
    fn git_flow_is_the_default() {
        let names = [
            "develop",
            "main",
            "master",
            "release/1.5.0",
            "hotfix/1.5.1",
            "feature/x/y",
            "mastery",
            "release",
            "release/",
            "develop/x",
            "fix",
        ];
        assert_eq!(
            all(&Branches::default(), &names),
            [
                "develop",
                "master",
                "master",
                "release/1.5.0",
                "hotfix/1.5.1",
                "feature/x/y",
                "feature/mastery",
                "feature/release",
                "feature/release/",
                "feature/develop/x",
                "feature/fix",
            ]
        );
    }

    #[test]
    fn a_team_has_names_of_its_own() {
        let own =
            Branches::git_flow().develop(["next"]).master(["stable"]).release(["rel-", "rel-v"]).feature(["topic/"]);
        assert_eq!(
            all(&own, &["next", "stable", "rel-v1.5.0", "topic/x", "develop", "main"]),
            ["develop", "master", "release/1.5.0", "feature/x", "feature/develop", "feature/main"]
        );
        let trunk = Branches::trunk("main");
        assert_eq!(all(&trunk, &["main", "release/1.5", "x"]), ["develop", "release/1.5", "feature/x"]);
    }
}
