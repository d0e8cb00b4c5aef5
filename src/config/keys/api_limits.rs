//! `service.api_limits`.

use crate::config::{
    read::table,
    values::{Kept, Size, Timeout},
};
use crate::settings::ApiLimits;

table! {
    /// Upper limits of what comes over the API. What [defaults] give to a name may be more.
    pub(in crate::config) struct ApiLimitsTable {
        /// The longest connect_timeout, close_timeout, and heartbeat's interval and timeout.
        timeout: Timeout = "5m",
        /// The largest max_message and max_frame.
        max_message: Size = "16MiB",
        /// The largest outbox.bytes; outbox.messages is at most one for each 256 bytes of it.
        outbox: Size = "16MiB",
        /// The largest history.bytes; history.messages is at most one for each 256 bytes of it.
        history: Size = "16MiB",
        /// How many names each token may have put that does not reach all names; 0 is none.
        names: Kept = 1000,
    }
}

impl ApiLimitsTable {
    /// The settings: what is not written keeps its default.
    pub fn settings(self) -> ApiLimits {
        let mut limits = ApiLimits::default();
        if let Some(timeout) = self.timeout {
            limits.timeout = timeout.value.0;
        }
        if let Some(size) = self.max_message {
            limits.max_message = size.value.0;
        }
        if let Some(size) = self.outbox {
            limits.outbox = size.value.0;
        }
        if let Some(size) = self.history {
            limits.history = size.value.0;
        }
        if let Some(names) = self.names {
            limits.names = names.value.0;
        }
        limits
    }
}
