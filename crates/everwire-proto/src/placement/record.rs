//! Records of the log as bytes.

use serde::{Deserialize, Serialize};

use super::{Command, VERSION};

/// What a record says.
///
/// ```
/// use everwire_proto::placement::{BootId, Command, Record};
///
/// let renewal = Command::Renew { boot: BootId::new(7), number: 3 };
/// let bytes = Record::encode(&renewal);
/// assert_eq!(
///     String::from_utf8_lossy(&bytes),
///     r#"{"v":1,"renew":{"boot":"0000000000000007","number":3}}"#
/// );
/// assert_eq!(Record::decode(&bytes), Record::Command(renewal));
/// assert_eq!(Record::decode(br#"{"v":2,"sing":{}}"#), Record::Newer(2));
/// assert_eq!(Record::decode(b"la la la"), Record::Unreadable);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub enum Record {
    /// A command.
    Command(Command),
    /// A record of this version, which is too new for this code. What it does to the state is
    /// unknown: a node that meets one can no longer take part.
    Newer(u32),
    /// No record of any version. It is void for all nodes.
    Unreadable,
}

#[derive(Serialize, Deserialize)]
struct Versioned<C> {
    v: u32,
    #[serde(flatten)]
    command: C,
}

impl Record {
    /// Reads a record.
    pub fn decode(bytes: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Version {
            v: u32,
        }
        match serde_json::from_slice(bytes) {
            Ok(Version { v: 1..=VERSION }) => {}
            Ok(Version { v }) if v > VERSION => return Self::Newer(v),
            Ok(_) | Err(_) => return Self::Unreadable,
        }
        match serde_json::from_slice::<Versioned<Command>>(bytes) {
            Ok(record) => Self::Command(record.command),
            Err(_) => Self::Unreadable,
        }
    }

    /// Writes a command.
    pub fn encode(command: &Command) -> Vec<u8> {
        let record = Versioned {
            v: VERSION,
            command,
        };
        // A command has only keys that are texts: JSON can say each.
        serde_json::to_vec(&record).unwrap_or_default()
    }
}
