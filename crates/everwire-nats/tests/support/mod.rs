//! A real server of NATS, and a peer whose messages are known.

#![allow(dead_code, reason = "each test uses a part of it")]

use std::{
    fs,
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use everwire::{
    ConnectionSettings, Manager, Pattern, Settings, config::NatsInSettings, testing::Peer,
};

/// `nats-server`, killed when it is dropped.
pub struct Server {
    child: Option<Child>,
    port: u16,
    folder: PathBuf,
    config: String,
}

impl Server {
    /// One with JetStream in a folder of its own.
    pub fn start(test: &str) -> Self {
        Self::start_with(test, "jetstream { store_dir: \"FOLDER/jetstream\" }")
    }

    /// One with this configuration, in which FOLDER is its folder.
    pub fn start_with(test: &str, config: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("everwire-nats-{test}-{}", std::process::id()));
        fs::remove_dir_all(&folder).ok();
        fs::create_dir_all(&folder).unwrap();
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

    /// The folder of the server, in which tests may keep things of their own.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Starts it again where it was, with what it has stored.
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

    /// Ends it at once, as a power cut does.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Ends it in order: what it has heard is stored.
    pub fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let pid = child.id().to_string();
            assert!(Command::new("kill").arg(&pid).status().unwrap().success());
            child.wait().unwrap();
        }
    }

    /// Stops it from running, or lets it run again.
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

    pub async fn client(&self) -> async_nats::Client {
        async_nats::connect(self.url()).await.unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        fs::remove_dir_all(&self.folder).ok();
    }
}

fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// Waits for something that comes.
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !is_so() {
        assert!(Instant::now() < deadline, "not in time: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The same in an async test.
pub async fn until_async(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Names that are connected to a peer that sends back what is said.
pub struct Names {
    pub manager: Manager,
    pub peer: Peer,
}

impl Names {
    pub async fn open(names: &[&str]) -> Self {
        let peer = Peer::start().await.unwrap();
        let manager = Manager::spawn(Settings::default()).unwrap();
        for name in names {
            let settings = ConnectionSettings::new(peer.url("/echo")).unwrap();
            manager.open(*name, settings).unwrap();
        }
        Self { manager, peer }
    }

    /// Has the peer say this to a name.
    pub fn say(&self, name: &str, text: &str) {
        let handle = self.manager.find(name).expect("a name");
        until("there is room", || handle.send(text.to_owned()).is_ok());
    }
}

/// `[nats]` of a server, with messages of all names.
pub fn settings(server: &Server) -> everwire::config::NatsSettings {
    let mut settings = everwire::config::NatsSettings::new(vec![server.url()]);
    settings.inbound = Some(NatsInSettings::new(Pattern::all()));
    settings
}
