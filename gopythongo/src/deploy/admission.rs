//! Which bytes a protected environment takes, and what whoever is to approve them has to know.

use super::{Approvals, Candidate, Live};
use crate::{
    run::{Failure, Work},
    store::{DebRelease, Generation, Store},
    support::Digest,
};

/// Refuses what no protected environment takes, whoever approves it: a package with a local label, or one whose set has a
/// package with such a label. These bytes are one machine's or one branch's.
///
/// # Errors
/// Names the package.
pub(crate) fn check(current: &Generation, channel: &str, package: &str, release: &DebRelease) -> Result<(), Failure> {
    let of_set = current.channel(channel).packages;
    let newest = of_set.iter().filter_map(|(name, releases)| Some((name.as_str(), releases.last()?)));
    let labelled = newest.filter(|(_, release)| release.is_local()).map(|(name, release)| (name, &release.version));
    let own = release.is_local().then_some((package, &release.version));
    let Some((name, version)) = own.into_iter().chain(labelled).next() else { return Ok(()) };
    Err(Failure::refused(format!(
        "{name} {version} is this machine's or a branch's own: no protected environment takes it"
    ))
    .hint("commit, and run again: what is built from a commit has no such label"))
}

/// What waits for an approval, in lines: what would go live, what is live, what differs, what it passed.
pub(crate) fn told(
    candidate: &Candidate,
    application: &str,
    store: &Store,
    live: Option<&Live>,
    approvals: &Approvals,
) -> Result<Vec<String>, Failure> {
    let Candidate { package, version, digest, channel, generation, .. } = candidate;
    let current = store.current()?;
    let commit = |digest: &Digest| {
        let release = current.debs(channel, package).iter().rfind(|release| release.digest == *digest);
        let commit = release.and_then(|release| release.commit.as_deref());
        commit.map(|commit| format!(", commit {commit:.12}")).unwrap_or_default()
    };
    let mut lines = vec![format!(
        "would go live: {package} {version} of {channel}, generation {generation}{}: {digest}",
        commit(digest)
    )];
    let before = live.and_then(|live| approvals.of(&live.digest));
    // a generation that is gone tells nothing
    let before = before.and_then(|approved| store.generation(approved.candidate.generation).ok());
    lines.push(match live {
        Some(live) => format!("live now: {package} {}{}: {}", live.version, commit(&live.digest), live.digest),
        None => "live now: nothing".to_owned(),
    });
    let changed = changes(before.as_deref().unwrap_or(&Generation::default()), &current, channel);
    if !changed.is_empty() {
        let since = if before.is_some() { "changed since in its set" } else { "its set" };
        lines.push(format!("{since}: {}", changed.join(", ")));
    }
    lines.push(format!("passed: `{application}/integration-tests`, its gate, and every other step of its set"));
    Ok(lines)
}

/// The packages of a channel that are others than they were, or new: `money 1.4.0 → 1.5.0 (0123456789ab)`.
fn changes(before: &Generation, now: &Generation, channel: &str) -> Vec<String> {
    let packages = now.channel(channel).packages;
    let newest = packages.iter().filter_map(|(name, releases)| Some((name, releases.last()?)));
    let changed = newest.filter_map(|(name, release)| {
        let earlier = before.newest(channel, name).map(|earlier| earlier.version.as_str());
        let digest = release.files.first().map_or(release.payload, |file| file.digest).short(12);
        match earlier {
            Some(earlier) if earlier == release.version => None,
            Some(earlier) => Some(format!("{name} {earlier} → {} ({digest})", release.version)),
            None => Some(format!("{name} {} ({digest})", release.version)),
        }
    });
    changed.collect()
}

/// The failure of a run that waits.
pub(super) fn waits(work: &Work<'_>, candidate: &Candidate, environment: &str, told: Vec<String>) -> Failure {
    Failure::waiting(format!("{} {} waits for approval in {environment}", candidate.package, candidate.version))
        .tail(told)
        .hint(format!("whoever may approve it: `approve {}`", work.run_id()))
}
