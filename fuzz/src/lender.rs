//! Compression states that outlive an input, as they outlive a connection.

use std::cell::RefCell;

use everwire_proto::wire::deflate::{Lend, StatePool};

/// Lends this thread's pool.
#[derive(Debug)]
pub struct Lender;

impl Lend for Lender {
    fn lend(&self, work: &mut dyn FnMut(&mut StatePool)) {
        thread_local! {
            static SPARES: RefCell<StatePool> = RefCell::default();
        }
        SPARES.with_borrow_mut(work);
    }
}
