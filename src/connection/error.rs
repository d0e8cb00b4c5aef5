//! Why a connection does not do what was requested.

use std::{error::Error, fmt};

use actix::MailboxError;

use crate::core::{Cause, Rejected};

/// There is no connection of this name, or not any more; or its actor is gone. Nothing comes of it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
/// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
/// use everwire::ConnectionGone;
///
/// let gone: ConnectionGone = manager.remove("nobody").await.unwrap_err();
/// assert_eq!(gone.to_string(), "the connection is gone");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).await??;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConnectionGone {
    /// Whether its mailbox said so; otherwise no such name is known.
    mailbox: bool,
}

impl ConnectionGone {
    /// There is no such name.
    pub(crate) const UNKNOWN: Self = Self { mailbox: false };

    /// The error of an actor's mailbox. Requests have no deadline, so there is only one reason.
    pub(crate) fn of_mailbox(_closed: MailboxError) -> Self {
        Self { mailbox: true }
    }
}

impl fmt::Display for ConnectionGone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is gone")
    }
}

impl Error for ConnectionGone {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self.mailbox {
            true => Some(&MailboxError::Closed),
            false => None,
        }
    }
}

/// Why a message, or the data of a connect, was not accepted: it has no id, and nothing further happens to it.
///
/// ```
/// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
/// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
/// # settings.enabled = false;
/// settings.outbox.messages = 1;
/// let feed = manager.open("feed", settings)?;
/// use everwire::{Rejected, SendError};
///
/// feed.send("hello")?;
/// match feed.send("one too many") {
///     Ok(receipt) => println!("accepted as {}", receipt.id()),
///     Err(SendError::Rejected(Rejected::Full)) => println!("later"),
///     Err(error) => return Err(error.into()),
/// }
/// # assert_eq!(feed.send("no").unwrap_err(), Rejected::Full);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SendError {
    /// The outbox does not take it.
    #[error("{0}")]
    Rejected(#[from] Rejected),
    /// The actor is gone. A name that was removed in an orderly way answers [`Rejected::Closed`].
    #[error("{0}")]
    Gone(#[from] ConnectionGone),
}

impl PartialEq<Rejected> for SendError {
    fn eq(&self, other: &Rejected) -> bool {
        matches!(self, Self::Rejected(rejected) if rejected == other)
    }
}

/// There is no open socket that could be [rotated](crate::Handle::rotate).
///
/// ```
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
/// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
/// # let mut settings = everwire::ConnectionSettings::new("ws://localhost:9/")?;
/// # settings.enabled = false;
/// # let feed = manager.open("feed", settings)?;
/// use everwire::NotOpen;
///
/// match feed.rotate().await {
///     Ok(()) => println!("a successor is on its way"),
///     Err(NotOpen::Lost(cause)) => println!("it is down: {}", cause.text()),
///     Err(error) => println!("{error}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # }).await??;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("the connection is not open: there is nothing to rotate")]
#[non_exhaustive]
pub enum NotOpen {
    /// It has none, and has lost none: it rests, is dialled for the first time, or closes.
    NoSocket,
    /// It was lost, or its last dial failed, for this cause.
    Lost(#[source] Cause),
    /// The connection was removed, or its actor is gone.
    Gone(#[from] ConnectionGone),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_error_loses_its_source() {
        let gone = ConnectionGone::of_mailbox(MailboxError::Closed);
        let sources = |error: &dyn Error| {
            let sources = std::iter::successors(error.source(), |&error| error.source());
            sources.map(ToString::to_string).collect::<Vec<_>>()
        };
        let (gone_text, mailbox) = (gone.to_string(), MailboxError::Closed.to_string());
        assert_eq!(sources(&gone), [mailbox.as_str()]);
        assert_eq!(
            sources(&SendError::from(gone)),
            [gone_text.as_str(), &mailbox]
        );
        assert_eq!(
            sources(&NotOpen::from(gone)),
            [gone_text.as_str(), &mailbox]
        );
        let full = SendError::from(Rejected::Full);
        assert_eq!(sources(&full), [full.to_string()]);
        let lost = NotOpen::Lost(Cause::PongTimeout);
        assert_eq!(sources(&lost), [Cause::PongTimeout.to_string()]);
        assert!(sources(&NotOpen::NoSocket).is_empty());
        assert!(ConnectionGone::UNKNOWN.source().is_none());
    }
}
