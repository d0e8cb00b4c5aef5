//! What a status says of a rotation that does not come about.

use jiff::Timestamp;
use serde::Serialize;

use crate::events::optional_time;

/// A rotation whose new socket could not be had so far. The old one serves on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RotationStatus {
    /// How many dials of the new socket have failed, one after the other; [`last_error`](crate::Status::last_error) says why.
    pub failures: u32,
    /// When the next one is due; `None`: it is on its way.
    #[serde(serialize_with = "optional_time")]
    pub retry_at: Option<Timestamp>,
}

impl RotationStatus {
    pub(in crate::connection) fn new(failures: u32, retry_at: Option<Timestamp>) -> Self {
        Self { failures, retry_at }
    }
}
