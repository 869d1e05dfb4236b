//! Connections of clients: how many, how slow, how they end.

use std::{
    convert::Infallible,
    net::SocketAddr,
    pin::{Pin, pin},
    sync::Arc,
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::watch,
};

use super::{Backends, forward::forward};
use crate::support::{
    accept::accept,
    race::{First, race},
};

/// At once, each with a connection to the service: two descriptors. More wait in the kernel's queue.
const CONNECTIONS: u32 = 448;
/// For the head of a request, and between two requests of a connection.
const HEADER: Duration = Duration::from_secs(60);

/// Serves until `stop` changes or its sender is gone; then no connection is accepted any more, and what is being answered has
/// `farewell` to end.
pub(in crate::deploy) async fn serve(
    listener: TcpListener,
    backends: Arc<dyn Backends>,
    stop: watch::Receiver<()>,
    farewell: Duration,
) {
    let connections = stop.clone();
    let connection = move |stream, client| connection(stream, client, Arc::clone(&backends), connections.clone());
    accept(listener, CONNECTIONS, stop, farewell, connection).await;
}

async fn connection(stream: TcpStream, client: SocketAddr, backends: Arc<dyn Backends>, mut stop: watch::Receiver<()>) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| {
        let backends = Arc::clone(&backends);
        async move { Ok::<_, Infallible>(forward(request, client.ip(), backends).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    // A client that went away or broke the protocol has had its answer.
    if let First::Right(_) = race(connection.as_mut(), stop.changed()).await {
        Pin::new(&mut *connection).graceful_shutdown();
        let _ = connection.await;
    }
}
