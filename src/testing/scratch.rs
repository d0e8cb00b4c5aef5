//! One read buffer for all sockets of a thread, so that an idle socket owns none.

use std::{cell::RefCell, io};

use tokio::net::TcpStream;

/// The most that one read takes.
pub(super) const READ_SIZE: usize = 64 << 10;

thread_local! {
    static READ: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_SIZE].into());
}

/// Reads what is there, at most `limit` bytes, and hands it on; an empty slice is the end.
/// `None`: nothing is there. Reading inside `take` is not possible.
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
