//! Ports for servers that have to be told where to listen.

use std::net::SocketAddr;

use tokio::net::TcpSocket;

/// A port of `127.0.0.1` that nobody else is given while this lives: it is bound, and not listened at. Whoever is told of it
/// can listen there.
#[derive(Debug)]
pub struct Port {
    address: SocketAddr,
    _socket: TcpSocket,
}

impl Port {
    /// One that is free.
    ///
    /// # Panics
    /// When there is none.
    #[must_use]
    pub fn reserved() -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        // two may bind what neither listens at
        socket.set_reuseaddr(true).expect("a socket");
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).expect("a free port");
        Self { address: socket.local_addr().expect("an address"), _socket: socket }
    }

    /// Where to listen.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> u16 {
        self.address.port()
    }
}
