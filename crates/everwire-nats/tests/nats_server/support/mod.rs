//! A real NATS server, and names whose peer sends known messages.

pub mod cluster;
pub mod cut;
pub mod disk;
pub mod faults;
pub mod operator;
pub mod read;
pub mod server;

use std::time::{Duration, Instant};

use everwire::{
    ConnectionSettings, Manager, Pattern, Settings, config::NatsInSettings, testing::Peer,
};

pub use self::server::{Server, tempdir, until};

impl Server {
    pub async fn client(&self) -> async_nats::Client {
        async_nats::connect(self.url()).await.unwrap()
    }
}

/// Waits in an async test until a condition holds.
pub async fn until_async(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !is_so().await {
        assert!(Instant::now() < deadline, "not in time: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// Connected names, with a peer that echoes.
pub struct Names {
    pub manager: Manager,
    pub peer: Peer,
}

impl Names {
    pub async fn open(names: &[&str]) -> Self {
        let peer = Peer::spawn_thread().unwrap();
        let manager = Manager::spawn(Settings::default()).unwrap();
        for name in names {
            let settings = ConnectionSettings::new(peer.url("/echo")).unwrap();
            manager.open(*name, settings).unwrap();
        }
        Self { manager, peer }
    }

    /// Makes the peer send this to a name.
    pub fn say(&self, name: &str, text: &str) {
        let handle = self.manager.find(name).expect("a name");
        until("there is room", || handle.send(text.to_owned()).is_ok());
    }
}

/// `[nats]` for a server, with the messages of all names.
pub fn settings(server: &Server) -> everwire::config::NatsSettings {
    let mut settings = everwire::config::NatsSettings::new(vec![server.url()]);
    settings.inbound = Some(NatsInSettings::new(Pattern::all()));
    settings
}

/// These texts in the form that a reader returns.
pub fn numbers_of<const N: usize>(texts: [&str; N]) -> Vec<String> {
    texts.map(str::to_owned).into()
}
