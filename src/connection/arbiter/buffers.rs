//! The read, write and compression buffers of an arbiter, shared by all sockets of its thread.
//!
//! Idle sockets own no buffers. A socket borrows them within one poll, and keeps only the bytes
//! that the kernel did not take.

use std::cell::RefCell;

use crate::chance;
use crate::wire::deflate::{Lend, NoPool, StatePool};
use bytes::BytesMut;

/// How much one call reads from a socket.
pub(in crate::connection) const READ: usize = 64 << 10;

/// How much is encoded before the socket is written.
pub(in crate::connection) const WRITE: usize = 64 << 10;

thread_local! {
    static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ].into());
    static WRITE_BUFFER: RefCell<BytesMut> = RefCell::new(BytesMut::with_capacity(WRITE + 256));
    static DEFLATE_BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static STATE_POOL: RefCell<StatePool> = RefCell::default();
}

/// Lends the arbiter's read buffer. A nested borrow gets a buffer of its own.
pub(in crate::connection) fn with_read_buffer<T>(work: impl FnOnce(&mut [u8]) -> T) -> T {
    READ_BUFFER.with(|buffer| match buffer.try_borrow_mut() {
        Ok(mut buffer) => work(&mut buffer),
        Err(_) => work(&mut vec![0; READ]),
    })
}

/// Lends the arbiter's empty write buffer. A nested borrow gets a buffer of its own.
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

/// The arbiter's spare compressors, for messages that are compressed without context.
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

/// An unpredictable mask key (RFC 6455 §10.3).
pub(in crate::connection) fn mask_key() -> [u8; 4] {
    chance::next_u32().to_ne_bytes()
}
