//! Accepting connections: a limit at once, a breath when descriptors run out, a farewell at the end.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpStream},
    sync::{Semaphore, watch},
    time::{sleep, timeout},
};

use super::race::{First, race};

/// After accepting failed: descriptors may have run out.
const BREATH: Duration = Duration::from_millis(50);

/// Accepts connections, `most` at once: more wait in the kernel's queue. When `stop` changes or its sender is gone, no
/// connection is accepted any more, and those that are open have `farewell` to end.
pub(crate) async fn accept<C>(
    listener: TcpListener,
    most: u32,
    mut stop: watch::Receiver<()>,
    farewell: Duration,
    connection: impl Fn(TcpStream, SocketAddr) -> C,
) where
    C: Future<Output = ()> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(most as usize));
    loop {
        let accepted = async {
            let permit = Arc::clone(&permits).acquire_owned().await;
            (permit, listener.accept().await)
        };
        let First::Left((permit, accepted)) = race(accepted, stop.changed()).await else { break };
        match accepted {
            Ok((stream, client)) => {
                let connection = connection(stream, client);
                tokio::spawn(async move {
                    connection.await;
                    drop(permit);
                });
            }
            Err(_) => sleep(BREATH).await,
        }
    }
    drop(listener);
    // whoever is not done by then is cut off
    let _ = timeout(farewell, permits.acquire_many(most)).await;
}
