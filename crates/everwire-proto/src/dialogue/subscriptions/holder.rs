//! A holder of a subscription.

use std::{fmt, str::FromStr};

use serde::{Serialize, Serializer};

/// A holder of a subscription. The subscription stays as long as it has holders.
///
/// ```
/// use everwire_proto::dialogue::Holder;
///
/// let holders = [Holder::File, Holder::Api, Holder::Session(17)];
/// assert_eq!(holders.map(|holder| holder.to_string()), ["file", "api", "ws:17"]);
/// assert_eq!("ws:17".parse(), Ok(Holder::Session(17)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Holder {
    /// The settings: `subscriptions`.
    File,
    /// Callers of the API, or of the library.
    Api,
    /// A downstream socket, by its number; it releases its subscriptions when it ends.
    Session(u64),
}

/// The text is not a holder.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("invalid holder {0:?}: write file, api or ws:NUMBER")]
pub struct InvalidHolder(String);

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File => f.write_str("file"),
            Self::Api => f.write_str("api"),
            Self::Session(session) => write!(f, "ws:{session}"),
        }
    }
}

impl FromStr for Holder {
    type Err = InvalidHolder;

    fn from_str(text: &str) -> Result<Self, InvalidHolder> {
        let number = || text.strip_prefix("ws:")?.parse().ok();
        match text {
            "file" => Ok(Self::File),
            "api" => Ok(Self::Api),
            _ => number()
                .map(Self::Session)
                .ok_or_else(|| InvalidHolder(text.into())),
        }
    }
}

impl Serialize for Holder {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}
