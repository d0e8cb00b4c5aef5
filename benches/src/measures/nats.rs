//! The bridge to NATS beside a publisher without one.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    time::Duration,
};

use super::Effort;
use crate::{
    pairs::alternate,
    process::{PeerProcess, sample},
    table::{Row, Target},
};

const SOCKETS: usize = 50;
const MESSAGES: usize = 400_000;

/// `nats-server` with a file store in its own folder. It ends when this is dropped.
struct Server {
    child: Child,
    folder: PathBuf,
    url: String,
}

impl Server {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        drop(listener);
        let folder = std::env::temp_dir().join(format!("everwire-benches-nats-{port}"));
        let child = Command::new("nats-server")
            .args([
                "--addr",
                "127.0.0.1",
                "--port",
                &port.to_string(),
                "--jetstream",
            ])
            .arg("--store_dir")
            .arg(&folder)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nats-server");
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            std::thread::sleep(Duration::from_millis(10));
        }
        Self {
            child,
            folder,
            url: format!("nats://127.0.0.1:{port}"),
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended = self.child.kill().and_then(|()| self.child.wait());
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// Messages from 50 sockets into a stream.
pub fn inbound(effort: Effort) -> Vec<Row> {
    [64, 185].map(|size| row(effort, size)).into()
}

fn row(effort: Effort, size: usize) -> Row {
    let messages = (MESSAGES / effort.less).to_string();
    let see = |subject: &str| {
        let (server, peer) = (Server::start(), PeerProcess::start(&[]).expect("a peer"));
        let subject = format!("{subject}@{}", server.url);
        let [sockets, size] = [SOCKETS, size].map(|number| number.to_string());
        let arguments = [
            "feed", &subject, &peer.url, "flood", &sockets, &size, &messages,
        ];
        // Messages a second.
        sample(&arguments)[1]
    };
    let rounds = alternate(
        effort.rounds,
        &mut [&mut || see("publisher"), &mut || see("bridge")],
    );
    Row {
        what: format!("messages of {size} B a second through the bridge to NATS, 50 sockets")
            .into(),
        series: rounds.ratio(1, 0),
        target: Target::AtLeast(0.8),
        unit: " × a publisher",
        detail: format!(
            "async-nats alone {:.0}, the bridge {:.0}",
            rounds.of(0).median(),
            rounds.of(1).median()
        ),
    }
}
