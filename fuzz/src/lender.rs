//! States of compression that outlive an input, as they outlive a connection.

use std::cell::RefCell;

use everwire_proto::wire::deflate::{Lend, Spares};

/// Lends this thread's spares.
#[derive(Debug)]
pub struct Lender;

impl Lend for Lender {
    fn lend(&self, work: &mut dyn FnMut(&mut Spares)) {
        thread_local! {
            static SPARES: RefCell<Spares> = RefCell::default();
        }
        SPARES.with_borrow_mut(work);
    }
}
