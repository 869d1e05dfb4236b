//! What a ratchet compares a build with.

use std::collections::BTreeMap;

use crate::{
    context::{BuildKind, Context},
    run::{Failure, Work},
    store::Store,
};

/// What was recorded.
pub(super) struct Recorded {
    /// Counts by what is counted.
    pub(super) counts: BTreeMap<String, u64>,
    /// The channel: `develop`.
    pub(super) place: String,
}

/// The channel whose figure a build must reach: that of the branch it will be merged into.
pub(super) fn channel(context: &Context) -> &str {
    match (context.kind, &context.target) {
        (BuildKind::PullRequest, Some(target)) => target,
        (BuildKind::Feature | BuildKind::PullRequest | BuildKind::Release, _) => "develop",
        (BuildKind::Hotfix, _) => "master",
        (BuildKind::Develop | BuildKind::Master, _) => &context.channel,
    }
}

/// What the step's figure was in the channel below the run, else in `master`.
pub(super) fn recorded(work: &Work<'_>) -> Result<Option<Recorded>, Failure> {
    let store = work.service::<Store>()?;
    let context = work.context();
    let base = match store.stage(work.run_id(), &context.channel)?.base {
        0 => return Ok(None),
        number => store.generation(number)?,
    };
    let step = &work.step().id;
    Ok([channel(context), "master"].into_iter().find_map(|name| {
        let counts = base.channels.get(name)?.ratchets.get(step)?.counts.clone();
        Some(Recorded { counts, place: name.to_owned() })
    }))
}
