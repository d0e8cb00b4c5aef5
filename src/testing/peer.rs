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

/// A WebSocket server that does as it is told, and tells what it saw. It serves until it is dropped.
///
/// Paths choose behaviours (the table in [the module's documentation](super)); scripts add others.
#[derive(Debug)]
pub struct Peer {
    addr: SocketAddr,
    shared: Arc<Shared>,
    control: mpsc::Sender<Control>,
}

/// What a test waited for has not come in time.
#[derive(Debug, thiserror::Error)]
#[error("not seen within {deadline:?}: {what}; {accepted} accepted, {open} open")]
pub struct NotSeen {
    /// What was waited for.
    pub what: String,
    /// For how long.
    pub deadline: Duration,
    /// Connections accepted until then.
    pub accepted: u64,
    /// Connections open then.
    pub open: usize,
}

impl Peer {
    /// Serves on a free port of 127.0.0.1, in the tokio runtime that this is called in.
    ///
    /// # Errors
    /// The socket's, when no port can be listened on.
    pub async fn start() -> io::Result<Self> {
        Self::bind(ANY_PORT).await
    }

    /// As [`Peer::start`], on this address; port 0 is a free one.
    ///
    /// # Errors
    /// The socket's, when the address cannot be listened on.
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

    /// Serves on a free port of 127.0.0.1, in a thread of its own; needs no runtime.
    ///
    /// # Errors
    /// The thread's or the socket's, when one cannot be had.
    pub fn spawn_thread() -> io::Result<Self> {
        Self::spawn_thread_on(ANY_PORT)
    }

    /// As [`Peer::spawn_thread`], on this address; port 0 is a free one.
    ///
    /// # Errors
    /// The thread's or the socket's, when one cannot be had.
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

    /// Where the peer listens; the same for its whole life.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// The URL of a path on this peer: `ws://127.0.0.1:PORT` and the path.
    pub fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.addr)
    }

    /// What connections to this path get from now on, whatever their query; it replaces the path's own behaviour.
    pub fn script(&self, path: &str, script: Script) {
        self.shared.set_scripts(path, vec![script]);
    }

    /// A script for each of the next connections to this path; the last one for all that follow.
    /// With no script the path has its own behaviour back.
    pub fn script_each(&self, path: &str, scripts: impl IntoIterator<Item = Script>) {
        self.shared.set_scripts(path, scripts.into_iter().collect());
    }

    /// What becomes of TCP connections right after they are accepted, before anything is read.
    /// [`How::Close`] is a FIN here. `None`, as at the start: they are served.
    pub fn at_accept(&self, how: Option<How>) {
        self.shared.set_at_accept(how);
    }

    /// TCP connections accepted so far.
    pub fn accepted(&self) -> u64 {
        self.shared.accepted()
    }

    /// TCP connections that the peer holds now, frozen ones among them.
    pub fn open_count(&self) -> usize {
        self.shared.open_count()
    }

    /// What was seen on each connection, oldest first: all open ones, and the last 10,000 that ended.
    pub fn connections(&self) -> Vec<ConnectionLog> {
        self.shared.logs()
    }

    /// The same, of the connections to this path.
    pub fn connections_at(&self, path: &str) -> Vec<ConnectionLog> {
        self.shared
            .logs()
            .into_iter()
            .filter(|log| log.path() == path)
            .collect()
    }

    /// Sends a message on all open connections to this path; how many took it.
    /// A connection with 1,024 orders waiting does not.
    pub fn send(&self, path: &str, message: impl Into<Message>) -> usize {
        let message = message.into();
        let open = self.shared.open().into_iter();
        open.filter(|connection| connection.log(|log| log.is_open() && log.path() == path))
            .filter(|connection| connection.order(Command::Send(message.clone())))
            .count()
    }

    /// Ends all connections this way; how many there were.
    pub fn kick_all(&self, how: How) -> usize {
        self.kick_where(how, |_| true)
    }

    /// Ends all connections to this path this way; how many there were.
    pub fn kick(&self, path: &str, how: How) -> usize {
        self.kick_where(how, |log| log.path() == path)
    }

    fn kick_where(&self, how: How, filter: impl Fn(&ConnectionLog) -> bool) -> usize {
        let open = self.shared.open().into_iter();
        open.filter(|connection| connection.log(|log| filter(log)))
            .filter(|connection| connection.order(Command::End(how)))
            .count()
    }

    /// Closes the listening socket: connecting is refused. Open connections live on, and the port stays ours.
    ///
    /// # Errors
    /// The socket's, when the port cannot be held.
    pub async fn stop_listening(&self) -> io::Result<()> {
        self.ask(Control::StopListening).await?
    }

    /// Listens again on the same port; nothing if it does.
    ///
    /// # Errors
    /// The socket's, when the port cannot be had again.
    pub async fn resume(&self) -> io::Result<()> {
        self.ask(Control::Resume).await?
    }

    /// Stops listening and ends all connections; returns when that is under way. The peer comes back by
    /// itself after `time`.
    ///
    /// # Errors
    /// The socket's, when the port cannot be held.
    pub async fn outage(&self, how: How, time: Duration) -> io::Result<()> {
        self.ask(|answer| Control::Outage(how, time, answer))
            .await?
    }

    /// Stops for good; returns when all sockets are closed. A drop does the same without waiting.
    pub async fn stop(self) {
        let _ = self.ask(Control::Stop).await;
    }

    async fn ask<T>(&self, order: impl FnOnce(oneshot::Sender<T>) -> Control) -> io::Result<T> {
        let gone = || io::Error::other("the peer has stopped");
        let (answer, answered) = oneshot::channel();
        self.control.send(order(answer)).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }

    /// Waits until `condition` holds; it is looked at after each change. `what` is for the error.
    /// The deadline is tokio's: under a paused clock it passes at once.
    ///
    /// # Errors
    /// When the deadline has passed.
    pub async fn wait_until(
        &self,
        what: &str,
        deadline: Duration,
        condition: impl Fn(&Self) -> bool,
    ) -> Result<(), NotSeen> {
        self.find(what, deadline, |peer| condition(peer).then_some(()))
            .await
    }

    /// Waits until a connection to this path is as `condition` says; the oldest such one.
    ///
    /// # Errors
    /// When the deadline has passed.
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

    /// Waits until so many connections are open, their handshakes done.
    ///
    /// # Errors
    /// When the deadline has passed.
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
