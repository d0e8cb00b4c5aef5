//! Where the values of a JSON text end, found in one pass from left to right, without recursion.
//!
//! Each function takes the place in the text at which it begins, and answers the place behind what it has read; `None` if that is no
//! JSON. What they have read is JSON by all rules.

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
