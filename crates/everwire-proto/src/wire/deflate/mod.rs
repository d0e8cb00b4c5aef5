//! permessage-deflate (RFC 7692): the offer, the agreement, and the data in both directions.
//!
//! * [`Offer`] is the element of `Sec-WebSocket-Extensions` that a client sends; [`agree`] checks
//!   the answer.
//! * [`Inflater`] goes into a [`Decoder`](super::Decoder), which then accepts RSV1 on the first
//!   frame of a message.
//! * [`Deflater`] compresses messages, whole or piece by piece.
//! * [`StatePool`] holds the states that connections without context takeover borrow for the length
//!   of a message. The runtime of the connections lends it.

mod agreed;
mod answer;
mod deflater;
mod inflater;
mod offer;
mod pool;
mod state;
mod window;

pub use agreed::Agreed;
pub use answer::{AnswerError, agree};
pub use deflater::{DeflateError, Deflater};
pub use inflater::Inflater;
pub use offer::Offer;
pub use pool::{Lend, NoPool, StatePool};
pub(crate) use pool::{put_inflate, take_inflate};
pub use state::Level;
pub use window::WindowBits;

/// The extension's name (RFC 7692 §8).
pub const NAME: &str = "permessage-deflate";

const CLIENT_MAX_WINDOW_BITS: &str = "client_max_window_bits";
const CLIENT_NO_CONTEXT_TAKEOVER: &str = "client_no_context_takeover";
const SERVER_MAX_WINDOW_BITS: &str = "server_max_window_bits";
const SERVER_NO_CONTEXT_TAKEOVER: &str = "server_no_context_takeover";

/// The end of each compressed message, which is not sent: an empty block's lengths (§7.2.1).
pub(crate) const TAIL: [u8; 4] = [0x00, 0x00, 0xff, 0xff];
