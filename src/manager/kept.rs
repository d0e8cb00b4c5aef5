//! Small values of the program that outlive the process.

use std::time::Duration;

use tokio::time::timeout;

use super::registry::Manager;
use crate::persistence::Order;

/// If the store has not written after this time, it counts as failing.
const WRITTEN: Duration = Duration::from_secs(2);

impl Manager {
    /// A description of the damage that was found when the store was opened. `None` if there was
    /// none. With damage, data is lost.
    ///
    /// ```
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// if let Some(damage) = manager.store_damage() {
    ///     eprintln!("the store was damaged, something is lost: {damage}");
    /// }
    /// # assert_eq!(manager.store_damage(), None);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn store_damage(&self) -> Option<String> {
        self.0.process.persistence.damage()
    }

    /// Stores a small value of the program beyond the end of the process; `None` forgets it. The
    /// write happens soon. Nothing is stored if nothing needs the store; `service.remember` opens
    /// it at the start.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let dir = std::env::temp_dir().join(format!("everwire-keep-{}", std::process::id()));
    /// # let mut settings = everwire::Settings::default();
    /// # settings.service.state_dir = dir.clone();
    /// # settings.service.remember = true;
    /// # let manager = everwire::Manager::spawn(settings)?;
    /// // `service.remember` is set.
    /// manager.keep("last_order", Some(b"4711"));
    /// println!("on disk: {}", manager.written().await);
    ///
    /// manager.keep("last_order", None); // not needed any more
    /// # manager.shutdown(std::time::Duration::from_secs(5)).await;
    /// # std::fs::remove_dir_all(dir)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    pub fn keep(&self, key: impl Into<String>, value: Option<&[u8]>) {
        let order = Order::Value(key.into(), value.map(<[u8]>::to_vec));
        self.0.process.persistence.order(order);
    }

    /// Waits until all [kept](Self::keep) values, closes by hand and removals so far are safe on
    /// disk. `false`: the store fails, and writes them as soon as it can. Returns at once if there
    /// is no store.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let dir = std::env::temp_dir().join(format!("everwire-written-{}", std::process::id()));
    /// # let mut settings = everwire::Settings::default();
    /// # settings.service.state_dir = dir.clone();
    /// # settings.service.remember = true;
    /// # let manager = everwire::Manager::spawn(settings)?;
    /// manager.keep("last_order", Some(b"4711"));
    /// if !manager.written().await {
    ///     eprintln!("the disk is full, or fails: the order is not safe yet");
    /// }
    /// # manager.shutdown(std::time::Duration::from_secs(5)).await;
    /// # std::fs::remove_dir_all(dir)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    pub async fn written(&self) -> bool {
        let written = self.0.process.persistence.written();
        timeout(WRITTEN, written).await.unwrap_or(false)
    }

    /// The values that earlier processes have [kept](Self::keep), by key. They are read when the
    /// store is opened and returned once. Empty as long as the store [cannot be
    /// opened](Self::store_outage).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let dir = std::env::temp_dir().join(format!("everwire-take_kept-{}", std::process::id()));
    /// # let mut settings = everwire::Settings::default();
    /// # settings.service.state_dir = dir.clone();
    /// # settings.service.remember = true;
    /// # use everwire::Manager;
    /// # use std::time::Duration;
    /// let manager = Manager::spawn(settings.clone())?;
    /// manager.keep("last_order", Some(b"4711"));
    /// manager.shutdown(Duration::from_secs(20)).await;
    ///
    /// // The next process.
    /// let manager = Manager::spawn(settings)?;
    /// assert_eq!(manager.take_kept(), [("last_order".into(), b"4711".to_vec())]);
    /// # manager.shutdown(std::time::Duration::from_secs(5)).await;
    /// # std::fs::remove_dir_all(dir)?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    pub fn take_kept(&self) -> Vec<(String, Vec<u8>)> {
        self.0.process.persistence.take_values()
    }
}
