//! JSON texts without a tree: values at pointers are found in one pass, and used as they were
//! written.
//!
//! A text is JSON here if RFC 8259 says so and its brackets are at most [`MAX_DEPTH`] deep. JSON
//! that Rust has no value for counts as JSON, too: a number may be of any size and keeps its digits
//! ([`Number`]); an escape may name half a surrogate pair, and such a string has no text
//! ([`RawJson::as_text`]); a key of that kind is not found. If a key occurs twice the last value
//! counts, as for `serde_json` and JavaScript.
//!
//! ```
//! use everwire_proto::language::json::{JsonPointer, PointerSet, Spans};
//!
//! let mut pointers = PointerSet::default();
//! let number = pointers.insert(&JsonPointer::new("/data/t")?);
//! let stream = pointers.insert(&JsonPointer::new("/stream")?);
//!
//! // Once for each message; the memory is used again.
//! let mut spans = Spans::default();
//! let found = pointers.find(r#"{"stream":"btc","data":{"t":17.0}}"#, &mut spans).ok_or("no JSON")?;
//! assert_eq!(found.get(number).map(|value| value.as_str()), Some("17.0"));
//! assert!(found.get(stream).is_some_and(|value| value.is_text("btc")));
//! assert!(pointers.find("pong", &mut spans).is_none());
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod escape;
mod items;
mod key;
mod lookup;
mod number;
mod pointer;
mod raw;
mod scan;
mod set;
#[cfg(test)]
mod tests;
mod unescape;
mod walk;

pub(super) use self::raw::prefix;
pub use self::{
    escape::{write_escaped, write_quoted},
    items::Items,
    lookup::Scalar,
    number::Number,
    pointer::{InvalidPointer, JsonPointer, MAX_POINTER},
    raw::{Kind, RawJson},
    scan::MAX_DEPTH,
    set::{Found, PointerSet, Slot, Spans},
};
