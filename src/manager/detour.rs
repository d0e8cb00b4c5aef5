//! A detour: names talk to a test's peer, whatever their URLs say.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use crate::settings::Secret;

/// The peer that all sockets and calls of a manager lead to, whatever its settings say: for a test
/// of real settings without a network.
///
/// URLs are checked as usual. Host names are not looked up; each counts as a public address. The
/// peer is then dialled in plain text, without a proxy, and sees the request that the real server
/// would see. A program of `prepare` is not started. Instead the peer gets a `POST` with the host
/// `program.invalid`, the program as the path, and its arguments as a JSON array.
///
/// [`Manager::spawn_with_detour`](crate::Manager::spawn_with_detour) takes it. No setting turns it
/// on.
#[derive(Clone, Debug)]
pub struct Detour {
    pub(crate) to: SocketAddr,
    pub(crate) files: BTreeMap<PathBuf, Secret>,
}

impl Detour {
    /// A detour to this peer.
    ///
    /// ```
    /// use everwire::testing::Detour;
    ///
    /// let detour = Detour::new(([127, 0, 0, 1], 9000).into());
    /// # let _ = detour;
    /// ```
    pub fn new(to: SocketAddr) -> Self {
        let files = BTreeMap::new();
        Self { to, files }
    }

    /// The same detour, with `content` in place of a `${file:…}`.
    ///
    /// ```
    /// use everwire::{config::Secret, testing::Detour};
    ///
    /// let detour = Detour::new(([127, 0, 0, 1], 9000).into());
    /// let detour = detour.file("/etc/everwire/token", Secret::new("abc"));
    /// # let _ = detour;
    /// ```
    #[must_use]
    pub fn file(mut self, path: impl Into<PathBuf>, content: Secret) -> Self {
        self.files.insert(path.into(), content);
        self
    }
}
