//! Responses.

use hyper::{
    HeaderMap, Response, StatusCode,
    body::Bytes,
    ext::ReasonPhrase,
    header::{self, HeaderName, HeaderValue},
};

use super::body::Body;

/// A response with a body and its length.
pub(super) fn with(status: StatusCode, body: Body) -> Response<Body> {
    let length = body.length();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    set(&mut response, header::SERVER, concat!("gopythongo/", env!("CARGO_PKG_VERSION")));
    set(&mut response, header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    if let Some(length) = length {
        set(&mut response, header::CONTENT_LENGTH, &length.to_string());
    }
    response
}

/// Sets a header; a value that cannot stand in one is left out.
pub(super) fn set(response: &mut Response<Body>, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// One sentence. Installers and twine show the reason phrase, and not always the body: it is in both.
pub(super) fn sentence(status: StatusCode, text: &str) -> Response<Body> {
    let mut response = with(status, Body::Bytes(Bytes::from(format!("{text}\n"))));
    set(&mut response, header::CONTENT_TYPE, "text/plain; charset=utf-8");
    let phrase: String = text.chars().map(|c| if c.is_ascii_graphic() || c == ' ' { c } else { '?' }).collect();
    if let Ok(phrase) = ReasonPhrase::try_from(phrase) {
        response.extensions_mut().insert(phrase);
    }
    response
}

/// The same thing is elsewhere.
pub(super) fn moved(location: &str) -> Response<Body> {
    let mut response = with(StatusCode::MOVED_PERMANENTLY, Body::empty());
    set(&mut response, header::LOCATION, location);
    response
}

/// Who is there?
pub(super) fn unauthorized(text: &str) -> Response<Body> {
    let mut response = sentence(StatusCode::UNAUTHORIZED, text);
    set(&mut response, header::WWW_AUTHENTICATE, "Basic realm=\"gopythongo\", charset=\"UTF-8\"");
    response
}

/// Whether the client has what this tag stands for already (`If-None-Match`, RFC 9110).
pub(super) fn is_known(headers: &HeaderMap, tag: &str) -> bool {
    text(headers, header::IF_NONE_MATCH).is_some_and(|known| {
        known.split(',').map(str::trim).any(|known| known == "*" || known.trim_start_matches("W/") == tag)
    })
}

/// A header as text.
pub(super) fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}
