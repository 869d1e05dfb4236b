//! Connections: how many, how slow, how they end.

use std::{convert::Infallible, io, net::TcpListener, pin::pin, sync::Arc, thread, time::Duration};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::{net::TcpStream, runtime::Builder, sync::watch};

use super::{
    Handler,
    activity::{Activity, Watched},
};
use crate::support::{
    accept::accept,
    race::{First, race},
};

/// At once; more wait in the kernel's queue.
const CONNECTIONS: u32 = 256;
/// Handlers at once; a download from upstream holds one until its end.
const HANDLERS: usize = 128;
/// For the head of a request, and between two requests of a connection.
const HEADER: Duration = Duration::from_secs(5);
/// How long a client may neither send nor take anything in the middle of a request or response.
const IDLE: Duration = Duration::from_secs(30);
/// How long open requests may take when the server ends.
const FAREWELL: Duration = Duration::from_secs(2);

/// Serves until the sender that it gives is dropped; then the thread ends.
///
/// # Errors
/// When the socket cannot be used or no thread can be made.
pub(in crate::index) fn start(
    listener: TcpListener,
    handler: Arc<Handler>,
) -> io::Result<(watch::Sender<()>, thread::JoinHandle<()>)> {
    listener.set_nonblocking(true)?;
    let runtime = Builder::new_current_thread()
        .enable_io()
        .enable_time()
        .max_blocking_threads(HANDLERS)
        .thread_keep_alive(Duration::from_secs(2))
        .thread_stack_size(1 << 20)
        .thread_name("index-handler")
        .build()?;
    let (sender, receiver) = watch::channel(());
    let thread = thread::Builder::new().name("index".into()).spawn(move || {
        runtime.block_on(async {
            // It was bound and made non-blocking: what is left to fail is the poller, which the runtime has.
            if let Ok(listener) = tokio::net::TcpListener::from_std(listener) {
                let stop = receiver.clone();
                let connection = move |stream, _| connection(stream, Arc::clone(&handler), receiver.clone());
                accept(listener, CONNECTIONS, stop, FAREWELL, connection).await;
            }
        });
        // A handler that still waits for upstream is not waited for.
        runtime.shutdown_background();
    })?;
    Ok((sender, thread))
}

async fn connection(stream: TcpStream, handler: Arc<Handler>, mut stop: watch::Receiver<()>) {
    let _ = stream.set_nodelay(true);
    let activity = Activity::new();
    let service = service_fn(|request| {
        let (handler, activity) = (Arc::clone(&handler), activity.clone());
        async move { Ok::<_, Infallible>(handler.handle(request, activity).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(Watched::new(stream, activity.clone())), service);
    let mut connection = pin!(connection);
    // A client that went away, broke the protocol or fell silent has had its answer.
    let ended = race(connection.as_mut(), race(activity.silence(IDLE), stop.changed())).await;
    if let First::Right(First::Right(_)) = ended {
        connection.as_mut().graceful_shutdown();
        race(connection, activity.silence(IDLE)).await;
    }
}
