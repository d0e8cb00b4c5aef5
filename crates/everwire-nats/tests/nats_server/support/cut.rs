//! A proxy between the bridge and the server that drops data on request.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// All data passes.
const OPEN: u8 = 0;
/// Data from the server is dropped; data to it passes.
const DEAF: u8 = 1;
/// Data to the server is dropped.
const SILENT: u8 = 3;
/// All connections are cut, including new ones.
const CUT: u8 = 2;

/// A proxy; it ends with the runtime of the test.
pub struct Cut {
    address: SocketAddr,
    state: Arc<AtomicU8>,
}

impl Cut {
    pub async fn start(server: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let state = Arc::new(AtomicU8::new(OPEN));
        let (server, shared) = (server.replace("nats://", ""), Arc::clone(&state));
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                if shared.load(Ordering::SeqCst) == CUT {
                    continue;
                }
                if let Ok(server) = TcpStream::connect(&server).await {
                    tokio::spawn(carry(client, server, Arc::clone(&shared)));
                }
            }
        });
        Self { address, state }
    }

    pub fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// From now on drops all data from the server.
    pub fn deafen(&self) {
        self.state.store(DEAF, Ordering::SeqCst);
    }

    /// From now on drops all data to the server.
    pub fn silence(&self) {
        self.state.store(SILENT, Ordering::SeqCst);
    }

    /// Cuts all connections.
    pub async fn cut(&self) {
        self.state.store(CUT, Ordering::SeqCst);
        // Each connection checks every few milliseconds.
        tokio::time::sleep(Duration::from_millis(100)).await;
    }

    pub fn heal(&self) {
        self.state.store(OPEN, Ordering::SeqCst);
    }
}

async fn carry(mut client: TcpStream, mut server: TcpStream, state: Arc<AtomicU8>) {
    let (mut up, mut down) = ([0; 65_536], [0; 65_536]);
    loop {
        let (from_client, length) = tokio::select! {
            read = client.read(&mut up) => (true, read),
            read = server.read(&mut down) => (false, read),
            () = tokio::time::sleep(Duration::from_millis(5)) => match state.load(Ordering::SeqCst) {
                CUT => return,
                _ => continue,
            },
        };
        let Ok(length @ 1..) = length else { return };
        let written = match (from_client, state.load(Ordering::SeqCst)) {
            (true, SILENT) | (false, DEAF) => Ok(()),
            (true, _) => server.write_all(&up[..length]).await,
            (false, _) => client.write_all(&down[..length]).await,
        };
        if written.is_err() {
            return;
        }
    }
}
