//! How a dead peer is detected.

use std::time::Duration;

/// How a dead peer is detected.
#[derive(Clone, Debug, PartialEq)]
pub enum Heartbeat {
    /// No heartbeat: only TCP and `idle_timeout` detect a dead peer.
    Off,
    /// Ping frames (RFC 6455 §5.5.2) with a payload of our own.
    Protocol {
        /// The time between pings.
        interval: Duration,
        /// The time limit from a ping to its pong; after that the socket is lost.
        timeout: Duration,
    },
    /// Text messages that the server answers with a text message.
    Text {
        /// The time between pings.
        interval: Duration,
        /// The time limit from a ping to its pong; after that the socket is lost.
        timeout: Duration,
        /// The ping.
        ping: String,
        /// The server's answer: the whole message.
        pong: String,
        /// Whether the server answers in order, so that an answer confirms earlier messages.
        fence: bool,
        /// Whether subscribers get the answers, too.
        deliver: bool,
    },
}

impl Heartbeat {
    /// The default time between pings.
    pub const DEFAULT_INTERVAL: Duration = Duration::from_secs(10);

    /// The default time limit from a ping to its pong.
    pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(20);

    /// How long a connection is silent before the kernel may probe it (TCP keepalive).
    pub const KEEPALIVE_TIME: Duration = Duration::from_secs(60);

    /// Whether a connection with this heartbeat needs the kernel's probes. One that is never silent
    /// for [`KEEPALIVE_TIME`](Self::KEEPALIVE_TIME) would never be probed, so it saves three system
    /// calls at each dial.
    pub fn needs_keepalive(&self) -> bool {
        match self {
            Self::Off => true,
            Self::Protocol { interval, .. } | Self::Text { interval, .. } => {
                *interval >= Self::KEEPALIVE_TIME
            }
        }
    }

    /// Whether it sends texts.
    pub fn is_text(&self) -> bool {
        matches!(self, Self::Text { .. })
    }

    /// Whether its answers confirm earlier messages.
    pub fn can_fence(&self) -> bool {
        match self {
            Self::Off => false,
            // TCP and RFC 6455 §5.5.3 keep the order.
            Self::Protocol { .. } => true,
            Self::Text { fence, .. } => *fence,
        }
    }
}

impl Default for Heartbeat {
    fn default() -> Self {
        Self::Protocol {
            interval: Self::DEFAULT_INTERVAL,
            timeout: Self::DEFAULT_TIMEOUT,
        }
    }
}
