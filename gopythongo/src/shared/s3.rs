//! An S3-compatible bucket. Writers are told apart by conditional writes: `If-None-Match: *`, `If-Match`.
//!
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html>

use std::time::SystemTime;

use ureq::http::StatusCode;

use super::{
    SharedError,
    http::{Answer, Http},
    objects::{Content, Found, Objects, When},
    sign::{Keys, Request},
};
use crate::support::Digest;

/// Objects in a bucket, addressed by path.
#[derive(Debug)]
pub(super) struct Bucket {
    http: Http,
    region: String,
    /// Nobody's, where anybody may ask.
    keys: Option<Keys>,
}

impl Bucket {
    pub(super) fn new(http: Http, region: String, keys: Option<Keys>) -> Self {
        Self { http, region, keys }
    }

    fn ask(
        &self,
        method: &str,
        name: &str,
        condition: Option<(&str, String)>,
        content: Option<&Content>,
    ) -> Result<Answer, SharedError> {
        let path = self.http.path(name);
        let body = content.map_or_else(|| Digest::of(""), |content| content.digest);
        let mut headers: Vec<(&str, String)> = condition.into_iter().collect();
        if let Some(keys) = &self.keys {
            let now = humantime::format_rfc3339_seconds(SystemTime::now()).to_string().replace(['-', ':'], "");
            let request = Request { method, host: self.http.host(), path: &path, body: &body };
            headers.extend(keys.headers(&request, &self.region, &now));
        }
        self.http.ask(method, &path, &headers, content)
    }
}

impl Objects for Bucket {
    fn get(&self, name: &str) -> Result<Option<Found>, SharedError> {
        let answer = self.ask("GET", name, None, None)?;
        match answer.status() {
            StatusCode::OK => {
                let tag = answer.header("etag");
                Ok(Some(Found { body: answer.body(), tag }))
            }
            StatusCode::NOT_FOUND => {
                let error = answer.refused();
                if error.message.contains("NoSuchBucket") { Err(error.hint("make the bucket")) } else { Ok(None) }
            }
            _ => Err(answer.refused()),
        }
    }

    fn put(&self, name: &str, content: &Content, when: &When) -> Result<bool, SharedError> {
        let condition = match when {
            When::Always => None,
            When::Absent => Some(("if-none-match", "*".to_owned())),
            When::Is(state) => {
                let tag = state.tag.clone();
                let tag = tag.ok_or_else(|| SharedError::new(format!("`{}` gives no ETag", self.http.host())))?;
                Some(("if-match", tag))
            }
        };
        let answer = self.ask("PUT", name, condition, Some(content))?;
        match answer.status() {
            StatusCode::OK | StatusCode::CREATED | StatusCode::NO_CONTENT => {
                answer.done();
                Ok(true)
            }
            // another write at the same moment is a conflict; what should be there may be gone
            StatusCode::PRECONDITION_FAILED | StatusCode::CONFLICT => {
                answer.done();
                Ok(false)
            }
            StatusCode::NOT_FOUND if matches!(when, When::Is(_)) => {
                answer.done();
                Ok(false)
            }
            _ => Err(answer.refused()),
        }
    }
}
