//! Uploads by the protocol that twine speaks: a form with the file and what is said of it.

use std::{
    io::{self, Write},
    sync::Arc,
    time::{Duration, SystemTime},
};

use http_body_util::{BodyDataStream, BodyExt};
use hyper::{
    Request, Response, StatusCode,
    body::{Body as _, Bytes, Incoming},
    header,
};
use multer::{Constraints, Field, Multipart, SizeLimit};
use tempfile::NamedTempFile;
use tokio::{sync::mpsc, task::spawn_blocking, time::timeout};

use super::{
    activity::Activity,
    body::Body,
    handler::{Handler, is_same},
    respond,
};
use crate::{
    context::BuildKind,
    index::credentials::Credentials,
    python::{FileName, distribution_file, name, payload},
    store::{Release, StoredFile},
    support::Digest,
};

/// The largest distribution, in bytes.
const FILE_LIMIT: u64 = 1 << 30;
/// Everything around it; descriptions can be long.
const FORM_LIMIT: u64 = 4 << 20;
/// The longest value of a field that is looked at, in bytes.
const VALUE_LIMIT: u64 = 4 << 10;
/// What is read and thrown away of a form that is refused, so that the client is there to hear why, and for how long.
const DRAIN_LIMIT: u64 = 64 << 20;
const DRAIN_TIME: Duration = Duration::from_secs(10);

const TOO_LARGE: &str = "the upload is larger than 1 GiB";

/// What a form says of its file.
#[derive(Default)]
struct Said {
    action: Option<String>,
    name: Option<String>,
    version: Option<String>,
    filetype: Option<String>,
    sha256: Option<String>,
}

/// A file that came, with the name that it came under.
struct Received {
    file: NamedTempFile,
    name: String,
}

/// Why an upload was refused.
struct Refused(StatusCode, String);

/// Takes an upload into a channel.
pub(super) async fn receive(
    handler: Arc<Handler>,
    channel: String,
    request: Request<Incoming>,
    activity: Activity,
) -> Response<Body> {
    let (parts, mut body) = request.into_parts();
    let authorization = respond::text(&parts.headers, header::AUTHORIZATION);
    let refusal = match (&handler.token, authorization.and_then(password)) {
        (None, _) => Some(respond::sentence(StatusCode::FORBIDDEN, "this server takes no uploads")),
        (Some(token), Some(given)) if is_same(token.expose(), &given) => None,
        (Some(_), Some(_)) => Some(respond::unauthorized("the token is not this server's")),
        (Some(_), None) => Some(respond::unauthorized("an upload needs the server's token, as a password")),
    };
    let boundary = respond::text(&parts.headers, header::CONTENT_TYPE)
        .and_then(|kind| multer::parse_boundary(kind).ok())
        .ok_or_else(|| respond::sentence(StatusCode::BAD_REQUEST, "an upload is a form: `multipart/form-data`"));
    let boundary = match (refusal, boundary) {
        (Some(refusal), _) | (None, Err(refusal)) => {
            if body.size_hint().lower() <= DRAIN_LIMIT {
                let _ = timeout(DRAIN_TIME, drain(&mut body)).await;
            }
            return refusal;
        }
        (None, Ok(boundary)) => boundary,
    };
    if body.size_hint().lower() > FILE_LIMIT + FORM_LIMIT {
        return respond::sentence(StatusCode::PAYLOAD_TOO_LARGE, TOO_LARGE);
    }
    let limit =
        SizeLimit::new().whole_stream(FILE_LIMIT + FORM_LIMIT).per_field(FORM_LIMIT).for_field("content", FILE_LIMIT);
    let stream = BodyDataStream::new(body);
    let mut form = Multipart::with_constraints(stream, boundary, Constraints::new().size_limit(limit));
    let (said, received) = match read(&mut form).await {
        Ok(read) => read,
        Err(Refused(status, text)) => return respond::sentence(status, &text),
    };
    let busy = activity.busy();
    let kept = spawn_blocking(move || keep(&handler, &channel, &said, received)).await;
    drop(busy);
    match kept {
        Ok(Ok(text)) => respond::sentence(StatusCode::OK, &text),
        Ok(Err(Refused(status, text))) => respond::sentence(status, &text),
        Err(_) => respond::sentence(StatusCode::INTERNAL_SERVER_ERROR, "the server made a mistake with this upload"),
    }
}

/// The password of basic authentication, or a bearer token.
fn password(authorization: &str) -> Option<String> {
    match authorization.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim().to_owned()),
        _ => Credentials::parse(authorization).map(|credentials| credentials.password.expose().to_owned()),
    }
}

async fn drain(body: &mut Incoming) {
    let mut left = DRAIN_LIMIT;
    while let Some(Ok(frame)) = body.frame().await {
        left = match left.checked_sub(frame.data_ref().map_or(0, Bytes::len) as u64) {
            Some(left) => left,
            None => return,
        };
    }
}

