//! A real NATS server.

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

/// `nats-server`, killed when it is dropped.
pub struct Server {
    child: Option<Child>,
    port: u16,
    folder: PathBuf,
    config: String,
}

impl Server {
    /// Starts one with JetStream in its own folder.
    pub fn start(test: &str) -> Self {
        Self::start_with(test, "jetstream { store_dir: \"FOLDER/jetstream\" }")
    }

    /// Starts one with this configuration, in which `FOLDER` is its folder.
    pub fn start_with(test: &str, config: &str) -> Self {
        Self::prepare(test, config, |_| {})
    }

    /// The same, with files in its folder before it starts.
    pub fn prepare(test: &str, config: &str, prepare: impl FnOnce(&Path)) -> Self {
        let folder =
            std::env::temp_dir().join(format!("everwire-nats-{test}-{}", std::process::id()));
        fs::remove_dir_all(&folder).ok();
        fs::create_dir_all(&folder).unwrap();
        prepare(&folder);
        let mut server = Self {
            child: None,
            port: free_port(),
            config: config.replace("FOLDER", &folder.display().to_string()),
            folder,
        };
        server.restart();
        server
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The folder of the server, which tests may use, too.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts it again on the same port, with its stored data.
    pub fn restart(&mut self) {
        self.kill();
        let path = self.folder.join("server.conf");
        let listen = format!("listen: \"127.0.0.1:{}\"\n", self.port);
        fs::write(&path, format!("{listen}{}", self.config)).unwrap();
        let log = fs::File::create(self.folder.join("server.log")).unwrap();
        let child = Command::new("nats-server")
            .arg("-c")
            .arg(&path)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log)
            .spawn()
            .expect("nats-server, which tests/all.sh installs");
        self.child = Some(child);
        until("the server listens", || {
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        });
    }

    pub fn reconfigure(&mut self, config: &str) {
        self.config = config.replace("FOLDER", &self.folder.display().to_string());
    }

    /// Kills it, like a power cut.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Ends it in an orderly way: received messages are stored.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = child.id().to_string();
            assert!(Command::new("kill").arg(&pid).status().unwrap().success());
            child.wait().unwrap();
        }
    }

    /// Pauses it, or lets it continue.
    pub fn freeze(&self, frozen: bool) {
        let signal = if frozen { "-STOP" } else { "-CONT" };
        let pid = self.child.as_ref().unwrap().id().to_string();
        assert!(
            Command::new("kill")
                .args([signal, &pid])
                .status()
                .unwrap()
                .success()
        );
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        fs::remove_dir_all(&self.folder).ok();
    }
}

/// A port that nobody listens on.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Waits until a condition holds.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An empty folder of a test.
pub fn tempdir(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("everwire-nats-{name}-{}", std::process::id()));
    fs::remove_dir_all(&folder).ok();
    fs::create_dir_all(&folder).unwrap();
    folder
}
