//! One request: to the live service, and its answer back.

use std::{net::IpAddr, sync::Arc, time::Duration};

use http_body_util::{Either, Empty};
use hyper::{
    Method, Request, Response, StatusCode, Uri, Version,
    body::{Body as _, Bytes, Incoming},
    client::conn::http1,
    upgrade::OnUpgrade,
};
use hyper_util::rt::TokioIo;
use tokio::{
    net::UnixStream,
    time::{Instant, sleep, timeout},
};

use super::{
    Backend, Backends, InFlight,
    body::{Body, sentence},
    headers, tunnel,
};

/// How long a request waits for a service that is being started again.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two attempts to reach it.
const PAUSE: Duration = Duration::from_millis(20);
/// How long a service may think before it answers.
const ANSWER: Duration = Duration::from_secs(300);

/// What goes to the service: the client's body as it comes, or none.
type Outgoing = Either<Incoming, Empty<Bytes>>;

/// Gives a request to the live service. What goes wrong is an answer too: 502 if nothing is live or the service broke off, 503
/// if it cannot be reached, 504 if it does not answer.
pub(super) async fn forward(
    mut request: Request<Incoming>,
    client: IpAddr,
    backends: Arc<dyn Backends>,
) -> Response<Body> {
    let Some(uri) = origin_form(request.uri()) else {
        return sentence(StatusCode::BAD_REQUEST, "this is no proxy to other places");
    };
    let switching = headers::upgrade(request.headers()).is_some().then(|| hyper::upgrade::on(&mut request));
    let (mut head, body) = request.into_parts();
    head.uri = uri;
    head.version = Version::HTTP_11;
    head.extensions.clear();
    headers::strip(&mut head.headers);
    headers::introduce(&mut head.headers, client);
    // A request that may be repeated is, once: the service may have died with it, and is back in a moment.
    let again = body.is_end_stream() && matches!(head.method, Method::GET | Method::HEAD | Method::OPTIONS);
    let spare = again.then(|| Request::from_parts(head.clone(), Either::Right(Empty::new())));
    let mut answer = attempt(Request::from_parts(head, Either::Left(body)), &*backends).await;
    if let (Err(Refusal::BrokeOff), Some(spare)) = (&answer, spare) {
        answer = attempt(spare, &*backends).await;
    }
    match answer {
        Ok((response, ticket)) => give_back(response, ticket, switching),
        Err(refusal) => refusal.response(),
    }
}

/// Why there is no answer.
enum Refusal {
    NothingLive,
    Unreachable,
    BrokeOff,
    Silent,
}

impl Refusal {
    fn response(&self) -> Response<Body> {
        let (status, text) = match self {
            Self::NothingLive => (StatusCode::BAD_GATEWAY, "nothing is live here"),
            Self::Unreachable => (StatusCode::SERVICE_UNAVAILABLE, "the service is being started; try again"),
            // Not 503: whether the service did what it was asked to is not known, so nobody should be told to repeat it.
            Self::BrokeOff => (StatusCode::BAD_GATEWAY, "the service broke off without an answer"),
            Self::Silent => (StatusCode::GATEWAY_TIMEOUT, "the service does not answer"),
        };
        sentence(status, text)
    }
}

async fn attempt(
    request: Request<Outgoing>,
    backends: &dyn Backends,
) -> Result<(Response<Incoming>, InFlight), Refusal> {
    let (stream, ticket) = connect(backends).await?;
    let (mut sender, connection) =
        http1::Builder::new().handshake(TokioIo::new(stream)).await.map_err(|_| Refusal::BrokeOff)?;
    // It ends with the answer, or when nobody wants that any more.
    tokio::spawn(connection.with_upgrades());
    match timeout(ANSWER, sender.send_request(request)).await {
        Ok(Ok(response)) => Ok((response, ticket)),
        Ok(Err(_)) => Err(Refusal::BrokeOff),
        Err(_) => Err(Refusal::Silent),
    }
}

/// A connection to the service that is live when it can be made.
async fn connect(backends: &dyn Backends) -> Result<(UnixStream, InFlight), Refusal> {
    let start = Instant::now();
    let mut refusal = Refusal::NothingLive;
    loop {
        if let Some(Backend { socket, ticket }) = backends.live() {
            if let Ok(stream) = UnixStream::connect(&socket).await {
                return Ok((stream, ticket));
            }
            refusal = Refusal::Unreachable;
        } else if matches!(refusal, Refusal::NothingLive) {
            return Err(refusal);
        }
        if start.elapsed() > PATIENCE {
            return Err(refusal);
        }
        sleep(PAUSE).await;
    }
}

fn give_back(mut response: Response<Incoming>, ticket: InFlight, switching: Option<OnUpgrade>) -> Response<Body> {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        headers::strip(response.headers_mut());
        return response.map(|incoming| Body::stream(incoming, ticket));
    }
    let Some(client) = switching else {
        return sentence(StatusCode::BAD_GATEWAY, "the service changed the protocol without being asked to");
    };
    let service = hyper::upgrade::on(&mut response);
    tokio::spawn(tunnel::join(client, service, ticket));
    headers::strip(response.headers_mut());
    let (head, _) = response.into_parts();
    Response::from_parts(head, Body::Text(Bytes::new()))
}

/// Path and query of a request for this server.
fn origin_form(uri: &Uri) -> Option<Uri> {
    uri.path_and_query().map(|path| Uri::from(path.clone()))
}
