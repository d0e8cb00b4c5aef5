//! HTTP calls and programs: the steps before a dial, filling the dial with their answers, and the
//! calls of sockets.

mod before;
mod body;
mod call;
mod caller;
mod exec;
mod fill;
mod here;
mod http_url;
mod preparer;
mod run;
mod shared;

pub(crate) use self::{
    before::{Before, ForDial, Preparing, Teller},
    caller::CallFor,
    preparer::Preparer,
};
