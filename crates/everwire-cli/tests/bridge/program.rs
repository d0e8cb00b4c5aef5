//! The servers, which are ended and started again on the same port.

use std::{
    fs::{self, File},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::atomic::{AtomicU16, Ordering},
    thread,
    time::{Duration, Instant},
};

use crate::{
    driver::{node_script, python_script},
    support::{SOON, installed},
};

/// For a server that starts or ends slowly.
const PATIENCE: Duration = Duration::from_secs(60);

/// The command for a server on this port, with its data in this folder.
pub type Start = Box<dyn Fn(&Path, u16) -> Command>;

pub fn mosquitto(dir: &Path, port: u16) -> Command {
    let config = dir.join("mosquitto.conf");
    // It ends if it has only WebSocket listeners.
    let plain = free_port();
    let text = format!(
        "listener {port} 127.0.0.1\nprotocol websockets\nlistener {plain} 127.0.0.1\n\
         allow_anonymous true\npersistence false\nlog_dest none\n"
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new(program("/usr/sbin/mosquitto"));
    command.arg("-c").arg(config);
    command
}

pub fn nats(dir: &Path, port: u16) -> Command {
    let config = dir.join("nats.conf");
    let text = format!(
        "listen: \"127.0.0.1:-1\"\nwebsocket {{ listen: \"127.0.0.1:{port}\", no_tls: true }}\n"
    );
    fs::write(&config, text).unwrap();
    let mut command = Command::new(program("/usr/sbin/nats-server"));
    command.arg("-c").arg(config);
    command
}

pub fn ganache(_dir: &Path, port: u16) -> Command {
    let mut command = Command::new("node");
    command
        .arg(installed(
            "bridge/node/node_modules/ganache/dist/node/cli.js",
        ))
        .args([
            "--server.host",
            "127.0.0.1",
            "--wallet.totalAccounts",
            "1",
            "--logging.quiet",
        ])
        .arg("--server.port")
        .arg(port.to_string());
    command
}

pub fn ocpp_central(_dir: &Path, port: u16) -> Command {
    let mut command = python_script("central.py");
    command.arg(port.to_string());
    command
}

pub fn node_server(kind: &str, port: u16) -> Command {
    let mut command = node_script("servers.mjs");
    command.arg(kind).arg(port.to_string());
    command
}

/// Only with STOMP over WebSockets, and with its port mapper on this port.
pub fn rabbitmq(dir: &Path, port: u16, port_mapper: u16) -> Command {
    let write = |name: &str, text: String| {
        let path = dir.join(name);
        fs::write(&path, text).unwrap();
        path
    };
    let config = format!(
        "listeners.tcp = none\nstomp.listeners.tcp = none\nweb_stomp.tcp.ip = 127.0.0.1\n\
         web_stomp.tcp.port = {port}\nlog.console = false\nlog.file = false\n"
    );
    let config = write("rabbitmq.conf", config);
    let plugins = write("enabled_plugins", "[rabbitmq_web_stomp].\n".to_owned());
    // The command in the system's path changes the user first.
    let mut command = Command::new("/usr/lib/rabbitmq/bin/rabbitmq-server");
    command
        .env("HOME", dir)
        .env("RABBITMQ_CONF_ENV_FILE", "/dev/null")
        .env("RABBITMQ_CONFIG_FILE", config)
        .env("RABBITMQ_ENABLED_PLUGINS_FILE", plugins)
        .env("RABBITMQ_MNESIA_BASE", dir.join("mnesia"))
        .env("RABBITMQ_LOG_BASE", dir.join("log"))
        .env("RABBITMQ_PID_FILE", dir.join("pid"))
        .env("RABBITMQ_NODENAME", format!("everwire-{port}@localhost"))
        .env("RABBITMQ_DIST_PORT", free_port().to_string())
        .env(
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS",
            "-start_epmd false -kernel inet_dist_use_interface {127,0,0,1}",
        )
        .env("ERL_EPMD_ADDRESS", "127.0.0.1")
        .env("ERL_EPMD_PORT", port_mapper.to_string())
        // Then the script replaces itself by the server, so that signals reach the server.
        .env("RUNNING_UNDER_SYSTEMD", "true");
    command
}

/// Erlang's port mapper.
pub fn epmd(port: u16) -> Command {
    let mut command = Command::new("epmd");
    command
        .args(["-address", "127.0.0.1", "-port"])
        .arg(port.to_string());
    command
}

/// Debian's path is not in every user's PATH.
fn program(path: &'static str) -> &'static str {
    match Path::new(path).exists() {
        true => path,
        false => path.rsplit('/').next().unwrap(),
    }
}

/// A port below the ephemeral range: while a server is down nobody else gets its port, and clients
/// cannot connect to themselves.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let first = u16::try_from(std::process::id() % 8000).unwrap();
    loop {
        let offset = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + (first + offset) % 10_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// A server; killed on drop.
pub struct Program {
    start: Box<dyn Fn() -> Command>,
    port: u16,
    /// The file of its output.
    log: PathBuf,
    child: Option<Child>,
}

impl Program {
    /// Starts it, and waits until it listens.
    pub fn start(start: impl Fn() -> Command + 'static, port: u16, log: PathBuf) -> Self {
        let mut program = Self {
            start: Box::new(start),
            port,
            log,
            child: None,
        };
        program.start_again();
        program
    }

    pub fn start_again(&mut self) {
        let mut command = (self.start)();
        let log = File::options().append(true).create(true).open(&self.log);
        let log = log.unwrap();
        command
            .stdin(Stdio::null())
            .stderr(log.try_clone().unwrap())
            .stdout(log);
        let child = command.spawn().unwrap_or_else(|error| {
            panic!("{command:?} is needed, and tests/all.sh installs it: {error}")
        });
        let child = self.child.insert(child);
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            let (ended, log) = (child.try_wait().unwrap(), &self.log);
            assert!(
                ended.is_none() && Instant::now() < until,
                "{command:?} does not listen; it ended: {ended:?}; {log:?}"
            );
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Sends a signal that ends it, and waits for its end.
    pub fn end(&mut self, signal: &str) {
        self.signal(signal);
        let child = self.child.as_mut().unwrap();
        let until = Instant::now() + SOON;
        while child.try_wait().unwrap().is_none() {
            let log = &self.log;
            assert!(Instant::now() < until, "no end on {signal}; {log:?}");
            thread::sleep(Duration::from_millis(5));
        }
        self.child = None;
    }

    pub fn signal(&self, signal: &str) {
        let id = self.child.as_ref().unwrap().id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &id]).status();
        assert!(sent.unwrap().success(), "kill -s {signal} {id}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        if let Some(child) = &mut self.child {
            let _gone = child.kill();
            let _gone = child.wait();
        }
    }
}
