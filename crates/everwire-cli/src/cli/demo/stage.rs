//! The parts of the demo: the peer, the manager with its names, and the HTTP service.

use std::{
    io, mem,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use actix_web::web::Data;
use everwire::{
    Manager, Message, Pattern, Settings,
    config::{Source, System},
    testing::Peer,
};

use crate::{
    cli::Failure,
    service::{self, AppState, BASE, Rules, http::Serves},
};

/// The settings of the demo's names.
const CONFIG: &str = include_str!("demo.toml");

/// The time limit for the end.
const DRAIN: Duration = Duration::from_secs(2);

/// The interval of messages to the names with the tag [`TALK`].
const PAUSE: Duration = Duration::from_millis(500);
const TALK: &str = "talk";

/// All running parts.
pub struct Stage {
    peer: Peer,
    manager: Manager,
    settings: Settings,
    server: service::http::Server,
    listen: SocketAddr,
}

impl Stage {
    /// Starts the peer, an empty manager and the HTTP service, inside a running actix system.
    ///
    /// # Errors
    ///
    /// [`Failure`] if a thread or a port is not available.
    pub fn set() -> Result<Self, Failure> {
        let peer = Peer::spawn_thread().map_err(Failure::Peer)?;
        let environment = Environment { peer: peer.addr() };
        let mut settings = BASE
            .from_toml_with(CONFIG, &environment)
            .map_err(Failure::Config)?;
        let connections = mem::take(&mut settings.connections);
        let manager = Manager::start(settings.clone()).map_err(service::Error::Manager)?;
        settings.connections = connections;

        // If a service already uses the default port, takes any free port.
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = service::http::bind(settings.service.listen)
            .or_else(|_taken| service::http::bind(any))?;
        let listen = listener.local_addr().map_err(service::Error::Http)?;
        let state = AppState::new(
            manager.clone(),
            settings.service.clone(),
            Rules::of(&settings),
            None,
        );
        let server = service::http::start(listener, Data::new(state), Serves::Everything, None)
            .map_err(service::Error::Http)?;
        Ok(Self {
            peer,
            manager,
            settings,
            server,
            listen,
        })
    }

    /// Opens the names, and starts sending.
    ///
    /// # Errors
    ///
    /// [`Failure`] if a name cannot be opened.
    pub fn open(&self) -> Result<(), Failure> {
        for (name, settings) in self.settings.connections.clone() {
            self.manager
                .open(&name, settings)
                .map_err(service::Error::Open)?;
        }
        actix::spawn(talk(self.manager.clone()));
        Ok(())
    }

    /// The names.
    pub fn manager(&self) -> &Manager {
        &self.manager
    }

    /// The address of the peer.
    pub fn peer(&self) -> SocketAddr {
        self.peer.addr()
    }

    /// The URL of the page.
    pub fn page_url(&self) -> String {
        format!("http://{}/", self.listen)
    }

    /// Cuts all links to the peer.
    pub fn cut(&self) {
        self.peer.kick_all(everwire::testing::How::Reset);
    }

    /// Stops everything.
    pub async fn strike(self) {
        self.manager.shutdown(DRAIN).await;
        self.server.stop().await;
        self.peer.stop().await;
    }
}

/// Sends to the names that answer, while there are any.
async fn talk(manager: Manager) {
    let mut ticks = tokio::time::interval(PAUSE);
    let mut count = 0_u64;
    loop {
        ticks.tick().await;
        let names = manager.list(&Pattern::all());
        if names.is_empty() {
            return;
        }
        count += 1;
        let talks = |name: &str| {
            manager
                .settings(name)
                .is_some_and(|settings| settings.tags.iter().any(|tag| tag == TALK))
        };
        for handle in names.iter().filter(|handle| talks(handle.name().as_str())) {
            // A full outbox is intended.
            let _rejected = handle.send(Message::text(format!("message {count}")));
        }
    }
}

/// The environment of this process, with the address of the peer.
struct Environment {
    peer: SocketAddr,
}

impl Source for Environment {
    fn variable(&self, name: &str) -> Option<String> {
        match name {
            "DEMO_PEER" => Some(self.peer.to_string()),
            _ => System.variable(name),
        }
    }

    fn read(&self, path: &Path) -> io::Result<String> {
        System.read(path)
    }

    fn list(&self, path: &Path) -> io::Result<Option<Vec<PathBuf>>> {
        System.list(path)
    }
}
