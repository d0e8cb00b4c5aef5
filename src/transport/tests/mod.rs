//! Dials to hand-written servers on real sockets.

mod failures;
mod policy;
mod redirects;
mod success;
mod tls;
mod words;

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    sync::Arc,
    thread,
    time::Duration,
};

use super::{DialRequest, Opened, Resolver, TlsCache, dial};
use crate::{core::Cause, secret_store::SecretStore, settings::ConnectionSettings};

/// A folder for one test's files, removed at the end.
pub(super) struct ScratchDir(PathBuf);

impl ScratchDir {
    /// A new folder; `name` must be unique among tests.
    pub fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("everwire-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    /// Writes a file. Returns its path.
    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The path of a file, which need not exist.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for ScratchDir {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Longer than anything on loopback; a test that waits this long has failed.
const LONG: Duration = Duration::from_secs(20);

/// A server that runs `script` on a thread for each connection.
fn serve(script: impl Fn(TcpStream) + Send + Sync + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let script = Arc::new(script);
    thread::spawn(move || {
        for tcp in listener.incoming().map_while(Result::ok) {
            let script = Arc::clone(&script);
            thread::spawn(move || script(tcp));
        }
    });
    address
}

/// A server that reads the request and writes an answer made from it, then waits for the end.
fn answer(make: impl Fn(&str) -> Vec<u8> + Send + Sync + 'static) -> SocketAddr {
    serve(move |mut tcp| {
        let request = read_head(&mut tcp);
        // The client may have read enough and closed.
        let _ = tcp.write_all(&make(&request));
        let _ = tcp.read(&mut [0; 1]);
    })
}

/// Sends the same answer to every request, and ends the connection.
fn answer_and_close(answer: &'static str) -> SocketAddr {
    serve(move |mut tcp| {
        read_head(&mut tcp);
        tcp.write_all(answer.as_bytes()).unwrap();
    })
}

fn read_head(io: &mut impl Read) -> String {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match io.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => break,
        }
    }
    String::from_utf8(head).unwrap()
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| {
        let (given, value) = line.split_once(": ")?;
        given.eq_ignore_ascii_case(name).then_some(value)
    })
}

/// The accepting answer to `request`, with more header lines and with bytes after it.
fn accept(request: &str, more: &str, behind: &[u8]) -> Vec<u8> {
    let key = header(request, "sec-websocket-key").unwrap();
    let hash = actix_http::ws::hash_key(key.as_bytes());
    let hash = std::str::from_utf8(&hash).unwrap();
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: keep-alive, Upgrade\r\nSec-WebSocket-Accept: {hash}\r\n{more}\r\n"
    );
    [head.as_bytes(), behind].concat()
}

fn settings(scheme: &str, address: SocketAddr) -> ConnectionSettings {
    let mut settings = ConnectionSettings::new(format!("{scheme}://{address}/feed?a=1")).unwrap();
    settings.connect_timeout = LONG;
    settings
}

async fn dial_with(settings: &ConnectionSettings) -> Result<Opened, Cause> {
    dial(DialRequest {
        settings,
        url: &settings.url,
        may_choose_none: false,
        tls: &TlsCache::default(),
        owner: None,
        resolver: &Resolver::default(),
        secret_store: &SecretStore::default(),
    })
    .await
    .map_err(|error| error.cause)
}

async fn dial_to(address: SocketAddr) -> Result<Opened, Cause> {
    dial_with(&settings("ws", address)).await
}
