//! One read buffer for all sockets of a thread, so that an idle socket owns no buffer.

use std::{cell::RefCell, io};

use tokio::net::TcpStream;

/// The most bytes that one read takes.
pub(super) const READ_SIZE: usize = 64 << 10;

thread_local! {
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_SIZE].into());
}

/// Reads the available bytes, at most `limit`, and passes them to `take`; an empty slice is the
/// end. `None` if nothing is available. `take` must not read.
pub(super) fn read<T>(
    stream: &TcpStream,
    limit: usize,
    take: impl FnOnce(&mut [u8]) -> T,
) -> io::Result<Option<T>> {
    READ.with_borrow_mut(|buffer| match stream.try_read(&mut buffer[..limit]) {
        Ok(count) => Ok(Some(take(&mut buffer[..count]))),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(None),
        Err(error) => Err(error),
    })
}
