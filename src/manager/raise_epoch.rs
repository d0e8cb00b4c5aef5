//! Epochs above what somebody else has seen.

use super::Manager;
use crate::{connection::BeginEpoch, core::ConnectionName, persistence::Order};

impl Manager {
    /// Gives a name an epoch above `above`, unless it has one: for a reader that has kept events of
    /// an earlier process whose `state_dir` was lost, and would take new ones for old. The socket
    /// stays; `seq` counts from 1 again. The name's epoch from then on; `None` if it is unknown. A
    /// name that was [placed](Self::open_placed) keeps the epoch that it has if the next one belongs
    /// to another token.
    ///
    /// ```
    /// # #[tokio::main]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let settings = everwire::ConnectionSettings::new("ws://127.0.0.1:9")?;
    /// let feed = manager.open("feed", settings)?;
    /// let epoch = manager.raise_epoch(feed.name(), feed.epoch() + 7);
    /// assert_eq!(epoch, Some(feed.epoch()));
    /// # Ok(())
    /// # }
    /// ```
    pub fn raise_epoch(&self, name: &ConnectionName, above: u32) -> Option<u32> {
        let mut names = self.0.names.write();
        let entry = names.entries.get_mut(name).filter(|entry| !entry.leaves)?;
        let epoch = above.checked_add(1)?;
        if entry.epoch < epoch && epoch <= entry.last_epoch {
            entry.epoch = epoch;
            let persistence = &self.0.process.persistence;
            persistence.order(Order::Epoch(name.clone(), epoch));
            entry.outbox.begin_epoch(epoch);
            // One message for each raise.
            entry.addr.do_send(BeginEpoch(epoch));
        }
        Some(entry.epoch)
    }
}
