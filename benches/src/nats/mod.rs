//! The bridge to NATS, with a server of its own.

pub mod away;
pub mod neighbour;

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// How long a server may take until it listens.
const STARTS: Duration = Duration::from_secs(20);

/// A port of this machine that nobody uses.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.local_addr().expect("an address").port()
}

/// `nats-server` with a file store, in a folder of its own. It ends with this value.
pub struct Server {
    child: Option<Child>,
    port: u16,
    /// Its folder, in which a bridge may keep its state, too.
    pub folder: PathBuf,
    pub url: String,
    /// More arguments of the program.
    more: Vec<String>,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(Vec::new())
    }

    /// Starts one with more arguments.
    pub fn start_with(more: Vec<String>) -> Self {
        let port = free_port();
        let folder = std::env::temp_dir().join(format!("everwire-benches-nats-{port}"));
        fs::create_dir_all(&folder).expect("a folder");
        let mut server = Self {
            child: None,
            port,
            folder,
            url: format!("nats://127.0.0.1:{port}"),
            more,
        };
        server.restart();
        server
    }

    /// Starts it where it was, with what it has stored.
    pub fn restart(&mut self) {
        self.kill();
        let child = Command::new("nats-server")
            .args([
                "--addr",
                "127.0.0.1",
                "--port",
                &self.port.to_string(),
                "--jetstream",
            ])
            .args(&self.more)
            .arg("--store_dir")
            .arg(&self.folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        self.child = Some(child.expect("nats-server"));
        let begin = Instant::now();
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(begin.elapsed() < STARTS, "nats-server does not listen");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it at once.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ended = child.kill().and_then(|()| child.wait());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        fs::remove_dir_all(&self.folder).ok();
    }
}
