//! Files of the upstream index, streamed through: clients need no credentials, certificates or proxy of their own.

use std::{
    fs::File,
    io::{self, Read},
};

use hyper::{HeaderMap, Response, StatusCode, body::Bytes, header};
use tokio::sync::mpsc;

use super::{activity::Activity, body::Body, files, respond};
use crate::index::{Upstream, UpstreamError, UpstreamFile};

/// How much is read at once, and how many such pieces may wait for the client.
const CHUNK: usize = 64 << 10;
const WAITING: usize = 4;

/// A file that the project's page lists, whole or in part. Only listed files can be had: this is no open proxy.
pub(super) fn file(
    upstream: &Upstream,
    project: &str,
    name: &str,
    headers: &HeaderMap,
    activity: &Activity,
) -> Response<Body> {
    match listed(upstream, project, name).and_then(|file| stream(upstream, &file, headers, activity)) {
        Ok(response) => response,
        Err(response) => *response,
    }
}

/// The core metadata of a listed file.
pub(super) fn metadata(upstream: &Upstream, project: &str, name: &str, headers: &HeaderMap) -> Response<Body> {
    let bytes = listed(upstream, project, name).and_then(|file| upstream.metadata(&file).map_err(|error| bad(&error)));
    match bytes {
        Ok(bytes) => files::own_metadata(bytes, headers),
        Err(response) => *response,
    }
}

/// An error of the upstream index, told on.
pub(super) fn bad(error: &UpstreamError) -> Box<Response<Body>> {
    Box::new(respond::sentence(StatusCode::BAD_GATEWAY, &error.message))
}

fn listed(upstream: &Upstream, project: &str, name: &str) -> Result<UpstreamFile, Box<Response<Body>>> {
    let page = upstream.page(project).map_err(|error| bad(&error))?;
    let missing = || {
        Box::new(respond::sentence(
            StatusCode::NOT_FOUND,
            &format!("the upstream index lists no `{name}` of `{project}`"),
        ))
    };
    let page = page.ok_or_else(missing)?;
    let files = page.files().map_err(|error| bad(&error))?;
    files.iter().find(|file| file.file == name).cloned().ok_or_else(missing)
}

fn stream(
    upstream: &Upstream,
    file: &UpstreamFile,
    headers: &HeaderMap,
    activity: &Activity,
) -> Result<Response<Body>, Box<Response<Body>>> {
    let range = respond::text(headers, header::RANGE);
    if range.is_none()
        && let Ok(downloaded) = upstream.downloaded(file).map(File::open)
        && let Ok((left, file)) = downloaded.and_then(|file| Ok((file.metadata()?.len(), file)))
    {
        return Ok(described(respond::with(StatusCode::OK, Body::File { file, left })));
    }
    let asked: Vec<(&str, &str)> = range.iter().map(|range| ("range", *range)).collect();
    let answer = upstream.open(&file.url, &asked).map_err(|error| bad(&error))?;
    let (parts, body) = answer.into_parts();
    let (sender, receiver) = mpsc::channel(WAITING);
    let status = StatusCode::from_u16(parts.status.as_u16()).unwrap_or(StatusCode::OK);
    let mut response = described(respond::with(status, Body::stream(receiver, activity.clone())));
    for name in
        [header::CONTENT_LENGTH, header::CONTENT_RANGE, header::LAST_MODIFIED, header::ETAG, header::ACCEPT_RANGES]
    {
        if let Some(value) = parts.headers.get(name.as_str()).and_then(|value| value.to_str().ok()) {
            respond::set(&mut response, name, value);
        }
    }
    let mut reader = body.into_reader();
    // Within a handler's thread already: the rest is sent by another one of the same pool.
    tokio::task::spawn_blocking(move || {
        loop {
            let mut chunk = vec![0; CHUNK];
            let sent = match reader.read(&mut chunk) {
                Ok(0) => return,
                Ok(n) => {
                    chunk.truncate(n);
                    sender.blocking_send(Ok(Bytes::from(chunk)))
                }
                Err(error) => sender.blocking_send(Err(io::Error::other(error))),
            };
            if sent.is_err() {
                return;
            }
        }
    });
    Ok(response)
}

fn described(mut response: Response<Body>) -> Response<Body> {
    respond::set(&mut response, header::CONTENT_TYPE, "application/octet-stream");
    respond::set(&mut response, header::CACHE_CONTROL, files::FOREVER);
    response
}
