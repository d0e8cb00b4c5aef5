//! From a bounded stream of events into an actor's mailbox.

use actix::{Recipient, prelude::SendError};
use futures::StreamExt;

use crate::{events::Event, hub::Events};

/// Hands events to an actor, never more than its mailbox takes, until it is gone. While it is busy they wait in the
/// stream's queue, whose bound and overflow apply.
pub(crate) async fn forward(mut events: Events, recipient: Recipient<Event>) {
    while let Some(event) = events.next().await {
        match recipient.try_send(event) {
            Ok(()) => {}
            Err(SendError::Full(event)) => {
                if recipient.send(event).await.is_err() {
                    return;
                }
            }
            Err(SendError::Closed(_)) => return,
        }
    }
}
