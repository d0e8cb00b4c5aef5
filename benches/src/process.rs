//! Processes: the peer's, a sample's, and what the kernel says about this one.

use std::{
    io::{self, BufRead, BufReader, Read},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

/// The peer, in a process of its own; it ends with this value.
pub struct PeerProcess {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    /// Where it listens: `ws://127.0.0.1:PORT` or `wss://…`.
    pub url: String,
}

impl PeerProcess {
    /// Starts this same program as a peer, with these arguments.
    ///
    /// # Errors
    ///
    /// When the process cannot be started or says no address.
    pub fn start(arguments: &[&str]) -> io::Result<Self> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg("peer")
            .args(arguments)
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

/// Ends this process when whoever started it lets go of its standard input.
pub fn end_with_stdin() {
    std::thread::spawn(|| {
        let _ended = io::stdin().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
}

/// Runs one sample in a process of its own: the numbers that it prints last.
///
/// # Panics
///
/// When it fails: a number less would not be the median of all.
pub fn sample(arguments: &[&str]) -> Vec<f64> {
    let output = Command::new(std::env::current_exe().expect("this program"))
        .arg("sample")
        .args(arguments)
        .stderr(Stdio::inherit())
        .output()
        .expect("a process");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{arguments:?} failed: {text}");
    let line = text.lines().last().unwrap_or_default();
    line.split(' ')
        .map(|number| number.parse().expect("a number"))
        .collect()
}

/// The processor time that this process has used, user and system, all threads.
pub fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// The bytes that this process has handed to the kernel so far, by whatever system call.
pub fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let bytes = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    bytes
        .and_then(|bytes| bytes.parse().ok())
        .unwrap_or_default()
}

/// The memory of this process that is resident, in bytes.
pub fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let pages = statm.split(' ').nth(1);
    let pages: u64 = pages
        .and_then(|pages| pages.parse().ok())
        .unwrap_or_default();
    pages * rustix::param::page_size() as u64
}
