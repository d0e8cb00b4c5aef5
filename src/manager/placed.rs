//! Names of a cluster: somebody else decides who holds a name, in which epoch, and whether it is
//! closed.

use super::{error::OpenError, handle::Handle, registry::Manager};
use crate::{
    core::{ConnectionName, Owner},
    settings::ConnectionSettings,
};

/// What the log of a cluster says about a name that is opened here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Placed {
    /// The owner of the name; `None` if nobody owns it.
    pub owner: Option<Owner>,
    /// The lowest epoch that the name may have: its shard's token × 65,536, and what was used up
    /// under this token. Its highest epoch is `epoch | 0xFFFF`, the last one of the token.
    pub epoch: u32,
    /// Whether the name was closed by hand.
    pub is_closed: bool,
}

impl Placed {
    /// The lowest and the highest epoch.
    pub(super) fn epochs(&self) -> (u32, u32) {
        (self.epoch, self.epoch | 0xffff)
    }
}

impl Manager {
    /// Opens a connection that a cluster has placed here. It is like [`open`](Self::open), except:
    ///
    /// - All its events and messages, from the first on, have an epoch between `placed.epoch` and
    ///   `placed.epoch | 0xFFFF`. It is above each epoch within these bounds that this node knows
    ///   the name to have had: from its store, and from the last 4,096 names that were removed. What
    ///   is outside of the bounds belongs to another token, and does not count. A durable name's
    ///   epoch is given to the store before it is used.
    /// - [`raise_epoch`](Self::raise_epoch) leaves the epoch as it is where it would pass the upper
    ///   bound. A name whose actor dies in its last epoch is not respawned: it accepts no messages
    ///   any more, and has to be placed under another token.
    /// - It is closed by hand exactly if `placed.is_closed`, whatever the store of this node says.
    ///   The store is corrected.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
    /// # settings.enabled = false;
    /// use everwire::manager::Placed;
    ///
    /// // The shard's token is 7, and nothing was used up under it.
    /// let placed = Placed { owner: None, epoch: 7 << 16, is_closed: false };
    /// let feed = manager.open_placed("feed", settings, placed)?;
    /// assert_eq!(feed.epoch(), 7 << 16);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// [`OpenError`]; nothing is opened then.
    pub fn open_placed(
        &self,
        name: impl AsRef<str>,
        settings: ConnectionSettings,
        placed: Placed,
    ) -> Result<Handle, OpenError> {
        self.open_as(ConnectionName::new(name)?, settings, None, Some(placed))
    }
}
