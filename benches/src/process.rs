//! Processes: those of the peer and of samples, and what the kernel reports about this one.

use std::{
    fmt,
    fs::{self, DirEntry},
    io::{self, BufRead, BufReader, Read},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

/// The peer in a separate process. It ends when this is dropped.
pub struct PeerProcess {
    child: Child,
    _stdout: BufReader<ChildStdout>,
    /// Its URL: `ws://127.0.0.1:PORT` or `wss://…`.
    pub url: String,
}

impl PeerProcess {
    /// Starts this same program as a peer, with these arguments.
    ///
    /// # Errors
    ///
    /// If the process cannot be started or prints no address.
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

impl PeerProcess {
    pub fn id(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for PeerProcess {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ended = self.child.wait();
    }
}

/// Ends this process when its parent closes its standard input.
pub fn end_with_stdin() {
    std::thread::spawn(|| {
        wait_for_end_of_input();
        std::process::exit(0);
    });
}

/// Runs one sample in a separate process. Returns the numbers that it prints last.
///
/// # Panics
///
/// If it fails: the median must be that of all rounds.
pub fn sample(arguments: &[&str]) -> Vec<f64> {
    sample_before(arguments, ())
}

/// The same by another build of this program.
///
/// # Panics
///
/// Like [`sample`].
pub fn sample_of(program: &str, arguments: &[&str]) -> Vec<f64> {
    run_sample(program.as_ref(), arguments, ())
}

/// The same, but drops `held` before the sample ends. A peer that ends first keeps the connections
/// in `TIME_WAIT` on its side. On the sample's side, they would take ports, and slow down later
/// dials that look for one.
///
/// # Panics
///
/// Like [`sample`].
pub fn sample_before(arguments: &[&str], held: impl Sized) -> Vec<f64> {
    let program = std::env::current_exe().expect("this program");
    run_sample(&program, arguments, held)
}

fn run_sample(program: &Path, arguments: &[&str], held: impl Sized) -> Vec<f64> {
    let mut child = Command::new(program)
        .arg("sample")
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("an output");
    let read = BufReader::new(stdout).read_line(&mut line);
    drop(held);
    drop(child.stdin.take());
    let ended = child.wait().expect("an end");
    assert!(
        read.is_ok() && ended.success(),
        "{arguments:?} failed: {line}"
    );
    line.trim()
        .split(' ')
        .map(|number| number.parse().expect("a number"))
        .collect()
}

/// Waits until the parent closes this process's standard input.
pub fn wait_for_end_of_input() {
    let _ended = io::stdin().read_to_end(&mut Vec::new());
}

/// The processor time of this process: user and system, all threads.
pub fn cpu() -> Duration {
    let time = clock_gettime(ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// Nanoseconds of the monotonic clock, which all processes of a machine share.
pub fn monotonic() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// The bytes that this process has written so far, with any system call.
pub fn written() -> u64 {
    let io = std::fs::read_to_string("/proc/self/io").unwrap_or_default();
    let bytes = io.lines().find_map(|line| line.strip_prefix("wchar: "));
    bytes
        .and_then(|bytes| bytes.parse().ok())
        .unwrap_or_default()
}

/// The processor time of another process, to a hundredth of a second.
pub fn cpu_of(pid: u32) -> Duration {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    // Its name, in parentheses, may contain anything.
    let numbers = stat.rsplit_once(')').map_or("", |(_, numbers)| numbers);
    let ticks = numbers.split_whitespace().skip(11).take(2);
    let ticks: u64 = ticks.filter_map(|ticks| ticks.parse::<u64>().ok()).sum();
    Duration::from_secs(ticks) / rustix::param::clock_ticks_per_second() as u32
}

/// The resident memory of this process, in bytes.
pub fn resident() -> u64 {
    resident_of(std::process::id())
}

/// The greatest resident memory of a process.
pub fn peak_of(pid: u32) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kib.unwrap_or_default() << 10
}

/// The resident memory of another process.
pub fn resident_of(pid: u32) -> u64 {
    let statm = fs::read_to_string(format!("/proc/{pid}/statm")).unwrap_or_default();
    let pages = statm.split(' ').nth(1);
    let pages: u64 = pages
        .and_then(|pages| pages.parse().ok())
        .unwrap_or_default();
    pages * rustix::param::page_size() as u64
}

/// The resources of this process while it is idle.
#[derive(Clone, Copy)]
pub struct Held {
    memory: u64,
    descriptors: usize,
    threads: usize,
    /// How often its threads wake up in a second: a forgotten timer shows here.
    wakeups: f64,
    /// The size of the files in its directory, in bytes.
    files: u64,
}

impl Held {
    /// Measures for this time.
    pub fn over(time: Duration, dir: &Path) -> Self {
        let before = wakeups();
        std::thread::sleep(time);
        Self {
            memory: resident(),
            descriptors: count("/proc/self/fd"),
            threads: count("/proc/self/task"),
            wakeups: (wakeups() - before) as f64 / time.as_secs_f64(),
            files: entries(dir)
                .filter_map(|file| Some(file.metadata().ok()?.len()))
                .sum(),
        }
    }

    /// Whether it is more than at the start. Memory and files may grow by `slack` bytes.
    pub fn exceeds(&self, start: &Self, slack: u64) -> bool {
        self.memory > start.memory + slack
            || self.files > start.files + slack
            || self.descriptors > start.descriptors
            || self.threads > start.threads
            || self.wakeups > 2.0 * start.wakeups + 5.0
    }
}

impl fmt::Display for Held {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mebibytes = |bytes| bytes as f64 / f64::from(1 << 20);
        write!(
            f,
            "{:.1} MiB | {} | {} | {:.1} | {:.2} MiB",
            mebibytes(self.memory),
            self.descriptors,
            self.threads,
            self.wakeups,
            mebibytes(self.files)
        )
    }
}

fn entries(dir: impl AsRef<Path>) -> impl Iterator<Item = DirEntry> {
    fs::read_dir(dir).into_iter().flatten().flatten()
}

fn count(dir: &str) -> usize {
    entries(dir).count()
}

/// How often the threads of this process have gone to sleep so far.
fn wakeups() -> u64 {
    let of = |thread: DirEntry| {
        let status = fs::read_to_string(thread.path().join("status")).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("voluntary_ctxt_switches:"))?;
        line.trim().parse::<u64>().ok()
    };
    entries("/proc/self/task").filter_map(of).sum()
}