/// Reads the form to its end; the file goes to disk as it comes.
async fn read(form: &mut Multipart<'_>) -> Result<(Said, Received), Refused> {
    let (mut said, mut received) = (Said::default(), None);
    while let Some(mut field) = form.next_field().await.map_err(|error| broken(&error))? {
        let key = field.name().unwrap_or_default().to_owned();
        let slot = match key.as_str() {
            ":action" => &mut said.action,
            "name" => &mut said.name,
            "version" => &mut said.version,
            "filetype" => &mut said.filetype,
            "sha256_digest" => &mut said.sha256,
            "content" if received.is_some() => return Err(refused("an upload has one file")),
            "content" => {
                let name = field.file_name().unwrap_or_default().to_owned();
                received = Some(Received { file: to_disk(&mut field).await?, name });
                continue;
            }
            _ => {
                while field.chunk().await.map_err(|error| broken(&error))?.is_some() {}
                continue;
            }
        };
        let mut value = Vec::new();
        while let Some(chunk) = field.chunk().await.map_err(|error| broken(&error))? {
            value.extend_from_slice(&chunk);
            if value.len() as u64 > VALUE_LIMIT {
                return Err(refused(&format!("the form's `{key}` is too long")));
            }
        }
        *slot = Some(String::from_utf8(value).map_err(|_| refused(&format!("the form's `{key}` is not UTF-8")))?);
    }
    let received = received.ok_or_else(|| refused("the form has no file: its field is `content`"))?;
    Ok((said, received))
}

/// Writes a field to a temporary file on a thread that may block.
async fn to_disk(field: &mut Field<'_>) -> Result<NamedTempFile, Refused> {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(4);
    let writer = spawn_blocking(move || -> io::Result<NamedTempFile> {
        let mut file = NamedTempFile::new()?;
        while let Some(chunk) = receiver.blocking_recv() {
            file.write_all(&chunk)?;
        }
        file.flush()?;
        Ok(file)
    });
    while let Some(chunk) = field.chunk().await.map_err(|error| broken(&error))? {
        if sender.send(chunk).await.is_err() {
            break;
        }
    }
    drop(sender);
    match writer.await {
        Ok(Ok(file)) => Ok(file),
        Ok(Err(error)) => {
            Err(Refused(StatusCode::INSUFFICIENT_STORAGE, format!("the upload cannot be written: {error}")))
        }
        Err(_) => Err(Refused(StatusCode::INTERNAL_SERVER_ERROR, "the upload cannot be written".into())),
    }
}

/// Checks what came, and puts it into the channel.
fn keep(handler: &Handler, channel: &str, said: &Said, received: Received) -> Result<String, Refused> {
    let store = &handler.store;
    if BuildKind::of_channel(channel).is_none() {
        let known = "there are `develop`, `master`, and those of branches such as `release/1.6.0`";
        return Err(Refused(StatusCode::NOT_FOUND, format!("`{channel}` is no channel: {known}")));
    }
    if said.action.as_deref() != Some("file_upload") {
        return Err(refused("only the action `file_upload` is understood"));
    }
    let path = received.file.path();
    let unreadable =
        |error: io::Error| Refused(StatusCode::INTERNAL_SERVER_ERROR, format!("the upload cannot be read: {error}"));
    let digest = Digest::of_file(path).map_err(unreadable)?;
    if said.sha256.as_ref().is_some_and(|said| !said.eq_ignore_ascii_case(&digest.to_string())) {
        return Err(refused(&format!(
            "`{}` came damaged: its digest is `{digest}`, not the one in the form",
            received.name
        )));
    }
    let checked = distribution_file::check(path, &received.name).map_err(|error| refused(&error.to_string()))?;
    let agrees = |said: &Option<String>, found: &dyn Fn(&str) -> bool| said.as_deref().is_none_or(found);
    let is_wheel = matches!(checked.file, FileName::Wheel(_));
    if !agrees(&said.name, &|said| name::normalize(said) == checked.name)
        || !agrees(&said.version, &|said| said.parse().ok().as_ref() == Some(&checked.version))
        || !agrees(&said.filetype, &|said| said == if is_wheel { "bdist_wheel" } else { "sdist" })
    {
        let form = [&said.name, &said.version, &said.filetype].map(|said| said.as_deref().unwrap_or("?")).join(" ");
        return Err(refused(&format!("`{}` is not what the form says that it is: {form}", received.name)));
    }
    if handler.owned.contains(&checked.name) {
        let text =
            format!("`{}` is built by this pipeline: it enters a channel by a run, tested downstream", checked.name);
        return Err(Refused(StatusCode::FORBIDDEN, text));
    }
    let payload = payload::of_named(path, &checked.file, &[]).map_err(|error| refused(&error.to_string()))?;
    let full =
        |error: io::Error| Refused(StatusCode::INSUFFICIENT_STORAGE, format!("the upload cannot be kept: {error}"));
    let (digest, size) = store.blobs().put_file(path).map_err(full)?;
    let metadata = match is_wheel {
        true => Some(store.blobs().put(checked.metadata.bytes.as_slice()).map_err(full)?.0),
        false => None,
    };
    let file = StoredFile {
        file: received.name.clone(),
        digest,
        size,
        requires_python: checked.metadata.requires_python,
        metadata,
        uploaded: humantime::format_rfc3339_micros(SystemTime::now()).to_string(),
    };
    let release = Release {
        version: checked.version.to_string(),
        payload,
        files: vec![file],
        commit: None,
        run: "upload".into(),
    };
    match store.upload(channel, &checked.name, release) {
        Ok(promotion) => Ok(format!("`{}` is in `{channel}`, generation {}", received.name, promotion.generation)),
        Err(error) => Err(refused(&match error.hint {
            Some(hint) => format!("{}; {hint}", error.message),
            None => error.message,
        })),
    }
}

fn refused(text: &str) -> Refused {
    Refused(StatusCode::BAD_REQUEST, text.to_owned())
}

fn broken(error: &multer::Error) -> Refused {
    match error {
        multer::Error::FieldSizeExceeded { .. } | multer::Error::StreamSizeExceeded { .. } => {
            Refused(StatusCode::PAYLOAD_TOO_LARGE, TOO_LARGE.into())
        }
        _ => refused(&format!("the form is damaged: {error}")),
    }
}
