//! Undoes what a peer does to its messages before it frames them: its own compression, or several
//! messages in one.
//!
//! Some servers do not use permessage-deflate but send gzip in binary messages, or one zlib stream
//! over all of them; some put a separator between records. A [`MessageDecoder`] turns messages of
//! the [wire](crate::wire) into application messages. Each socket has its own.
//!
//! ```
//! use everwire_proto::decode::{Decoding, MessageDecoder, Next, Payload, Separator, Stage};
//! use everwire_proto::wire::deflate::NoPool;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let decoding = Decoding::new(vec![Stage::Split(Separator::new("\u{1e}")?)])?;
//! let mut decoder = MessageDecoder::new(&decoding, 1 << 20, &NoPool);
//! decoder.push(Payload::Text("{}\u{1e}{\"type\":6}\u{1e}".into()));
//! assert_eq!(decoder.next()?, Next::Message(Payload::Text("{}".into())));
//! assert_eq!(decoder.next()?, Next::Message(Payload::Text("{\"type\":6}".into())));
//! assert_eq!(decoder.next()?, Next::Nothing);
//! # Ok(())
//! # }
//! ```

mod decoder;
mod decoding;
mod error;
mod gzip;
mod inflate;
mod output;
mod payload;
mod split;
#[cfg(test)]
mod tests;
mod zlib_stream;

pub use self::{
    decoder::{MessageDecoder, Next},
    decoding::{Decoding, InvalidDecoding, MAX_SEPARATOR, MAX_STAGES, Separator, Stage},
    error::{DecodeError, Format},
    inflate::MAX_MEMBERS,
    payload::Payload,
    zlib_stream::ZLIB_WINDOW,
};
