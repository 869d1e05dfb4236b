//! The effects that this room offers: a wheel or a Debian package into the run's stage, a stage into its channel.

mod promote;
mod publish;
mod staging;
mod upload;

pub use promote::Promote;
pub use publish::Publish;
pub use upload::Upload;

use super::StoreError;
use crate::run::Failure;

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        let failure = Self::lacking(error.message);
        match error.hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
