//! Files of the store.

use std::{
    fs::File,
    io::{self, Seek, SeekFrom},
};

use hyper::{HeaderMap, Response, StatusCode, body::Bytes, header};

use super::{
    body::Body,
    range::{self, Part},
    respond,
};
use crate::{python::Metadata, store::Store, support::Digest};

/// What never changes may be kept for ever.
pub(super) const FOREVER: &str = "public, max-age=365000000, immutable";

/// A blob, or a part of it.
pub(super) fn blob(store: &Store, digest: &Digest, headers: &HeaderMap) -> Response<Body> {
    let opened = File::open(store.blobs().path(digest)).and_then(|file| Ok((file.metadata()?.len(), file)));
    let (size, file) = match opened {
        Ok(opened) => opened,
        Err(error) => return lost(digest, &error),
    };
    part(file, size, &format!("\"{digest}\""), FOREVER, headers)
}

/// An open file of so many bytes, or the part of it that is asked for.
pub(super) fn part(mut file: File, size: u64, tag: &str, caching: &str, headers: &HeaderMap) -> Response<Body> {
    if respond::is_known(headers, tag) {
        return described(respond::with(StatusCode::NOT_MODIFIED, Body::empty()), tag, caching);
    }
    let same = respond::text(headers, header::IF_RANGE).is_none_or(|wanted| wanted == tag);
    let part = range::parse(respond::text(headers, header::RANGE).filter(|_| same), size);
    let response = match part {
        Part::Whole => respond::with(StatusCode::OK, Body::File { file, left: size }),
        Part::Unsatisfiable => {
            let mut response = respond::with(StatusCode::RANGE_NOT_SATISFIABLE, Body::empty());
            respond::set(&mut response, header::CONTENT_RANGE, &format!("bytes */{size}"));
            response
        }
        Part::Bytes(first, last) => {
            if let Err(error) = file.seek(SeekFrom::Start(first)) {
                return respond::sentence(StatusCode::INTERNAL_SERVER_ERROR, &format!("reading a file: {error}"));
            }
            let mut response = respond::with(StatusCode::PARTIAL_CONTENT, Body::File { file, left: last - first + 1 });
            respond::set(&mut response, header::CONTENT_RANGE, &format!("bytes {first}-{last}/{size}"));
            response
        }
    };
    described(response, tag, caching)
}

/// The core metadata of a wheel (PEP 658), taken out of it: so they are its own, whoever asks.
pub(super) fn metadata(store: &Store, digest: &Digest, headers: &HeaderMap) -> Response<Body> {
    let path = store.blobs().path(digest);
    if !path.is_file() {
        return lost(digest, &io::ErrorKind::NotFound.into());
    }
    match Metadata::of_wheel(&path) {
        Err(error) => respond::sentence(StatusCode::NOT_FOUND, &error.to_string()),
        Ok(metadata) => own_metadata(metadata.bytes, headers),
    }
}

/// Core metadata.
pub(super) fn own_metadata(bytes: Vec<u8>, headers: &HeaderMap) -> Response<Body> {
    let tag = format!("\"{}\"", Digest::of(&bytes));
    let (status, body) = if respond::is_known(headers, &tag) {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        (StatusCode::OK, Body::Bytes(Bytes::from(bytes)))
    };
    let mut response = described(respond::with(status, body), &tag, FOREVER);
    respond::set(&mut response, header::CONTENT_TYPE, "text/plain; charset=utf-8");
    response
}

fn described(mut response: Response<Body>, tag: &str, caching: &str) -> Response<Body> {
    for (name, value) in [
        (header::CONTENT_TYPE, "application/octet-stream"),
        (header::ACCEPT_RANGES, "bytes"),
        (header::CACHE_CONTROL, caching),
        (header::ETAG, tag),
    ] {
        respond::set(&mut response, name, value);
    }
    response
}

fn lost(digest: &Digest, error: &io::Error) -> Response<Body> {
    if error.kind() == io::ErrorKind::NotFound {
        return respond::sentence(StatusCode::NOT_FOUND, &format!("the store has no file with the digest `{digest}`"));
    }
    respond::sentence(
        StatusCode::INTERNAL_SERVER_ERROR,
        &format!("reading the file with the digest `{digest}`: {error}"),
    )
}
