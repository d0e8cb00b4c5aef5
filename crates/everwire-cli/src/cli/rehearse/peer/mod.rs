//! The peer of a run: a server on this machine that sends what a dialogue expects.

mod answering;
mod call;
mod http;
mod play;
mod session;
mod socket;
mod subscribing;

use std::{io, net::SocketAddr, rc::Rc};

use tokio::{
    net::TcpListener,
    task::{JoinHandle, JoinSet, spawn_local},
};

use super::stage::Stage;

/// A peer. Dropping it ends it, with its connections.
pub struct Peer {
    addr: SocketAddr,
    accepting: JoinHandle<()>,
}

impl Peer {
    /// Listens on a free port of 127.0.0.1. Call it where `spawn_local` works.
    ///
    /// # Errors
    ///
    /// An error of the operating system.
    pub async fn start(stage: Rc<Stage>) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let addr = listener.local_addr()?;
        let accepting = spawn_local(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                connections.spawn_local(call::serve(stream, Rc::clone(&stage)));
                while connections.try_join_next().is_some() {}
            }
        });
        Ok(Self { addr, accepting })
    }

    /// The address of the peer.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
