//! The listening socket. It can be closed and opened again on its port.

use std::{io, net::SocketAddr, sync::Arc, time::Duration};

use tokio::{
    net::{TcpListener, TcpSocket, TcpStream},
    sync::{mpsc, oneshot},
    task::JoinSet,
    time::{Instant, sleep_until},
};

use super::{
    log::Command,
    parts::How,
    serve::serve,
    shared::{OpenGuard, Shared},
};

/// The most connections that a peer holds at once. More wait in the kernel's queue.
const MAX_OPEN: usize = 60_000;

const BACKLOG: u32 = 4096;

/// An order of the handle to the listener.
pub(super) enum Control {
    /// Close the listening socket. Answered when new connections are refused.
    StopListening(oneshot::Sender<io::Result<()>>),
    /// Listen again on the same port.
    Resume(oneshot::Sender<io::Result<()>>),
    /// Stop listening, end all connections, and listen again later.
    Outage(How, Duration, oneshot::Sender<io::Result<()>>),
    /// End everything. Answered when all sockets are closed.
    Stop(oneshot::Sender<()>),
}

/// A port with or without a listening socket. A socket that is bound but does not listen refuses
/// connections, and keeps other programs from using the port.
enum Port {
    Open(TcpListener),
    Held(TcpSocket),
    Lost,
}

/// Accepts connections and carries out orders of the handle.
pub(super) struct Listener {
    port: Port,
    addr: SocketAddr,
    shared: Arc<Shared>,
    resume_at: Option<Instant>,
    tasks: JoinSet<()>,
}

impl Listener {
    /// Listens on `addr`. Call it inside a tokio runtime.
    pub(super) fn bind(addr: SocketAddr, shared: Arc<Shared>) -> io::Result<Self> {
        let listener = hold(addr)?.listen(BACKLOG)?;
        Ok(Self {
            addr: listener.local_addr()?,
            port: Port::Open(listener),
            shared,
            resume_at: None,
            tasks: JoinSet::new(),
        })
    }

    pub(super) fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// Serves until it is told to stop or the handle is dropped. All connections end with it.
    pub(super) async fn run(mut self, mut control: mpsc::Receiver<Control>) {
        loop {
            tokio::select! {
                biased;
                order = control.recv() => match order {
                    None => return,
                    Some(Control::Stop(answer)) => {
                        self.port = Port::Lost;
                        self.tasks.shutdown().await;
                        let _ = answer.send(());
                        return;
                    }
                    Some(order) => self.obey(order),
                },
                Some(_) = self.tasks.join_next() => {}
                stream = accept(&self.port), if self.tasks.len() < MAX_OPEN => self.welcome(stream).await,
                () = async { sleep_until(self.resume_at.unwrap_or_else(Instant::now)).await }, if self.resume_at.is_some() => {
                    // If the port cannot be opened again, it stays closed, which is also an outage.
                    // `resume` returns the reason.
                    let _ = self.resume();
                }
            }
        }
    }

    async fn welcome(&mut self, accepted: io::Result<(TcpStream, SocketAddr)>) {
        match accepted {
            Ok((stream, client)) => {
                let _ = stream.set_nodelay(true);
                let guard: OpenGuard = self.shared.accept(client);
                self.tasks.spawn(serve(stream, guard));
            }
            // Probably out of descriptors. They become free when a connection ends.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }

    /// Carries out an order, even if the receiver of the answer is gone.
    fn obey(&mut self, order: Control) {
        match order {
            Control::StopListening(answer) => {
                self.resume_at = None;
                let _ = answer.send(self.stop_listening());
            }
            Control::Resume(answer) => {
                let _ = answer.send(self.resume());
            }
            Control::Outage(how, time, answer) => {
                let stopped = self.stop_listening();
                self.resume_at = Some(Instant::now() + time);
                for connection in self.shared.open() {
                    connection.order(Command::End(how));
                }
                let _ = answer.send(stopped);
            }
            Control::Stop(_) => {}
        }
    }

    fn stop_listening(&mut self) -> io::Result<()> {
        if matches!(self.port, Port::Open(_)) {
            self.port = Port::Lost;
            self.port = Port::Held(hold(self.addr)?);
        }
        Ok(())
    }

    fn resume(&mut self) -> io::Result<()> {
        self.resume_at = None;
        let socket = match std::mem::replace(&mut self.port, Port::Lost) {
            Port::Open(listener) => {
                self.port = Port::Open(listener);
                return Ok(());
            }
            Port::Held(socket) => socket,
            Port::Lost => hold(self.addr)?,
        };
        self.port = Port::Open(socket.listen(BACKLOG)?);
        Ok(())
    }
}

async fn accept(port: &Port) -> io::Result<(TcpStream, SocketAddr)> {
    match port {
        Port::Open(listener) => listener.accept().await,
        Port::Held(_) | Port::Lost => std::future::pending().await,
    }
}

fn hold(addr: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match addr {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    // Earlier connections may still be in TIME_WAIT.
    socket.set_reuseaddr(true)?;
    socket.bind(addr)?;
    Ok(socket)
}
