//! Finds the ends of values in a JSON text, in one pass from left to right, without recursion.
//!
//! Each function takes its start in the text, and returns the place after what it has read; `None`
//! if that is not JSON. What it has read is valid JSON.

mod brackets;
mod container;
mod member;
mod number;
mod string;
mod text;
mod value;
mod word;

pub use self::brackets::MAX_DEPTH;
pub(super) use self::{member::Member, string::Quoted, text::Scan, word::of as head};
