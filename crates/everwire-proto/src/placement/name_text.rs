//! Names of connections in records.

use serde::{Deserialize, Serialize};

use crate::settings::{ConnectionName, InvalidName};

/// The name of a connection in a record.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct NameText(pub ConnectionName);

impl TryFrom<String> for NameText {
    type Error = InvalidName;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        ConnectionName::new(text).map(Self)
    }
}

impl From<NameText> for String {
    fn from(name: NameText) -> Self {
        name.0.to_string()
    }
}
