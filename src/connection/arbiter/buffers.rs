//! The buffers of an arbiter: one to read into, one to encode into, shared by all sockets of its thread.
//!
//! Idle sockets own none. A socket borrows them within one poll, and keeps only what the kernel did not take.

use std::cell::RefCell;

use crate::chance;
use crate::wire::deflate::{Lend, NoPool, StatePool};
use bytes::BytesMut;

/// As much is read from a socket by one call.
pub(in crate::connection) const READ: usize = 64 << 10;

/// As much is encoded before the socket is asked to take it.
pub(in crate::connection) const WRITE: usize = 64 << 10;

thread_local! {
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into());
    static WRITE_BUFFER: RefCell<BytesMut> = RefCell::new(BytesMut::with_capacity(WRITE + 256));
    static DEFLATE_BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static STATE_POOL: RefCell<StatePool> = RefCell::default();
}

/// Lends the arbiter's buffer for reading. A borrow within a borrow gets one of its own.
pub(in crate::connection) fn with_read_buffer<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    READ_BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => work(&mut buffer),
        Err(_) => work(&mut vec![0; READ]),
    })
}

/// Lends the arbiter's empty buffer for encoding. A borrow within a borrow gets one of its own.
pub(in crate::connection) fn with_write_buffer<T>(work: impl FnOnce(&mut BytesMut) -> T) -> T {
    WRITE_BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => {
            buffer.clear();
            work(&mut buffer)
        }
        Err(_) => work(&mut BytesMut::new()),
    })
}

/// Lends the arbiter's empty buffer for compressed data.
pub(in crate::connection) fn with_deflate_buffer<T>(work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    DEFLATE_BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => {
            buffer.clear();
            work(&mut buffer)
        }
        Err(_) => work(&mut Vec::new()),
    })
}

/// The arbiter's spare states, for messages that are compressed on their own.
#[derive(Debug)]
pub(in crate::connection) struct ArbiterPool;

impl Lend for ArbiterPool {
    fn lend(&self, work: &mut dyn FnMut(&mut StatePool)) {
        STATE_POOL.with(|pool| match pool.try_borrow_mut() {
            Ok(mut pool) => work(&mut pool),
            Err(_) => NoPool.lend(work),
        });
    }
}

/// A key that nobody can predict (RFC 6455 §10.3).
pub(in crate::connection) fn mask_key() -> [u8; 4] {
    chance::next_u32().to_ne_bytes()
}
