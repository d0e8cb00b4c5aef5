//! What is done before a dial: HTTP calls and programs, and filling the dial with what they have answered.

mod before;
mod body;
mod call;
mod exec;
mod fill;
mod here;
mod http_url;
mod preparer;
mod run;
mod shared;

pub(crate) use self::{
    before::{Before, ForDial, Preparing},
    preparer::Preparer,
};
