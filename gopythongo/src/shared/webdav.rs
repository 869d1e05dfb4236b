//! A directory of a WebDAV server. Writers take turns by locks (RFC 4918 §6): a server of class 2 is needed.

use std::{
    thread,
    time::{Duration, Instant},
};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use ureq::http::StatusCode;

use super::{
    SharedError,
    http::{Answer, Http},
    objects::{Content, Found, Objects, When},
};
use crate::{context::Secret, support::Digest};

/// What is locked beside an object: to lock a name at which there is nothing would put an empty object there (RFC 4918 §7.3).
const LOCK: &str = "lock";

/// The server forgets the lock of a writer that was killed after so many seconds.
const FORGOTTEN: &str = "Second-60";

/// How long others may hold a lock: longer than it takes to be forgotten.
const PATIENCE: Duration = Duration::from_secs(75);

/// Before asking for a lock again.
const PAUSE: Duration = Duration::from_millis(50);

const WANTED: &str = r#"<?xml version="1.0" encoding="utf-8"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/></D:lockscope><D:locktype><D:write/></D:locktype><D:owner>gopythongo</D:owner></D:lockinfo>"#;

/// Objects as resources of a server.
#[derive(Debug)]
pub(super) struct Dav {
    http: Http,
    authorization: Option<Secret>,
}

/// A lock, until it is dropped.
struct Locked<'a> {
    dav: &'a Dav,
    token: String,
}

impl Dav {
    pub(super) fn new(http: Http, login: Option<(String, Secret)>) -> Self {
        let authorization = login.map(|(user, password)| {
            let basic = STANDARD.encode(format!("{user}:{}", password.expose()));
            Secret::new(format!("Basic {basic}"))
        });
        Self { http, authorization }
    }

    fn ask(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        content: Option<&Content>,
    ) -> Result<Answer, SharedError> {
        let own = self.authorization.iter().map(|secret| ("authorization", secret.expose().to_owned()));
        let headers: Vec<(&str, String)> =
            headers.iter().map(|(name, value)| (*name, (*value).to_owned())).chain(own).collect();
        self.http.ask(method, path, &headers, content)
    }

    /// Puts a resource, and makes the collections above it if they are missing (RFC 4918 §9.7.1).
    fn write(&self, name: &str, content: &Content) -> Result<(), SharedError> {
        let path = self.http.path(name);
        let put = || self.ask("PUT", &path, &[], Some(content));
        let mut answer = put()?;
        if matches!(answer.status(), StatusCode::CONFLICT | StatusCode::NOT_FOUND) {
            answer.done();
            self.make_collections(name)?;
            answer = put()?;
        }
        if !answer.status().is_success() {
            return Err(answer.refused());
        }
        answer.done();
        Ok(())
    }

    fn make_collections(&self, name: &str) -> Result<(), SharedError> {
        for collection in self.http.above(name) {
            // what is there already is refused; what cannot be made shows when something is put into it
            self.ask("MKCOL", &collection, &[], None)?.done();
        }
        Ok(())
    }

    /// Waits until nobody else writes.
    fn lock(&self) -> Result<Locked<'_>, SharedError> {
        let (path, wanted) = (self.http.path(LOCK), Content::of(WANTED.as_bytes().to_vec()));
        let headers = [("depth", "0"), ("timeout", FORGOTTEN), ("content-type", "application/xml")];
        let begin = Instant::now();
        let mut made = false;
        loop {
            let answer = self.ask("LOCK", &path, &headers, Some(&wanted))?;
            match answer.status() {
                StatusCode::OK | StatusCode::CREATED => {
                    let token = answer.header("lock-token");
                    answer.done();
                    let missing = || SharedError::new(format!("`{}` locks without a token", self.http.host()));
                    return Ok(Locked { dav: self, token: token.ok_or_else(missing)? });
                }
                StatusCode::LOCKED if begin.elapsed() < PATIENCE => {
                    answer.done();
                    thread::sleep(PAUSE);
                }
                StatusCode::CONFLICT | StatusCode::NOT_FOUND if !made => {
                    answer.done();
                    self.make_collections(LOCK)?;
                    made = true;
                }
                StatusCode::NOT_IMPLEMENTED | StatusCode::METHOD_NOT_ALLOWED | StatusCode::BAD_REQUEST => {
                    return Err(answer.refused().hint("shared state needs a server with locks (RFC 4918, class 2)"));
                }
                _ => return Err(answer.refused()),
            }
        }
    }

    /// The digest of what is there, if anything is.
    fn found(&self, name: &str) -> Result<Option<Digest>, SharedError> {
        let Some(found) = self.get(name)? else { return Ok(None) };
        let digest = Digest::of_reader(found.body).map_err(SharedError::io("cannot read", &self.http.path(name)))?;
        Ok(Some(digest.0))
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        // otherwise the server forgets it
        if let Ok(answer) = self.dav.ask("UNLOCK", &self.dav.http.path(LOCK), &[("lock-token", &self.token)], None) {
            answer.done();
        }
    }
}

impl Objects for Dav {
    fn get(&self, name: &str) -> Result<Option<Found>, SharedError> {
        let answer = self.ask("GET", &self.http.path(name), &[], None)?;
        match answer.status() {
            StatusCode::OK => Ok(Some(Found { body: answer.body(), tag: None })),
            StatusCode::NOT_FOUND | StatusCode::CONFLICT => {
                answer.done();
                Ok(None)
            }
            _ => Err(answer.refused()),
        }
    }

    fn put(&self, name: &str, content: &Content, when: &When) -> Result<bool, SharedError> {
        let _lock = match when {
            When::Always => None,
            When::Absent | When::Is(_) => Some(self.lock()?),
        };
        let expected = match when {
            When::Always => true,
            When::Absent => self.found(name)?.is_none(),
            When::Is(state) => self.found(name)? == Some(state.digest),
        };
        if expected {
            self.write(name, content)?;
        }
        Ok(expected)
    }
}
