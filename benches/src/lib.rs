//! What the benchmarks share: the peer in a process of its own, and what the kernel says about this one.

use std::{
    io::{self, BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

/// The first argument of a benchmark that is to be the peer.
const PEER: &str = "peer";

/// The peer, in a process of its own; it ends with this value.
pub struct PeerProcess {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    /// Where it listens: `ws://127.0.0.1:PORT`.
    pub url: String,
}

impl PeerProcess {
    /// Starts this same program as a peer.
    ///
    /// # Errors
    ///
    /// When the process cannot be started or says no address.
    pub fn start() -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(PEER)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let stdout = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut stdout = BufReader::new(stdout);
        let mut url = String::new();
        stdout.read_line(&mut url)?;
        Ok(Self {
            child,
            _stdout: stdout,
            url: url.trim().to_owned(),
        })
    }
}

impl Drop for PeerProcess {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ended = self.child.wait();
    }
}

/// Raises the limit on open files, and becomes the peer if that was asked for: serves until its input ends.
pub fn prepare() {
    let _as_far_as_allowed = rlimit::increase_nofile_limit(u64::MAX);
    if std::env::args().nth(1).as_deref() != Some(PEER) {
        return;
    }
    let peer = everwire::testing::Peer::spawn_thread().expect("a loopback port");
    println!("{}", peer.url(""));
    let mut end = Vec::new();
    let _ended = io::stdin().read_to_end(&mut end);
    std::process::exit(0);
}

/// The memory of this process that is resident, in bytes.
pub fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages: u64 = statm
        .split(' ')
        .nth(1)
        .and_then(|pages| pages.parse().ok())
        .unwrap_or_default();
    pages * 4096
}

/// The processor time that this process has used, user and system.
pub fn cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after_name = stat.rsplit(')').next().unwrap_or_default();
    let ticks: u64 = after_name
        .split(' ')
        .skip(12)
        .take(2)
        .filter_map(|ticks| ticks.parse::<u64>().ok())
        .sum();
    Duration::from_millis(ticks * 10)
}
