//! The end of a conversation.

use std::time::Duration;

use everwire::{EventKind, Events, Handle, State, Status};
use futures::StreamExt as _;

use super::{course::End, printer::Printer};
use crate::cli::Failure;

/// The time limit for the closing handshake, above `close_timeout`.
pub const CLOSE: Duration = Duration::from_secs(10);

/// Closes, prints what is received until the peer has closed, too, and checks that all messages
/// were sent.
///
/// # Errors
///
/// [`Failure::Undone`] if the peer does not answer, or if a message was not sent or is in doubt.
pub async fn close(handle: &Handle, events: Events, printer: Printer) -> Result<(), Failure> {
    let closed = tokio::time::timeout(CLOSE, say_goodbye(handle, events, printer));
    closed
        .await
        .unwrap_or_else(|_| Err(Failure::Undone("the peer does not answer the close".into())))
}

async fn say_goodbye(handle: &Handle, mut events: Events, printer: Printer) -> Result<(), Failure> {
    let mut end = End::begins(&status(handle).await?);
    let asked = handle.close(1000, "").await;
    asked.map_err(|error| Failure::Undone(error.to_string()))?;
    while let Some(update) = events.next().await {
        printer.print(&update)?;
        if let Some(EventKind::Closed(report)) = update.kind() {
            end.hear(report);
            // It may be the end of a socket that was lost meanwhile.
            if status(handle).await?.state == State::Closed {
                break;
            }
        }
    }
    end.judge(&status(handle).await?)
}

async fn status(handle: &Handle) -> Result<Status, Failure> {
    let status = handle.status().await;
    status.map_err(|gone| Failure::Undone(gone.to_string()))
}
