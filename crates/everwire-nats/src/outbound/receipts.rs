//! Receipts of messages in flight, until their final fates.

use everwire::{ConnectionName, Fate, Receipt, config::NatsAck};
use futures::{StreamExt, future::BoxFuture, stream::FuturesUnordered};

/// A message with its fate.
pub(super) struct Settled {
    pub name: ConnectionName,
    pub sequence: u64,
    /// The stream that the number belongs to.
    pub stream: u64,
    pub id: u64,
    pub epoch: u32,
    pub fate: Fate,
}

/// The messages in flight through all names. The outboxes of the names limit them.
#[derive(Default)]
pub(super) struct Receipts(FuturesUnordered<BoxFuture<'static, Settled>>);

impl Receipts {
    /// Waits for the fate that acknowledges a message, or for another final one.
    pub fn watch(
        &mut self,
        name: ConnectionName,
        sequence: u64,
        stream: u64,
        receipt: Receipt,
        ack: NatsAck,
    ) {
        let wanted = match ack {
            NatsAck::Confirmed => Fate::Confirmed,
            NatsAck::Written => Fate::Written,
        };
        self.0.push(Box::pin(async move {
            let (id, epoch) = (receipt.id(), receipt.epoch());
            Settled {
                fate: receipt.fate(wanted).await,
                name,
                sequence,
                stream,
                id,
                epoch,
            }
        }));
    }

    /// The next message with its fate.
    pub async fn next(&mut self) -> Settled {
        match self.0.next().await {
            Some(settled) => settled,
            None => std::future::pending().await,
        }
    }
}
