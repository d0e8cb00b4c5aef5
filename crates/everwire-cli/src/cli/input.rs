//! Reads standard input on a separate thread.

use std::{
    io::{self, BufRead, Read},
    thread,
};

use bytes::Bytes;
use tokio::sync::mpsc;

use super::Failure;

/// The longest line or whole input, in bytes. In practice, no peer accepts a larger message.
const MAX: u64 = 64 << 20;
/// How many lines are read ahead. After that, the writer has to wait.
const AHEAD: usize = 16;

/// The lines of standard input, without their line ends.
pub struct Lines(mpsc::Receiver<io::Result<Bytes>>);

impl Lines {
    /// Starts reading on its own thread: a terminal cannot be read without blocking.
    ///
    /// # Errors
    ///
    /// [`Failure::Input`] if there is no thread.
    pub fn of_stdin() -> Result<Self, Failure> {
        let (sender, lines) = mpsc::channel(AHEAD);
        let read = move || {
            let mut stdin = io::stdin().lock();
            while let Some(line) = line(&mut stdin).transpose() {
                let is_last = line.is_err();
                if sender.blocking_send(line).is_err() || is_last {
                    break;
                }
            }
        };
        let started = thread::Builder::new().name("stdin".into()).spawn(read);
        started.map_err(Failure::Input)?;
        Ok(Self(lines))
    }

    /// Only this line; standard input is not read.
    pub fn only(line: impl Into<Bytes>) -> Self {
        let (sender, lines) = mpsc::channel(1);
        // The channel has room, and its receiver exists.
        let _sent = sender.try_send(Ok(line.into()));
        Self(lines)
    }

    /// The next line; `None` at the end.
    ///
    /// # Errors
    ///
    /// [`Failure::Input`].
    pub async fn next(&mut self) -> Result<Option<Bytes>, Failure> {
        self.0.recv().await.transpose().map_err(Failure::Input)
    }
}

/// Reads all of standard input.
///
/// # Errors
///
/// [`Failure::Input`].
pub fn whole() -> Result<Bytes, Failure> {
    let mut all = Vec::new();
    let read = io::stdin().lock().take(MAX + 1).read_to_end(&mut all);
    read.and_then(|_| bounded(all)).map_err(Failure::Input)
}

fn line(input: &mut impl BufRead) -> io::Result<Option<Bytes>> {
    let mut line = Vec::new();
    if input.take(MAX + 1).read_until(b'\n', &mut line)? == 0 {
        return Ok(None);
    }
    for end in [b'\n', b'\r'] {
        if line.last() == Some(&end) {
            line.pop();
        }
    }
    bounded(line).map(Some)
}

fn bounded(bytes: Vec<u8>) -> io::Result<Bytes> {
    match bytes.len() as u64 <= MAX {
        true => Ok(bytes.into()),
        false => Err(io::Error::other(format!(
            "a message has more than {MAX} bytes"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_without_their_ends_and_the_last_one_needs_none() {
        let mut input = &b"a\r\n\nb \nc"[..];
        for expected in ["a", "", "b ", "c"] {
            assert_eq!(line(&mut input).unwrap().unwrap(), expected);
        }
        assert_eq!(line(&mut input).unwrap(), None);
    }

    #[test]
    fn a_line_without_an_end_is_not_collected_for_ever() {
        let mut input = io::BufReader::new(io::repeat(b'x'));
        let told = line(&mut input).unwrap_err().to_string();
        assert!(told.contains("more than"), "{told}");
    }
}
