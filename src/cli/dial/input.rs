//! Standard input, as messages.

use bytes::Bytes;
use everwire::{Fate, Handle, Message, Receipt, Rejected};

use crate::cli::{Failure, input::Lines};

/// Sends each line, waiting while the outbox is full; done when the last one is written.
///
/// # Errors
///
/// [`Failure`] at the first line that cannot be sent.
pub async fn send(handle: &Handle, mut lines: Lines) -> Result<(), Failure> {
    let mut last = None;
    let mut number = 0_u64;
    while let Some(line) = lines.next().await? {
        number += 1;
        let sent = one(handle, line, last.as_ref()).await;
        let receipt = sent.map_err(|why| Failure::Undone(format!("line {number}: {why}")))?;
        last = Some(receipt);
    }
    if let Some(last) = last {
        let fate = last.fate(Fate::Written).await;
        if !fate.reaches(Fate::Written) {
            let text = format!("the last message is {}", fate.as_str());
            return Err(Failure::Undone(text));
        }
    }
    Ok(())
}

/// `before` is the message ahead of it: when that is written, there is room.
async fn one(handle: &Handle, line: Bytes, before: Option<&Receipt>) -> Result<Receipt, Rejected> {
    let text = std::str::from_utf8(&line).map_err(|_| Rejected::NotText)?;
    let message = Message::text(text);
    match (handle.send(message.clone()), before) {
        (Err(Rejected::Full), Some(before)) => {
            before.fate(Fate::Written).await;
            handle.send(message)
        }
        (sent, _) => sent,
    }
}
