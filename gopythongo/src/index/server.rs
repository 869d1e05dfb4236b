//! The HTTP server of the embedded index, for a run and for `serve`.

use std::{
    collections::BTreeSet,
    fmt, fs, io,
    net::{SocketAddr, TcpListener},
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
};

use tokio::sync::watch;

use super::{
    Upstream,
    serve::{self, Handler, encode},
};
use crate::{
    context::Secret,
    store::Store,
    support::{Durability, write_atomic},
};

/// How to serve.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where to listen; port 0 picks a free one.
    pub address: SocketAddr,
    /// Normalised names that the pipeline owns: they never fall through to the upstream index.
    pub owned: BTreeSet<String>,
    /// What an upload must bring (as basic password or bearer token); without it uploads are refused.
    pub token: Option<Secret>,
    /// A file that remembers the port that was picked, so that it is the same the next time if it is free: clients cache
    /// packages by the index's URL.
    pub port_file: Option<PathBuf>,
}

/// The index URLs that the steps of a run install from: a service of the run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IndexUrls {
    /// The run's one view: staged releases, then the channel's, then upstream's. For test and application environments.
    pub run: String,
    /// The base channel and upstream, without the stage. For environments of tools and build back ends.
    pub base: String,
}

/// Why the server cannot start.
#[derive(Debug)]
pub struct ServerError {
    /// One sentence, with the address.
    pub message: String,
    /// What to do next.
    pub hint: Option<String>,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ServerError {}

/// A server that runs on a thread of its own until it is dropped: then open requests get two seconds to finish.
pub struct Server {
    address: SocketAddr,
    handler: Arc<Handler>,
    stop: Option<watch::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// Starts serving.
    ///
    /// # Errors
    /// When the port is taken or the address cannot be bound.
    pub fn start(store: Store, upstream: Option<Arc<Upstream>>, options: ServerOptions) -> Result<Self, ServerError> {
        let failed = |error: io::Error| ServerError {
            message: format!("listening on `{}`: {error}", options.address),
            hint: (error.kind() == io::ErrorKind::AddrInUse).then(|| "choose another port; 0 picks a free one".into()),
        };
        let listener = bind(options.address, options.port_file.as_deref()).map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let handler = Arc::new(Handler::new(store, upstream, options.owned, options.token));
        let (stop, thread) = serve::start(listener, Arc::clone(&handler)).map_err(failed)?;
        Ok(Self { address, handler, stop: Some(stop), thread: Some(thread) })
    }

    /// The address that it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The index URLs of a run whose stage is, or will be, for `channel`. Both hold the run in their user names and are
    /// otherwise the same for all runs: clients key their caches by a URL without its user.
    #[must_use]
    pub fn urls(&self, run: &str, channel: &str) -> IndexUrls {
        self.handler.register(run, channel);
        let url = |user: &str| format!("http://{}:x@{}/simple/", encode(user), self.address);
        IndexUrls { run: url(run), base: url(&format!("{run}.base")) }
    }

    /// The simple index of a run's one view: staged releases over the channel, owned names nowhere else, the rest from upstream.
    #[must_use]
    pub fn run_url(&self, run: &str) -> String {
        format!("http://{}/runs/{}/simple/", self.address, encode(run))
    }

    /// The simple index of a channel of the current generation; the channel takes uploads at the same URL without `simple/`.
    #[must_use]
    pub fn channel_url(&self, channel: &str) -> String {
        format!("http://{}/channels/{}/simple/", self.address, encode(channel))
    }

    /// The apt repository: its suites are the channels of the current generation.
    #[must_use]
    pub fn apt_url(&self) -> String {
        format!("http://{}/apt", self.address)
    }

    /// The simple index of a channel of one generation.
    #[must_use]
    pub fn generation_url(&self, generation: u64, channel: &str) -> String {
        format!("http://{}/generations/{generation}/{}/simple/", self.address, encode(channel))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A thread that panicked has already said so.
            let _ = thread.join();
        }
    }
}

/// Binds the address; where any port will do, the remembered one is tried first.
fn bind(address: SocketAddr, port_file: Option<&Path>) -> io::Result<TcpListener> {
    let Some(file) = port_file.filter(|_| address.port() == 0) else { return TcpListener::bind(address) };
    let remembered = fs::read_to_string(file).ok().and_then(|text| text.trim().parse::<u16>().ok());
    if let Some(port) = remembered.filter(|port| *port >= 1024) {
        // Another run has it now: this one takes any, and does not take the other one's place in the file.
        return TcpListener::bind((address.ip(), port)).or_else(|_| TcpListener::bind(address));
    }
    let listener = TcpListener::bind(address)?;
    let port = listener.local_addr()?.port();
    // Without it the next run has colder caches, nothing else.
    let _ = write_atomic(file, format!("{port}\n").as_bytes(), Durability::Cached);
    Ok(listener)
}
