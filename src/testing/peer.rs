//! The handle of a peer.

use std::{
    io,
    net::{Ipv4Addr, SocketAddr},
    sync::Arc,
    thread,
    time::Duration,
};

use tokio::{
    sync::{mpsc, oneshot},
    time::Instant,
};

use super::{
    listener::{Control, Listener},
    log::{Command, ConnectionLog},
    parts::How,
    script::Script,
    shared::Shared,
};
use crate::core::Message;

const ANY_PORT: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A WebSocket server that follows scripts, and reports what it saw. It serves until it is dropped.
///
/// Paths choose behaviours (the table in [the module's documentation](super)). Scripts add others.
#[derive(Debug)]
pub struct Peer {
    addr: SocketAddr,
    shared: Arc<Shared>,
    control: mpsc::Sender<Control>,
}

/// The condition of a wait did not become true in time.
#[derive(Debug, thiserror::Error)]
#[error("not seen within {deadline:?}: {what}; {accepted} accepted, {open} open")]
pub struct NotSeen {
    /// The condition.
    pub what: String,
    /// The time limit.
    pub deadline: Duration,
    /// The number of connections accepted until then.
    pub accepted: u64,
    /// The number of open connections at that time.
    pub open: usize,
}

impl Peer {
    /// Serves on a free port of 127.0.0.1, in the current tokio runtime.
    ///
    /// # Errors
    /// An error of the socket if no port can be opened.
    pub async fn start() -> io::Result<Self> {
        Self::bind(ANY_PORT).await
    }

    /// Like [`Peer::start`], on this address. Port 0 selects a free port.
    ///
    /// # Errors
    /// An error of the socket if the address cannot be used.
    pub async fn bind(addr: SocketAddr) -> io::Result<Self> {
        let shared = Arc::new(Shared::new());
        let listener = Listener::bind(addr, Arc::clone(&shared))?;
        let (control, orders) = mpsc::channel(16);
        let addr = listener.addr();
        tokio::spawn(listener.run(orders));
        Ok(Self {
            addr,
            shared,
            control,
        })
    }

    /// Serves on a free port of 127.0.0.1 in its own thread. It needs no runtime.
    ///
    /// # Errors
    /// An error if the thread or the socket cannot be created.
    pub fn spawn_thread() -> io::Result<Self> {
        Self::spawn_thread_on(ANY_PORT)
    }

