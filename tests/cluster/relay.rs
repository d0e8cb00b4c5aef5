//! A TCP relay that counts what a client sends, and sees how each of its connections ends.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    task::JoinHandle,
};

/// How a client's connections ended: the kind of the error, or `None` for a FIN.
type Ends = Arc<Mutex<Vec<Option<io::ErrorKind>>>>;

/// See the module. It ends with the test.
pub struct Relay {
    pub addr: SocketAddr,
    bytes: Arc<AtomicU64>,
    accepted: Arc<AtomicU64>,
    ends: Ends,
    task: JoinHandle<()>,
}

impl Relay {
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let addr = listener.local_addr().unwrap();
        let (bytes, accepted): (Arc<AtomicU64>, Arc<AtomicU64>) = Default::default();
        let ends = Ends::default();
        let (count, each, noted) = (Arc::clone(&bytes), Arc::clone(&accepted), Arc::clone(&ends));
        let task = tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                each.fetch_add(1, Ordering::SeqCst);
                let server = TcpStream::connect(server).await.unwrap();
                tokio::spawn(relay(
                    client,
                    server,
                    Arc::clone(&count),
                    Arc::clone(&noted),
                ));
            }
        });
        Self {
            addr,
            bytes,
            accepted,
            ends,
            task,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("ws://{}{path}", self.addr)
    }

    /// The bytes that all clients have sent.
    pub fn bytes(&self) -> u64 {
        self.bytes.load(Ordering::SeqCst)
    }

    /// The connections so far.
    pub fn accepted(&self) -> u64 {
        self.accepted.load(Ordering::SeqCst)
    }

    /// How connections ended, in their order.
    pub fn ends(&self) -> Vec<Option<io::ErrorKind>> {
        self.ends.lock().unwrap().clone()
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn relay(client: TcpStream, server: TcpStream, bytes: Arc<AtomicU64>, ends: Ends) {
    let (mut from_client, mut to_client) = client.into_split();
    let (mut from_server, mut to_server) = server.into_split();
    let down = tokio::spawn(async move {
        let _gone = tokio::io::copy(&mut from_server, &mut to_client).await;
    });
    let mut buffer = vec![0; 64 << 10];
    let end = loop {
        match from_client.read(&mut buffer).await {
            Ok(0) => break None,
            Ok(count) => {
                bytes.fetch_add(count as u64, Ordering::SeqCst);
                let _gone = to_server.write_all(&buffer[..count]).await;
            }
            Err(error) => break Some(error.kind()),
        }
    };
    ends.lock().unwrap().push(end);
    down.abort();
}
