//! The WebSocket wire, client side (RFC 6455 §5): bytes in, messages out, and back.
//!
//! Pure: no socket, no clock, no random numbers. The time and the mask keys are arguments, so that
//! every behaviour can be replayed; a test of the crate enforces this.
//!
//! * [`Decoder`] turns bytes of a socket into [`Incoming`], or into the [`Violation`] for which the
//!   connection must be failed (§7.1.7).
//! * [`encode_frame`], or [`encode_header`] followed by [`mask_into`], append outgoing frames.
//!
//! * [`deflate`] compresses messages, where that was agreed on.
//!
//! ```
//! use std::time::Instant;
//! use bytes::{Bytes, BytesMut};
//! use everwire_proto::wire::{Decoder, Incoming, Limits, Opcode, encode_frame};
//!
//! let mut decoder = Decoder::new(Limits::default());
//! let mut read = Bytes::from_static(b"\x81\x02hi\x89\x00");
//! assert_eq!(decoder.decode(&mut read, Instant::now()), Ok(Some(Incoming::Text("hi".into()))));
//! assert_eq!(decoder.decode(&mut read, Instant::now()), Ok(Some(Incoming::Ping(Bytes::new()))));
//! assert_eq!(decoder.decode(&mut read, Instant::now()), Ok(None));
//!
//! let mut out = BytesMut::new();
//! encode_frame(Opcode::Text, true, b"hi", [0, 0, 0, 0], &mut out);
//! assert_eq!(&out[..], b"\x81\x82\0\0\0\0hi");
//! ```

mod assemble;
mod close;
pub mod code;
mod control_rate;
mod decode;
pub mod deflate;
mod encode;
mod header;
mod incoming;
mod limits;
mod mask;
mod opcode;
mod partial_frame;
mod utf8;
mod violation;

pub use close::{CloseFrame, MAX_REASON};
pub use code::is_sendable;
pub use decode::Decoder;
pub use encode::{MAX_HEADER, encode_close, encode_compressed, encode_frame, encode_header};
pub use header::Header;
pub use incoming::Incoming;
pub use limits::Limits;
pub use mask::mask_into;
pub use opcode::{MAX_CONTROL, Opcode};
pub use violation::Violation;
