//! `service.api_limits`.

use crate::config::{
    read::table,
    values::{Kept, Size, Timeout},
};
use crate::settings::ApiLimits;

table! {
    /// Upper limits for settings that come over the API. Values from [defaults] may be larger.
    pub(in crate::config) struct ApiLimitsTable => ApiLimits {
        /// The longest connect_timeout, close_timeout, and heartbeat's interval and timeout.
        timeout: Timeout = "5m",
        /// The largest max_message and max_frame.
        max_message: Size = "16MiB",
        /// The largest outbox.bytes; outbox.messages is at most one for each 256 bytes of it.
        outbox: Size = "16MiB",
        /// The largest history.bytes; history.messages is at most one for each 256 bytes of it.
        history: Size = "16MiB",
        /// How many names a token may put if it does not reach all names; 0 is none.
        names: Kept = 1000,
    }
}
