//! What a build may do whose author may not push to the repository: a pull request of a fork. Knows nothing of servers.

use super::{UNKNOWN, draft::Draft};
use crate::{ci::ServerBuild, context::Context};

/// Why a build may change nothing that others read, if so: what is built is a stranger's.
///
/// The words are those of the server's build: `pull request 42 into develop, from a fork`.
pub(crate) fn distrust(context: &Context) -> Option<String> {
    let request = context.server.as_ref().filter(|build| !ServerBuild::is_trusted(build))?.pull_request.as_ref()?;
    Some(request.to_string())
}

/// Skips what a stranger's build must not do: effects that reach further than its own stage, and what needs secrets.
pub(super) fn restrict(drafts: &mut [Draft<'_>], context: &Context) {
    let Some(who) = distrust(context) else { return };
    for draft in drafts.iter_mut().filter(|draft| draft.runs()) {
        if draft.is_effect() && !draft.step.stays_in_stage() {
            draft.skip(format!("{who}: it changes nothing outside of its stage"));
        } else if !draft.inputs.secrets.is_empty() {
            draft.skip(format!("{UNKNOWN}: {who}, gets no secrets"));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde::Serialize;

    use crate::{
        ci::Variables,
        context::{BuildKind::PullRequest, Request, SecretFrom, gather},
        pipeline::{CommandStep, JobBuilder as _, Pipeline, library},
        plan::{Selection, lower},
        run::{EffectClass, Failure, Nature, Step, Work},
        support::trees::tree,
    };

    /// An effect of a team: nobody knows how far it reaches.
    #[derive(Debug, Serialize)]
    struct Announce {}

    impl Step for Announce {
        const KIND: &'static str = "announce";
        const VERSION: u32 = 1;

        fn nature(&self) -> Nature {
            Nature::Effect(EffectClass::Blind)
        }

        fn run(&self, _: &mut Work<'_>) -> Result<(), Failure> {
            Ok(())
        }
    }

    /// What becomes of the steps of a pull request whose team wants effects there: those that run, and the reasons of the others.
    fn planned(variables: &str) -> (Vec<String>, Vec<String>) {
        let source = tree(&[("pyproject.toml", "[project]\nname = 'money'\nversion = '1.5.0'\n")]);
        let job = library("money").source(".").on(PullRequest, |job| job.upload().step(Announce {}));
        let job = job.step(CommandStep::new("scan", ["true"]).secret("TOKEN", SecretFrom::env("TOKEN")));
        let pipeline = Pipeline::new("p").job(job);
        let variables: Variables = variables.split_whitespace().filter_map(|pair| pair.split_once('=')).collect();
        let request = Request { root: source.path().to_owned(), variables, ..Request::default() };
        let context = gather(&pipeline, &request).expect("a context");
        let plan = lower(&pipeline, &context, &Selection::default()).plan;
        let (runs, skipped) =
            plan.steps.iter().cloned().partition::<Vec<_>, _>(|step| step.action == super::super::Action::Run);
        let effects = runs.into_iter().filter(|step| step.effect.is_some()).map(|step| step.id);
        (effects.collect(), skipped.into_iter().map(|step| format!("{}: {}", step.id, step.reason)).collect())
    }

    #[track_caller]
    fn check(server: &str, own: Option<&str>, fork: &str) {
        if let Some(own) = own {
            let (effects, skipped) = planned(&format!("{server} {own}"));
            assert_eq!(effects, ["money/upload", "money/announce", "promote"], "{server}");
            assert_eq!(skipped, [""; 0], "{server}");
        }
        let (effects, skipped) = planned(&format!("{server} {fork}"));
        assert_eq!(effects, ["money/upload"], "{server}: only the stage of its own run");
        let [announce, scan, promote] = &skipped[..] else { panic!("{server}: {skipped:?}") };
        assert!(scan.starts_with("money/command:scan: unknown, not a pass: pull request 42"), "{scan}");
        assert!(scan.ends_with("from a fork, gets no secrets"), "{scan}");
        assert!(announce.starts_with("money/announce: pull request 42"), "{announce}");
        assert!(announce.ends_with("from a fork: it changes nothing outside of its stage"), "{announce}");
        assert!(promote.starts_with("promote: the set stays staged: pull request 42"), "{promote}");
    }

    #[test]
    fn a_forks_pull_request_changes_nothing_that_others_read_on_any_server() {
        let event = |repository: &str| {
            format!(
                r#"{{"number":42,"pull_request":{{"head":{{"sha":"0","repo":{{"full_name":"{repository}"}}}},
                "base":{{"sha":"0","repo":{{"full_name":"acme/shop"}}}}}}}}"#
            )
        };
        let properties = "build.number=1\nteamcity.pullRequest.number=42\n";
        let files = tree(&[
            ("own.json", &event("acme/shop")),
            ("fork.json", &event("eve/shop")),
            ("own", &format!("{properties}teamcity.pullRequest.source.branch=x\n")),
            ("fork", properties),
        ]);
        let place = |name: &str| files.path().join(name).display().to_string();
        for name in ["own", "fork"] {
            let text = format!("teamcity.configuration.properties.file={}\n", place(name));
            std::fs::write(place(&format!("{name}.properties")), text).expect("written");
        }
        let (own, fork) = (format!("GITHUB_EVENT_PATH={}", place("own.json")), place("fork.json"));
        let github = "GITHUB_ACTIONS=true GITHUB_REF=refs/pull/42/merge GITHUB_HEAD_REF=x GITHUB_BASE_REF=develop";
        check(github, Some(&own), &format!("GITHUB_EVENT_PATH={fork}"));
        check(
            "GITLAB_CI=true CI_MERGE_REQUEST_IID=42 CI_MERGE_REQUEST_PROJECT_ID=1",
            Some("CI_MERGE_REQUEST_SOURCE_PROJECT_ID=1"),
            "CI_MERGE_REQUEST_SOURCE_PROJECT_ID=10",
        );
        let jenkins = "JENKINS_URL=https://ci.example/ CHANGE_ID=42 CHANGE_TARGET=develop CHANGE_BRANCH=x";
        check(jenkins, Some(""), "CHANGE_FORK=eve");
        check(
            "JENKINS_URL=https://ci.example/ ghprbPullId=42 ghprbSourceBranch=x ghprbGhRepository=acme/shop",
            Some("ghprbAuthorRepoGitUrl=https://git.example/acme/shop.git"),
            "ghprbAuthorRepoGitUrl=https://git.example/eve/shop.git",
        );
        check(
            "TRAVIS=true TRAVIS_BRANCH=develop TRAVIS_PULL_REQUEST=42 TRAVIS_REPO_SLUG=acme/shop",
            Some("TRAVIS_PULL_REQUEST_SLUG=acme/shop"),
            "TRAVIS_PULL_REQUEST_SLUG=eve/shop",
        );
        // says nothing of pull requests that are none of a fork
        check("CIRCLECI=true CIRCLE_PR_NUMBER=42", None, "CIRCLE_PR_USERNAME=eve");
        check(
            "BUILDBOT_BUILDERNAME=shop BUILDBOT_BRANCH=refs/pull/42/head BUILDBOT_GITHUB_NUMBER=42 \
             BUILDBOT_GITHUB_BASE_REPO_FULL_NAME=acme/shop",
            Some("BUILDBOT_GITHUB_HEAD_REPO_FULL_NAME=acme/shop"),
            "BUILDBOT_GITHUB_HEAD_REPO_FULL_NAME=eve/shop",
        );
        let azure = "TF_BUILD=True SYSTEM_PULLREQUEST_PULLREQUESTNUMBER=42 SYSTEM_PULLREQUEST_PULLREQUESTID=42";
        check(azure, Some("SYSTEM_PULLREQUEST_ISFORK=False"), "SYSTEM_PULLREQUEST_ISFORK=True");
        check(
            "TEAMCITY_VERSION=2025.03",
            Some(&format!("TEAMCITY_BUILD_PROPERTIES_FILE={}", place("own.properties"))),
            &format!("TEAMCITY_BUILD_PROPERTIES_FILE={}", place("fork.properties")),
        );
        check(
            "BUILDKITE=true BUILDKITE_PULL_REQUEST=42 BUILDKITE_REPO=git@git.example:acme/shop.git",
            Some("BUILDKITE_PULL_REQUEST_REPO=git://git.example/acme/shop.git"),
            "BUILDKITE_PULL_REQUEST_REPO=git://git.example/eve/shop.git",
        );
        // they do not say whose branch it is
        check("BITBUCKET_BUILD_NUMBER=1 BITBUCKET_PR_ID=42 BITBUCKET_BRANCH=x", None, "");
        check("DRONE=true DRONE_PULL_REQUEST=42 DRONE_SOURCE_BRANCH=x", None, "");
        check("CI=woodpecker CI_COMMIT_PULL_REQUEST=42 CI_COMMIT_SOURCE_BRANCH=x", None, "");
    }

    #[test]
    fn what_the_command_line_says_of_the_build_makes_it_nobody_elses() {
        let source = tree(&[("pyproject.toml", "[project]\nname = 'money'\nversion = '1.5.0'\n")]);
        let pipeline = Pipeline::new("p").job(library("money").source(".").upload());
        let variables = [("CIRCLECI", "true"), ("CIRCLE_PR_NUMBER", "42"), ("CIRCLE_PR_USERNAME", "eve")];
        let kind = Some(crate::context::BuildKind::Master);
        let root = source.path().to_owned();
        let request = Request { root, kind, variables: variables.into_iter().collect(), ..Request::default() };
        let context = gather(&pipeline, &request).expect("a context");
        let plan = lower(&pipeline, &context, &Selection::default()).plan;
        let promote = plan.step("promote").expect("a promotion");
        assert_eq!(promote.reason, "the set stays staged: pull request 42, from a fork");
        assert_eq!(promote.action, super::super::Action::Skip);
    }
}
