//! Passes on the bytes of a WebSocket client one frame at a time.
//!
//! The reader of `actix-web-actors` takes all available bytes first, and checks the length of a
//! frame only when it has the whole frame. A client that sends faster than it is answered, or
//! announces an endless frame, would fill our memory.

use std::{
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use actix_web::error::PayloadError;
use bytes::Bytes;
use everwire::memory::Charge;
use futures::Stream;

/// The longest header (RFC 6455 §5.2).
const MAX_HEADER: usize = 14;
/// The bit of the second byte that announces a mask.
const MASKED: u8 = 0x80;

/// Passes on one frame, then reports that nothing is available for now.
#[derive(Debug)]
pub struct Frames<S> {
    inside: S,
    /// The longest payload.
    limit: u64,
    chunk: Bytes,
    header: Vec<u8>,
    /// The length of the payload that was not received yet.
    left: u64,
    /// The length of the received part.
    come: usize,
    /// Accounts for the memory of the received part: the reader keeps it until the frame is
    /// complete.
    charge: Charge,
    ended: bool,
    masks_controls: bool,
}

impl<S> Frames<S> {
    /// Frames whose payloads have at most `limit` bytes.
    pub fn new(inside: S, limit: usize, charge: Charge) -> Self {
        Self {
            inside,
            limit: u64::try_from(limit).unwrap_or(u64::MAX),
            chunk: Bytes::new(),
            header: Vec::with_capacity(MAX_HEADER),
            left: 0,
            come: 0,
            charge,
            ended: false,
            masks_controls: false,
        }
    }

    /// Masks control frames that arrive unmasked (RFC 6455 §5.1).
    ///
    /// Some clients do not mask their answers to pings and close frames (seen: paho for Python),
    /// and servers accept that.
    pub fn masking_controls(mut self) -> Self {
        self.masks_controls = true;
        self
    }

    /// The stream behind the bytes that were read.
    pub fn into_inner(self) -> S {
        self.inside
    }

    /// Takes the bytes of the frame out of the chunk, which is not empty; `None` while its header
    /// is incomplete.
    fn take(&mut self) -> Result<Option<Bytes>, PayloadError> {
        if self.left > 0 {
            let most = usize::try_from(self.left).unwrap_or(usize::MAX);
            let part = self.chunk.split_to(most.min(self.chunk.len()));
            self.left -= part.len() as u64;
            self.ended = self.left == 0;
            self.come = match self.ended {
                true => 0,
                false => self.come + part.len(),
            };
            let charged = self.charge.try_set(self.come);
            charged.map_err(|error| PayloadError::Io(io::Error::other(error)))?;
            return Ok(Some(part));
        }
        loop {
            if let Some(payload) = payload_len(&self.header) {
                if payload > self.limit {
                    return Err(PayloadError::Overflow);
                }
                (self.left, self.ended) = (payload, payload == 0);
                if self.masks_controls && is_unmasked_control(&self.header) {
                    self.header[1] |= MASKED;
                    // A mask of zeros does not change the payload.
                    self.header.extend([0; 4]);
                }
                let header = Bytes::copy_from_slice(&self.header);
                self.header.clear();
                return Ok(Some(header));
            }
            if self.chunk.is_empty() {
                return Ok(None);
            }
            self.header.extend_from_slice(&self.chunk.split_to(1));
        }
    }
}

/// The length of the payload, if the header is complete.
fn payload_len(header: &[u8]) -> Option<u64> {
    let (&second, rest) = header.get(1).zip(header.get(2..))?;
    let mask = if second & MASKED == 0 { 0 } else { 4 };
    let number = match second & !MASKED {
        126 => rest.get(..2)?,
        127 => rest.get(..8)?,
        short => return (rest.len() == mask).then_some(u64::from(short)),
    };
    let length = number
        .iter()
        .fold(0, |sum, &byte| sum << 8 | u64::from(byte));
    (rest.len() == number.len() + mask).then_some(length)
}

fn is_unmasked_control(header: &[u8]) -> bool {
    matches!(header, &[first, second, ..] if first & 0x08 != 0 && second & MASKED == 0)
}

impl<S> Stream for Frames<S>
where
    S: Stream<Item = Result<Bytes, PayloadError>> + Unpin,
{
    type Item = Result<Bytes, PayloadError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        // The reader has a complete frame now. It reports the frame, and then asks again.
        if std::mem::take(&mut self.ended) {
            return Poll::Pending;
        }
        loop {
            if self.chunk.is_empty() {
                match ready!(Pin::new(&mut self.inside).poll_next(cx)) {
                    Some(Ok(chunk)) => self.chunk = chunk,
                    other => return Poll::Ready(other),
                }
                continue;
            }
            if let Some(part) = self.take().transpose() {
                return Poll::Ready(Some(part));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use everwire::memory::MemoryUse;
    use futures::{StreamExt, stream};

    use super::*;

    /// What is handed over up to each time that there is nothing for now, or the error.
    fn handed_over(bytes: &[u8], piece: usize, limit: usize) -> Vec<Result<Vec<u8>, String>> {
        let pieces: Vec<_> = bytes.chunks(piece).map(Bytes::copy_from_slice).collect();
        let pieces = stream::iter(pieces.into_iter().map(Ok));
        described_by(Frames::new(pieces, limit, charge()))
    }

    fn charge() -> Charge {
        Charge::detached(MemoryUse::Bodies)
    }

    fn described_by(
        mut frames: Frames<impl Stream<Item = Result<Bytes, PayloadError>> + Unpin>,
    ) -> Vec<Result<Vec<u8>, String>> {
        let (mut told, mut frame) = (Vec::new(), Vec::new());
        let mut cx = Context::from_waker(std::task::Waker::noop());
        loop {
            match frames.poll_next_unpin(&mut cx) {
                Poll::Ready(Some(Ok(part))) => frame.extend(part),
                Poll::Pending => told.push(Ok(std::mem::take(&mut frame))),
                Poll::Ready(None) => return told,
                Poll::Ready(Some(Err(error))) => {
                    told.push(Err(error.to_string()));
                    return told;
                }
            }
        }
    }

    #[test]
    fn one_frame_is_handed_over_at_a_time() {
        let mut frames: Vec<Vec<u8>> = vec![
            vec![0x81, 0x80, 1, 2, 3, 4],
            vec![0x81, 0x82, 1, 2, 3, 4, 5, 6],
            vec![0x82, 0x01, 9],
            vec![0x89, 0x00],
        ];
        for length in [126_usize, 65_536] {
            let mut frame = vec![0x82];
            match length {
                126 => frame.extend([0xfe, 0, 126]),
                _ => frame.extend([0xff, 0, 0, 0, 0, 0, 1, 0, 0]),
            }
            frame.extend(vec![7; 4 + length]);
            frames.push(frame);
        }
        let all = frames.concat();
        for piece in [1, 2, 3, 7, 100, all.len()] {
            let told = handed_over(&all, piece, 65_536);
            let told: Vec<_> = told.into_iter().map(Result::unwrap).collect();
            assert_eq!(told, frames, "in pieces of {piece}");
        }
    }

    #[test]
    fn control_frames_are_masked_where_that_is_forgotten() {
        let sent = [
            &[0x8a, 0x02, b'a', b'b'][..],
            &[0x88, 0x00],
            &[0x89, 0x81, 1, 2, 3, 4, 5],
            &[0x81, 0x01, b'x'],
        ];
        let expected = [
            &[0x8a, 0x82, 0, 0, 0, 0, b'a', b'b'][..],
            &[0x88, 0x80, 0, 0, 0, 0],
            sent[2],
            sent[3],
        ];
        for piece in [1, 2, 3, 100] {
            let bytes = sent.concat();
            let pieces = bytes.chunks(piece).map(Bytes::copy_from_slice).map(Ok);
            let pieces = stream::iter(pieces.collect::<Vec<_>>());
            let told = described_by(Frames::new(pieces, 125, charge()).masking_controls());
            let told: Vec<_> = told.into_iter().map(Result::unwrap).collect();
            assert_eq!(told, expected, "in pieces of {piece}");
        }
    }

    #[test]
    fn a_frame_that_is_too_long_is_refused_by_its_header() {
        for header in [
            &[0x82, 0xfe, 0, 127, 1, 2, 3, 4][..],
            &[
                0x82, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4,
            ],
        ] {
            assert!(handed_over(header, 1, 126)[0].is_err());
        }
        let fits = [&[0x82, 0xfe, 0, 126, 1, 2, 3, 4][..], &[0; 126]].concat();
        assert_eq!(handed_over(&fits, 5, 126), [Ok(fits.clone())]);
    }
}
