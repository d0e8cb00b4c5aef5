//! Events of a bridge, for a log.

use std::{
    fmt,
    panic::{AssertUnwindSafe, catch_unwind},
    path::PathBuf,
    sync::Arc,
};

use everwire::ConnectionName;

use crate::{error::BridgeError, part::Part, spool::SpoolError};

/// Something that happened to a bridge.
#[derive(Debug)]
#[non_exhaustive]
pub enum Report {
    /// There is a connection, and the streams are there.
    Up {
        /// Of what.
        part: Part,
        /// The server.
        server: String,
        /// Where the streams are not as the settings say.
        differences: Vec<String>,
    },
    /// There is no connection. It is told once for each reason.
    Down(Part, BridgeError),
    /// The spool cannot be read or written.
    Spool(SpoolError),
    /// The spool was damaged, and is put aside: what waited in it is not published.
    SpoolDamaged(PathBuf),
    /// Messages were dropped.
    Dropped {
        /// Whose they were.
        name: ConnectionName,
        /// How many.
        count: u64,
        /// Why.
        reason: &'static str,
    },
    /// The stream refuses messages of a name; they are published again later.
    Refused {
        /// Whose they are.
        name: ConnectionName,
        /// Why.
        text: String,
    },
    /// A message of the queue can never be sent. It is told once for each name and reason.
    NotSent {
        /// The name it was for.
        name: ConnectionName,
        /// A short name of the reason.
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
    /// The stream had later messages of a name than this process: its epoch was raised.
    EpochRaised {
        /// The name.
        name: ConnectionName,
        /// The epoch is above this.
        above: u32,
    },
    /// The bridge was too slow, and missed messages.
    Lagged,
}

/// Who is told. It is called on the bridge's thread and must not block.
#[derive(Clone)]
pub struct Observer(Arc<dyn Fn(&Report) + Send + Sync>);

impl Observer {
    /// Calls this with each report.
    pub fn new(tell: impl Fn(&Report) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    pub(crate) fn tell(&self, report: Report) {
        // The bridge outlives a panic of the callback.
        let _panicked = catch_unwind(AssertUnwindSafe(|| (self.0)(&report)));
    }
}

impl Default for Observer {
    /// Nobody is told.
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
