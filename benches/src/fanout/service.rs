//! The program, in a separate process.

use std::{
    fs, io,
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

use super::SOON;
use crate::{process::resident_of, store::Scratch};

/// How often its memory is measured.
const LOOK: Duration = Duration::from_millis(100);

/// A running service. It is killed when this is dropped.
pub struct Service {
    child: Child,
    _scratch: Scratch,
    pub address: String,
}

impl Service {
    /// Starts it with these names, which are not dialled yet.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start(names: impl Iterator<Item = String>, url: &str) -> Self {
        let scratch = Scratch::new();
        let mut text = format!(
            "[service]\nlisten = '127.0.0.1:0'\nstate_dir = '{}'\nlog = {{ format = 'json' }}\n\
             [defaults]\nurl = '{url}'\nenabled = false\n",
            scratch.path().join("state").display()
        );
        for name in names {
            text.push_str(&format!("[connections.{name}]\n"));
        }
        let config = scratch.path().join("load.toml");
        fs::write(&config, text).expect("a file");
        let program = program();
        let mut child = Command::new(&program)
            .arg("run")
            .arg(&config)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!(
                    "{}: {error}; `cargo build --release` in the folder above makes it",
                    program.display()
                )
            });
        let stdout = BufReader::new(child.stdout.take().expect("its output"));
        let (up, is_up) = mpsc::channel();
        // Everything is read, so that the service never waits for us.
        thread::spawn(move || {
            for line in stdout.lines().map_while(Result::ok) {
                let listen = line.split_once(r#""listen":""#);
                if let Some((address, _)) = listen.and_then(|(_, rest)| rest.split_once('"')) {
                    let _heard = up.send(address.to_owned());
                }
            }
        });
        let address = is_up.recv_timeout(SOON).expect("the service's address");
        Self {
            child,
            _scratch: scratch,
            address,
        }
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Makes it dial all names.
    ///
    /// # Errors
    ///
    /// If the request is refused.
    pub async fn connect_all(&self) -> io::Result<()> {
        let mut socket = TcpStream::connect(&self.address).await?;
        let request = format!(
            "POST /v1/connect?match=* HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n",
            self.address
        );
        socket.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        socket.read_to_string(&mut answer).await?;
        match answer.starts_with("HTTP/1.1 20") {
            true => Ok(()),
            false => Err(io::Error::other(answer)),
        }
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _killed = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// The path of the program's release build.
fn program() -> PathBuf {
    let named = std::env::var_os("EVERWIRE_PROGRAM").map(PathBuf::from);
    let built = concat!(env!("CARGO_MANIFEST_DIR"), "/../target/release/everwire");
    named.unwrap_or_else(|| built.into())
}

/// The memory of a process, measured repeatedly.
pub struct Watched {
    done: Arc<AtomicBool>,
    thread: JoinHandle<(u64, u64, u64)>,
}

impl Watched {
    pub fn start(pid: u32) -> Self {
        let done = Arc::new(AtomicBool::new(false));
        let is_done = Arc::clone(&done);
        let start = resident_of(pid);
        let thread = thread::spawn(move || {
            let mut peak = start;
            while !is_done.load(Ordering::Relaxed) {
                peak = peak.max(resident_of(pid));
                thread::sleep(LOOK);
            }
            (start, peak, resident_of(pid))
        });
        Self { done, thread }
    }

    /// The memory at the start, at most, and now.
    pub fn end(self) -> (u64, u64, u64) {
        self.done.store(true, Ordering::Relaxed);
        self.thread.join().expect("its thread")
    }
}
