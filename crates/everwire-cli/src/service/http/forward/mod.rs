//! Requests that other nodes of the cluster answer: about names that they hold, and about all names.

mod envelope;
mod everywhere;
mod name;
mod serve;

pub use self::{everywhere::everywhere, name::elsewhere, serve::serve};
