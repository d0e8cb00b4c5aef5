//! Events of a bridge, for a log.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
};

use everwire::ConnectionName;

use crate::{error::BridgeError, part::Part, spool::SpoolError};

/// An event of a bridge.
#[derive(Debug)]
#[non_exhaustive]
pub enum Report {
    /// There is a connection, and the streams exist.
    Up {
        /// The direction.
        part: Part,
        /// The server.
        server: String,
        /// Differences between the streams and the settings.
        differences: Vec<String>,
    },
    /// There is no connection. Reported once per reason.
    Down(Part, BridgeError),
    /// The spool cannot be read or written.
    Spool(SpoolError),
    /// The spool was damaged, and is set aside: the messages in it are not published.
    SpoolDamaged(PathBuf),
    /// Messages were dropped.
    Dropped {
        /// Their name.
        name: ConnectionName,
        /// How many.
        count: u64,
        /// Why.
        reason: &'static str,
    },
    /// The stream refuses messages of a name; they are published again later.
    Refused {
        /// Their name.
        name: ConnectionName,
        /// Why.
        text: String,
    },
    /// A message of the queue can never be sent. Reported once for each name and reason.
    NotSent {
        /// The name it was for.
        name: ConnectionName,
        /// The code of the reason.
        reason: &'static str,
        /// Why.
        text: String,
    },
    /// An answer to a message of the queue does not go to its subject.
    NotAnswered {
        /// The subject.
        subject: String,
        /// Why.
        text: &'static str,
    },
    /// The stream had later messages of a name than this process: the epoch was raised.
    EpochRaised {
        /// The name.
        name: ConnectionName,
        /// The new epoch is greater than this.
        above: u32,
    },
    /// The bridge was too slow, and missed messages.
    Lagged,
}

/// The receiver of reports. It is called on the bridge's thread and must not block.
#[derive(Clone)]
pub struct Observer(Arc<dyn Fn(&Report) + Send + Sync>);

impl Observer {
    /// Calls this function with each report.
    pub fn new(tell: impl Fn(&Report) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(crate) fn tell(&self, report: Report) {
        // The bridge outlives a panic of the callback.
        let _panicked = catch_unwind(AssertUnwindSafe(|| (self.0)(&report)));
    }
}

impl Default for Observer {
    /// An observer that ignores all reports.
    fn default() -> Self {
        Self::new(|_| {})
    }
}

impl fmt::Debug for Observer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Observer")
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Up {
                part,
                server,
                differences,
            } => {
                write!(f, "{part} is connected to {server}")?;
                differences
                    .iter()
                    .try_for_each(|text| write!(f, "; {text}"))
            }
            Self::Down(part, error) => write!(f, "{part} carries nothing: {error}"),
            Self::Spool(error) => write!(f, "{error}"),
            Self::SpoolDamaged(aside) => write!(
                f,
                "the spool was damaged: it is now {}, and what waited in it is not published",
                aside.display()
            ),
            Self::Dropped {
                name,
                count,
                reason,
            } => write!(f, "{count} messages of {name} were dropped: {reason}"),
            Self::Refused { name, text } => {
                write!(f, "messages of {name} are not published: {text}")
            }
            Self::NotSent { name, reason, text } => {
                write!(f, "messages for {name} are refused ({reason}): {text}")
            }
            Self::NotAnswered { subject, text } => {
                write!(f, "nobody is answered at {subject}: {text}")
            }
            Self::EpochRaised { name, above } => {
                write!(
                    f,
                    "the stream has epoch {above} of {name}: its next epoch is above that"
                )
            }
            Self::Lagged => f.write_str("the bridge was too slow and missed messages"),
        }
    }
}
