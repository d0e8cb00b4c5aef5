//! A batch of updates for a subscriber.

use std::{collections::VecDeque, sync::Arc};

use super::{json::JsonUpdate, lease::Lease, run::Span, updates::Updates};

/// All updates that waited for a subscriber when its turn came, over all names; at least one. Names
/// take turns in it, and each name's updates are in order.
///
/// Its events and bytes count against the subscriber's bound ([`Delivery`](super::Delivery)) until
/// the batch and all its clones are dropped. A batch that is kept therefore reduces what may wait.
/// A clone copies handles, no payloads.
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

    /// The number of updates.
    ///
    /// ```
    /// fn heard(batch: &everwire::Batch) {
    ///     println!("{} updates, {} bytes", batch.len(), batch.bytes());
    /// }
    /// ```
    pub fn len(&self) -> usize {
        self.spans.iter().map(Span::len).sum()
    }

    /// Whether it is empty: never for a batch that a subscriber receives.
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

    /// Splits updates off the front: at most `updates`, and none after `bytes` payload bytes. All
    /// of them count against the bound until the last part is dropped.
    ///
    /// ```
    /// /// In pieces that others need not wait long for.
    /// fn pieces(mut batch: everwire::Batch) -> impl Iterator<Item = everwire::Batch> {
    ///     std::iter::from_fn(move || {
    ///         let piece = batch.split_front(128, 64 << 10);
    ///         (!piece.is_empty()).then_some(piece)
    ///     })
    /// }
    /// ```
    #[must_use]
    pub fn split_front(&mut self, updates: usize, bytes: usize) -> Self {
        let mut front = Self::new(VecDeque::new(), self.lease.clone());
        let (mut updates, mut bytes) = (updates, bytes);
        while updates > 0
            && bytes > 0
            && let Some(span) = self.spans.front_mut()
        {
            let count = span.count_within(updates, bytes);
            let piece = match count < span.len() {
                true => Some(span.split_off_front(count)),
                false => self.spans.pop_front(),
            };
            updates -= count;
            bytes = bytes.saturating_sub(piece.as_ref().map_or(0, Span::bytes));
            front.spans.extend(piece);
        }
        front
    }

    /// The updates in order, as the API writes them: JSON that is safe for a client, a file or a
    /// terminal.
    ///
    /// Each text is made once for all subscribers that ask for it. It is kept for as long as one of
    /// them holds the update, and counts as memory of readers.
    ///
    /// ```
    /// fn server_sent(batch: &everwire::Batch) -> String {
    ///     let mut text = String::new();
    ///     for update in batch.json() {
    ///         if let Some(cursor) = update.cursor {
    ///             text.push_str(&format!("id: {cursor}\n"));
    ///         }
    ///         text.push_str(&format!("data: {}\n\n", update.text));
    ///     }
    ///     text
    /// }
    /// ```
    pub fn json(&self) -> impl Iterator<Item = JsonUpdate<'_>> {
        let memory = self.lease.as_ref().and_then(|lease| lease.json_memory());
        self.spans.iter().flat_map(move |span| span.json(memory))
    }

    /// The updates in order. The batch is unchanged: the updates are handles to the same payloads.
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

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::{
        core::{ConnectionName, Cursor, Message},
        events::{EventKind, Lagged, Stamp, Update},
        hub::{NewEvents, run::Run},
    };

    /// A notice, and messages of these lengths in runs.
    fn batch(runs: &[&[usize]]) -> Batch {
        let mut stamp = Stamp {
            name: ConnectionName::new("feed").unwrap(),
            epoch: 1,
            seq: 1,
            cursor: Cursor(1),
            at: Timestamp::UNIX_EPOCH,
            subscription: None,
        };
        let mut spans = VecDeque::from([Span::from(Lagged::now(None))]);
        for sizes in runs {
            let message = |size: &usize| EventKind::Message(Message::binary(vec![0; *size]));
            let run = Run::take(
                stamp.clone(),
                &mut sizes.iter().map(message).collect::<NewEvents>(),
            );
            spans.push_back(run.into());
            stamp.seq += sizes.len() as u64;
            stamp.cursor.0 += sizes.len() as u64;
        }
        Batch::new(spans, None)
    }

    #[test]
    fn a_batch_is_split_into_pieces_in_order() {
        let runs: [&[usize]; 4] = [&[5, 0, 7], &[1], &[100, 1, 1, 1], &[3, 3]];
        let all: Vec<Update> = batch(&runs).into_iter().collect();
        for updates in 1..=all.len() {
            for bytes in [1, 2, 6, 8, 100, usize::MAX] {
                let (mut rest, mut told) = (batch(&runs), Vec::new());
                while !rest.is_empty() {
                    let piece = rest.split_front(updates, bytes);
                    assert!((1..=updates).contains(&piece.len()));
                    let sizes = piece
                        .iter()
                        .map(|update| update.message().map_or(0, |(_, message)| message.len()));
                    let sizes: Vec<usize> = sizes.collect();
                    let before_last: usize = sizes[..sizes.len() - 1].iter().sum();
                    assert!(before_last < bytes, "{sizes:?} for {bytes}");
                    told.extend(piece);
                }
                assert_eq!(told[1..], all[1..]);
                assert!(told[0].event().is_none());
            }
        }
    }
}
