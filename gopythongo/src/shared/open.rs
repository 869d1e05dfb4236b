//! From where machines share state to what is asked there: fetches the keys.

use std::path::Path;

use super::{
    SharedError, SharedIn,
    directory::Directory,
    http::{Http, Patience},
    objects::Objects,
    s3::Bucket,
    sign::Keys,
    webdav::Dav,
};
use crate::context::{Secret, SecretError, SecretFrom};

/// Where the keys are by default.
const KEYS: [&str; 2] = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];

/// Of keys that are good for a while only.
const SESSION: &str = "AWS_SESSION_TOKEN";

/// Gives a secret.
pub(super) type Fetch<'a> = &'a dyn Fn(&SecretFrom) -> Result<Secret, SecretError>;

impl SharedIn {
    /// What is asked there for a pipeline. Nobody is asked yet.
    ///
    /// # Errors
    /// When keys that are declared cannot be had, or a URL is none.
    pub(super) fn open(
        &self,
        pipeline: &str,
        root: &Path,
        patience: Patience,
        fetch: Fetch<'_>,
    ) -> Result<Box<dyn Objects>, SharedError> {
        let secret =
            |from: &SecretFrom| fetch(from).map_err(|SecretError { message, hint, .. }| SharedError { message, hint });
        Ok(match self {
            Self::S3(place) => {
                let keys = match &place.keys {
                    Some((id, key)) => Some(Keys { id: secret(id)?, secret: secret(key)?, session: None }),
                    None => match KEYS.map(|name| fetch(&SecretFrom::env(name)).ok()) {
                        [Some(id), Some(secret)] => {
                            Some(Keys { id, secret, session: fetch(&SecretFrom::env(SESSION)).ok() })
                        }
                        _ => None,
                    },
                };
                let below =
                    format!("{}/{}/{pipeline}", place.bucket, place.prefix.trim_matches('/')).replace("//", "/");
                Box::new(Bucket::new(Http::new(&place.endpoint, &below, patience)?, place.region.clone(), keys))
            }
            Self::WebDav(place) => {
                let login = place.login.as_ref().map(|(user, from)| Ok((user.clone(), secret(from)?))).transpose()?;
                Box::new(Dav::new(Http::new(&place.url, pipeline, patience)?, login))
            }
            Self::Directory(place) => Box::new(Directory::new(&root.join(&place.path), pipeline)),
        })
    }

    /// The secrets that are declared for it.
    pub(crate) fn secrets(&self) -> Vec<&SecretFrom> {
        match self {
            Self::S3(place) => place.keys.iter().flat_map(|(id, secret)| [id, secret]).collect(),
            Self::WebDav(place) => place.login.iter().map(|(_, password)| password).collect(),
            Self::Directory(_) => Vec::new(),
        }
    }
}
