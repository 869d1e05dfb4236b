//! Two connections that have changed their protocol (a websocket): bytes both ways.

use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use tokio::io::copy_bidirectional;

use super::InFlight;

/// Copies until both sides have ended, or one is cut off. The request is in flight meanwhile: a service that drains ends it.
pub(super) async fn join(client: OnUpgrade, service: OnUpgrade, ticket: InFlight) {
    if let (Ok(client), Ok(service)) = (client.await, service.await) {
        let (mut client, mut service) = (TokioIo::new(client), TokioIo::new(service));
        let _ = copy_bidirectional(&mut client, &mut service).await;
    }
    drop(ticket);
}
