//! What is handed to a subscriber at once.

use std::{collections::VecDeque, sync::Arc};

use super::{lease::Lease, run::Span, updates::Updates};

/// All that waited for a subscriber when its turn came, over all names; at least one update. Names have their turns in it, and what
/// each said is in its order.
///
/// Its events and bytes count against the subscriber's bound ([`Delivery`](super::Delivery)) until it is dropped, and the last of its clones:
/// who keeps one keeps what may wait for it small. A clone copies handles, no payloads.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # #[cfg(feature = "testing")]
/// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
/// # let peer = everwire::testing::Peer::start().await?;
/// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
/// # let settings = everwire::ConnectionSettings::new(peer.url("/echo"))?;
/// use everwire::{Delivery, Pattern};
///
/// let mut events = manager.subscribe(Pattern::all(), Delivery::default());
/// let feed = manager.open("feed", settings)?;
/// feed.send("hello")?; // the peer sends it back
/// let mut bytes = 0;
/// while bytes == 0 {
///     let batch = events.next_batch().await.ok_or("cut off")?;
///     println!("{} updates at once", batch.len());
///     for update in batch {
///         if let Some((_, message)) = update.message() {
///             bytes += message.len();
///         }
///     }
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).await??;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Batch {
    spans: VecDeque<Span>,
    lease: Option<Arc<Lease>>,
}

impl Batch {
    pub(super) fn new(spans: VecDeque<Span>, lease: Option<Arc<Lease>>) -> Self {
        Self { spans, lease }
    }

    /// How many updates it has.
    ///
    /// ```
    /// fn heard(batch: &everwire::Batch) {
    ///     println!("{} updates, {} bytes", batch.len(), batch.bytes());
    /// }
    /// ```
    pub fn len(&self) -> usize {
        self.spans.iter().map(Span::len).sum()
    }

    /// Whether it has none: never of one that a subscriber was handed.
    ///
    /// ```
    /// fn heard(batch: &everwire::Batch) {
    ///     assert!(!batch.is_empty());
    /// }
    /// ```
    pub fn is_empty(&self) -> bool {
        self.spans.iter().all(Span::is_empty)
    }

    /// The payload bytes of its messages.
    ///
    /// ```
    /// fn is_much(batch: &everwire::Batch) -> bool {
    ///     batch.bytes() > 1 << 20
    /// }
    /// ```
    pub fn bytes(&self) -> usize {
        self.spans.iter().map(Span::bytes).sum()
    }

    /// The updates in order. It stays what it is: they are handles to the same payloads.
    ///
    /// ```
    /// fn messages(batch: &everwire::Batch) -> usize {
    ///     batch.iter().filter(|update| update.message().is_some()).count()
    /// }
    /// ```
    pub fn iter(&self) -> Updates {
        self.clone().into_iter()
    }
}

impl IntoIterator for Batch {
    type Item = crate::events::Update;
    type IntoIter = Updates;

    fn into_iter(self) -> Updates {
        Updates::new(self.spans, self.lease)
    }
}

impl IntoIterator for &Batch {
    type Item = crate::events::Update;
    type IntoIter = Updates;

    fn into_iter(self) -> Updates {
        self.iter()
    }
}

impl actix::Message for Batch {
    type Result = ();
}
