//! Archives in which a secret of the run stands go nowhere.

use std::path::Path;

use super::{Failure, Work};
use crate::{
    context::Redactor,
    run::Artifact,
    support::archive::{is_archive, search},
};

/// Looks for the run's secrets in the members of an archive that is called so; whatever is none, and a run without secrets,
/// costs nothing.
///
/// # Errors
/// When a member holds one, which is named by where the secret is; when the archive cannot be read.
pub(super) fn check(redactor: &Redactor, path: &Path, name: &str) -> Result<(), Failure> {
    let secrets = if is_archive(name) { redactor.findable() } else { Vec::new() };
    if secrets.is_empty() {
        return Ok(());
    }
    let values: Vec<&str> = secrets.iter().map(|(_, secret)| secret.expose()).collect();
    let found = search(path, name, &values).map_err(Failure::io("cannot look for secrets in", path))?;
    let Some((holder, (secret, _))) = found.and_then(|found| secrets.get(found.value).map(|secret| (found, secret)))
    else {
        return Ok(());
    };
    let message = format!("`{name}` holds a secret, that of {secret}, in its member `{}`", holder.member);
    Err(Failure::new(message).hint("take it out of the source, or of what writes it there, and change the secret"))
}

impl Work<'_> {
    /// Looks for the run's secrets in an artifact of an earlier step before it goes further: when it was made, others may have
    /// been known.
    ///
    /// # Errors
    /// When one is in a member of it, or it cannot be read.
    pub(crate) fn check_sealed(&self, artifact: &Artifact) -> Result<(), Failure> {
        check(&self.shared.redactor, &self.blob(&artifact.digest), &artifact.file)
    }
}
