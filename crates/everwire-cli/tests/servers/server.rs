//! The servers: started, ended, frozen, and started again.

use std::{
    fs::File,
    net::TcpStream,
    os::unix::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

/// For a server that starts or ends slowly.
const PATIENCE: Duration = Duration::from_secs(60);

/// The command of a server, and its address.
#[derive(Clone)]
pub struct Start {
    pub port: u16,
    /// The program with its arguments and variables; its data is in this folder.
    pub command: fn(&Path) -> Command,
}

/// A server and its children, in a process group that is killed on drop.
pub struct Server {
    start: Start,
    dir: PathBuf,
    child: Option<Child>,
}

impl Server {
    /// Starts it, and waits until it listens.
    pub fn start(start: Start, dir: &Path) -> Self {
        let mut server = Self {
            start,
            dir: dir.to_owned(),
            child: None,
        };
        server.start_again();
        server
    }

    pub fn start_again(&mut self) {
        let mut command = (self.start.command)(&self.dir);
        let log = File::options().append(true).create(true).open(self.log());
        let log = log.unwrap();
        command
            .current_dir(&self.dir)
            .env("HOME", &self.dir)
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log)
            .process_group(0);
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("{command:?} is needed, and tests/all.sh installs it: {error}")
        });
        let child = self.child.insert(child);
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.start.port)).is_err() {
            let ended = child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < until,
                "{command:?} does not listen; it ended: {ended:?}; {}",
                self.said()
            );
            thread::sleep(Duration::from_millis(20));
        }
    }

    /// Ends it in an orderly way, and waits for its end.
    pub fn end(&mut self) {
        self.signal("TERM", false);
        let child = self.child.as_mut().unwrap();
        let until = Instant::now() + PATIENCE;
        while child.try_wait().unwrap().is_none() {
            assert!(Instant::now() < until, "no end on TERM; {}", self.said());
            thread::sleep(Duration::from_millis(20));
        }
        self.child = None;
    }

    /// Stops all its processes; its sockets stay.
    pub fn freeze(&self) {
        self.signal("STOP", true);
    }

    pub fn thaw(&self) {
        self.signal("CONT", true);
    }

    /// Its output.
    pub fn said(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log()).unwrap_or_default()).into_owned()
    }

    fn log(&self) -> PathBuf {
        self.dir.join("server.log")
    }

    fn signal(&self, signal: &str, group: bool) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let whom = if group { format!("-{id}") } else { id };
        assert!(kill(signal, &whom), "kill -s {signal} -- {whom}");
    }
}

/// By the shell: the `kill` program of some systems does not accept a process group.
fn kill(signal: &str, whom: &str) -> bool {
    let mut shell = Command::new("sh");
    shell.args(["-c", "kill -s \"$1\" -- \"$2\"", "sh", signal, whom]);
    shell.status().unwrap().success()
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _gone = kill("KILL", &format!("-{}", child.id()));
            let _gone = child.kill();
            let _gone = child.wait();
        }
    }
}
