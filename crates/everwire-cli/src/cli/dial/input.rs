//! The input, as messages.

use bytes::Bytes;
use everwire::{Fate, Handle, Message, Receipt, Rejected, SendError};

use crate::cli::{Failure, input::Lines};

/// The accepted part of the input.
#[derive(Debug)]
pub struct Sent {
    /// The number of messages.
    pub count: u64,
    /// The last message.
    pub last: Option<Receipt>,
}

/// Sends each line, and waits while the outbox is full. Returns when the last one is accepted.
///
/// # Errors
///
/// [`Failure`] at the first line that cannot be sent.
pub async fn send(handle: &Handle, mut lines: Lines) -> Result<Sent, Failure> {
    let (mut count, mut last) = (0, None);
    while let Some(line) = lines.next().await? {
        count += 1;
        let sent = one(handle, line, last.as_ref()).await;
        let receipt = sent.map_err(|why| Failure::Undone(format!("line {count}: {why}")))?;
        last = Some(receipt);
    }
    Ok(Sent { count, last })
}

/// Sends a line. `before` is the previous message: when that is written, there is room.
///
/// # Errors
///
/// Why it is not accepted.
pub async fn one(
    handle: &Handle,
    line: Bytes,
    before: Option<&Receipt>,
) -> Result<Receipt, SendError> {
    let text = std::str::from_utf8(&line).map_err(|_| Rejected::NotText)?;
    let message = Message::text(text);
    match (handle.send(message.clone()), before) {
        (Err(SendError::Rejected(Rejected::Full)), Some(before)) => {
            before.fate(Fate::Written).await;
            handle.send(message)
        }
        (sent, _) => sent,
    }
}
