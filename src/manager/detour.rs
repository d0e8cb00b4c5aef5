//! A detour: names that talk to a peer of a test, whatever their URLs say.

use std::{collections::BTreeMap, net::SocketAddr, path::PathBuf};

use crate::settings::Secret;

/// Where all sockets and calls of a manager lead, whatever its settings say: for a test of settings as they are, without a network.
///
/// What a URL asks for is judged as ever, with a public address for each host name, since none is looked up. Then the peer is connected to:
/// in plain, and without a proxy. It sees of a request what its server would see. A program of `prepare` is not started: the peer is asked
/// by a `POST` to the host `program.invalid`, with the program as the path, and its arguments as a JSON array.
///
/// [`Manager::spawn_with_detour`](crate::Manager::spawn_with_detour) takes it. No setting does.
#[derive(Clone, Debug)]
pub struct Detour {
    pub(crate) to: SocketAddr,
    pub(crate) files: BTreeMap<PathBuf, Secret>,
}

impl Detour {
    /// To this peer.
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

    /// The same, with this in place of a `${file:…}`.
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
