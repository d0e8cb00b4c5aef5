//! Decompresses the server's messages as they arrive.

use flate2::{Decompress, FlushDecompress, Status};

use super::{Agreed, Lend, pool, state};
use crate::wire::{Violation, assemble::Gathering};

/// The bytes that are decompressed after each message: the rest of the empty block that ends it
/// (RFC 7692 §7.2.2), and another one.
///
/// If the message stops within a block, some of these bytes belong to that block: they come out as
/// data, or are invalid. The first four alone might be taken for the end of that block and the
/// start of the next.
const END: [u8; 9] = [0x00, 0x00, 0xff, 0xff, 0x00, 0x00, 0x00, 0xff, 0xff];

/// The decompressing half of a connection, which a [`Decoder`](crate::wire::Decoder) needs to
/// accept compressed messages.
///
/// It owns no memory until the first one. With context takeover it then keeps its state with the
/// server's window; otherwise it returns it after each message.
#[derive(Debug)]
pub struct Inflater {
    keeps_window: bool,
    state: Option<Decompress>,
    /// Whether the data may end here: the message has no data yet, or its last block was a final
    /// one.
    may_end: bool,
    lender: &'static dyn Lend,
}

impl Inflater {
    /// For these parameters.
    pub fn new(agreed: &Agreed, lender: &'static dyn Lend) -> Self {
        Self {
            keeps_window: !agreed.server_no_context_takeover,
            state: None,
            may_end: true,
            lender,
        }
    }

    /// Decompresses the next bytes of a message, which may grow to `max` bytes.
    pub(in crate::wire) fn feed(
        &mut self,
        input: &[u8],
        message: &mut Gathering,
        max: usize,
    ) -> Result<(), Violation> {
        if input.is_empty() {
            return Ok(());
        }
        let state = self.state.get_or_insert_with(|| match self.keeps_window {
            true => state::decompressor(),
            false => pool::take_inflate(self.lender),
        });
        self.may_end = inflate(state, input, message, max)?;
        Ok(())
    }

    /// All bytes of the message have arrived.
    pub(in crate::wire) fn end(
        &mut self,
        message: &mut Gathering,
        max: usize,
    ) -> Result<(), Violation> {
        if !std::mem::replace(&mut self.may_end, true)
            && let Some(state) = &mut self.state
        {
            let before = message.len();
            let ended = inflate(state, &END, message, max)?;
            if message.len() > before || ended {
                return Err(Violation::DeflateTruncated);
            }
        }
        if !self.keeps_window
            && let Some(state) = self.state.take()
        {
            pool::put_inflate(self.lender, state);
        }
        message.shrink();
        Ok(())
    }
}

/// Decompresses all of `input`, to the end of the message. `true` if its last byte ended a final
/// block.
fn inflate(
    state: &mut Decompress,
    mut input: &[u8],
    message: &mut Gathering,
    max: usize,
) -> Result<bool, Violation> {
    loop {
        let payload = message.inflated(input.len(), max);
        let (read, written) = (state.total_in(), payload.len());
        let result = state.decompress_vec(input, payload, FlushDecompress::None);
        let (read, grown) = ((state.total_in() - read) as usize, payload.len() - written);
        let has_room = payload.len() < payload.capacity();
        input = &input[read..];
        // Later data may be invalid, too: checking in the order of the message's bytes gives the
        // same violation however the data is cut into reads.
        message.check()?;
        if message.len() > max {
            let len = message.len() as u64;
            return Err(Violation::MessageTooBig { len, limit: max });
        }
        let status = result.map_err(|_| Violation::DeflateInvalid)?;
        if status == Status::StreamEnd {
            // A final block ends a stream, not the message (RFC 7692 §7.2.3.4). The next one starts
            // with an empty window, as in all known encoders.
            state.reset(false);
            if input.is_empty() {
                return Ok(true);
            }
        } else if input.is_empty() && has_room {
            return Ok(false);
        } else if read == 0 && grown == 0 {
            return Err(Violation::DeflateInvalid);
        }
    }
}