    /// Like [`Peer::spawn_thread`], on this address. Port 0 selects a free port.
    ///
    /// # Errors
    /// An error if the thread or the socket cannot be created.
    pub fn spawn_thread_on(addr: SocketAddr) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let shared = Arc::new(Shared::new());
        let listener = {
            let _inside = runtime.enter();
            Listener::bind(addr, Arc::clone(&shared))?
        };
        let (control, orders) = mpsc::channel(16);
        let addr = listener.addr();
        let serve = move || runtime.block_on(listener.run(orders));
        thread::Builder::new()
            .name("everwire-peer".to_owned())
            .spawn(serve)?;
        Ok(Self {
            addr,
            shared,
            control,
        })
    }

    /// The address of the peer. It never changes.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of a path on this peer: `ws://127.0.0.1:PORT` and the path.
    pub fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.addr)
    }

    /// Sets the script of this path from now on, for any query. It replaces the built-in behaviour
    /// of the path.
    pub fn script(&self, path: &str, script: Script) {
        self.shared.set_scripts(path, vec![script]);
    }

    /// Sets a script for each of the next connections to this path; the last one also applies to
    /// all later connections. With no script, the path gets its built-in behaviour back.
    pub fn script_each(&self, path: &str, scripts: impl IntoIterator<Item = Script>) {
        self.shared.set_scripts(path, scripts.into_iter().collect());
    }

    /// Sets what happens to TCP connections directly after they are accepted, before anything is
    /// read. [`How::Close`] is a FIN here. With `None`, the initial value, they are served.
    pub fn at_accept(&self, how: Option<How>) {
        self.shared.set_at_accept(how);
    }

    /// The number of TCP connections accepted so far.
    pub fn accepted(&self) -> u64 {
        self.shared.accepted()
    }

    /// The number of TCP connections that the peer holds now, with frozen ones.
    pub fn open_count(&self) -> usize {
        self.shared.open_count()
    }

    /// The log of each connection, oldest first: all open ones, and the last 10,000 that ended.
    pub fn connections(&self) -> Vec<ConnectionLog> {
        self.shared.logs()
    }

    /// The logs of the connections to this path.
    pub fn connections_at(&self, path: &str) -> Vec<ConnectionLog> {
        self.shared
            .logs()
            .into_iter()
            .filter(|log| log.path() == path)
            .collect()
    }

    /// Sends a message on all open connections to this path. Returns how many accepted it. A
    /// connection with 1,024 waiting orders does not.
    pub fn send(&self, path: &str, message: impl Into<Message>) -> usize {
        let message = message.into();
        let open = self.shared.open().into_iter();
        open.filter(|connection| connection.log(|log| log.is_open() && log.path() == path))
            .filter(|connection| connection.order(Command::Send(message.clone())))
            .count()
    }

    /// Ends all connections in this way. Returns their number.
    pub fn kick_all(&self, how: How) -> usize {
        self.kick_where(how, |_| true)
    }

    /// Ends all connections to this path in this way. Returns their number.
    pub fn kick(&self, path: &str, how: How) -> usize {
        self.kick_where(how, |log| log.path() == path)
    }

    fn kick_where(&self, how: How, filter: impl Fn(&ConnectionLog) -> bool) -> usize {
        let open = self.shared.open().into_iter();
        open.filter(|connection| connection.log(|log| filter(log)))
            .filter(|connection| connection.order(Command::End(how)))
            .count()
    }

    /// Closes the listening socket: new connections are refused. Open connections stay, and the
    /// port stays reserved.
    ///
    /// # Errors
    /// An error of the socket if the port cannot be reserved.
    pub async fn stop_listening(&self) -> io::Result<()> {
        self.ask(Control::StopListening).await?
    }

    /// Listens again on the same port. Does nothing if it already listens.
    ///
    /// # Errors
    /// An error of the socket if the port cannot be opened again.
    pub async fn resume(&self) -> io::Result<()> {
        self.ask(Control::Resume).await?
    }

    /// Stops listening and ends all connections; returns when this has begun. The peer listens
    /// again by itself after `time`.
    ///
    /// # Errors
    /// An error of the socket if the port cannot be reserved.
    pub async fn outage(&self, how: How, time: Duration) -> io::Result<()> {
        self.ask(|answer| Control::Outage(how, time, answer))
            .await?
    }

    /// Stops the peer. Returns when all sockets are closed. Dropping it does the same without
    /// waiting.
    pub async fn stop(self) {
        let _ = self.ask(Control::Stop).await;
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Control) -> io::Result<T> {
        let gone = || io::Error::other("the peer has stopped");
        let (answer, answered) = oneshot::channel();
        self.control.send(order(answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }

    /// Waits until `condition` holds; it is checked after each change. `what` is for the error. The
    /// deadline uses tokio's clock: with a paused clock it passes at once.
    ///
    /// # Errors
    /// If the deadline has passed.
    pub async fn wait_until(
        &self,
        what: &str,
        deadline: Duration,
        condition: impl Fn(&Self) -> bool,
    ) -> Result<(), NotSeen> {
        self.find(what, deadline, |peer| condition(peer).then_some(()))
            .await
    }

    /// Waits until `condition` holds for a connection to this path. Returns the oldest such
    /// connection.
    ///
    /// # Errors
    /// If the deadline has passed.
    pub async fn wait_for(
        &self,
        path: &str,
        deadline: Duration,
        condition: impl Fn(&ConnectionLog) -> bool,
    ) -> Result<ConnectionLog, NotSeen> {
        let what = format!("a connection to {path} as described");
        self.find(&what, deadline, |peer| {
            peer.connections_at(path).into_iter().find(&condition)
        })
        .await
    }

    /// Waits until this number of connections are open, with their handshakes done.
    ///
    /// # Errors
    /// If the deadline has passed.
    pub async fn wait_open(&self, count: usize, deadline: Duration) -> Result<(), NotSeen> {
        let what = format!("{count} open connections");
        let open = |peer: &Self| {
            let open = peer.shared.open();
            open.iter()
                .filter(|connection| connection.log(|log| log.is_open()))
                .count()
        };
        self.find(&what, deadline, |peer| (open(peer) == count).then_some(()))
            .await
    }

    async fn find<T>(
        &self,
        what: &str,
        deadline: Duration,
        look: impl Fn(&Self) -> Option<T>,
    ) -> Result<T, NotSeen> {
        let until = Instant::now() + deadline;
        let mut changes = self.shared.watch();
        loop {
            changes.mark_unchanged();
            if let Some(found) = look(self) {
                return Ok(found);
            }
            if tokio::time::timeout_at(until, changes.changed())
                .await
                .is_err()
            {
                return Err(NotSeen {
                    what: what.to_owned(),
                    deadline,
                    accepted: self.accepted(),
                    open: self.open_count(),
                });
            }
        }
    }
}
