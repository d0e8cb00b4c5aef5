//! Compresses our messages.

use flate2::{Compress, FlushCompress};

use super::{
    Agreed, Lend, Level, TAIL, WindowBits, pool,
    state::{self, Kind},
};

/// The compressor failed. It does not while it is used as documented.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a message could not be compressed")]
pub struct DeflateError;

/// The compressing half of a connection.
///
/// It owns no memory until the first message. With context takeover it then keeps its state;
/// otherwise it returns it after each message.
#[derive(Debug)]
pub struct Deflater {
    kind: Kind,
    keeps_window: bool,
    state: Option<Compress>,
    lender: &'static dyn Lend,
}

impl Deflater {
    /// `None` if a window of 8 bits was agreed on, which zlib does not support. All messages are
    /// then sent uncompressed, which a client may always do (RFC 7692 §6.1).
    pub fn new(agreed: &Agreed, level: Level, lender: &'static dyn Lend) -> Option<Self> {
        let window = agreed.client_max_window_bits;
        (window > WindowBits::MIN).then(|| Self {
            kind: (level, window),
            keeps_window: !agreed.client_no_context_takeover,
            state: None,
            lender,
        })
    }

    /// Whether the peer needs our messages to decode the next ones: then everything that was
    /// compressed must be sent.
    pub fn keeps_window(&self) -> bool {
        self.keeps_window
    }

    /// Compresses a piece of a message, and appends the available output to `out`. At the `end` of
    /// the message, which must not be empty, that is all of it, without the last four bytes of the
    /// flush (§7.2.1).
    ///
    /// # Errors
    ///
    /// [`DeflateError`]: the message cannot be sent any more.
    pub fn compress(
        &mut self,
        piece: &[u8],
        end: bool,
        out: &mut Vec<u8>,
    ) -> Result<(), DeflateError> {
        let mut state = match self.state.take() {
            Some(state) => state,
            None if self.keeps_window => state::compressor(self.kind),
            None => pool::take_deflate(self.lender, self.kind),
        };
        run(&mut state, piece, end, out)?;
        if end && !self.keeps_window {
            pool::put_deflate(self.lender, self.kind, state);
        } else {
            self.state = Some(state);
        }
        Ok(())
    }
}

fn run(
    state: &mut Compress,
    mut piece: &[u8],
    end: bool,
    out: &mut Vec<u8>,
) -> Result<(), DeflateError> {
    let flush = match end {
        true => FlushCompress::Sync,
        false => FlushCompress::None,
    };
    let start = out.len();
    out.reserve(piece.len() / 2 + 64);
    loop {
        let before = state.total_in();
        let result = state.compress_vec(piece, out, flush);
        result.map_err(|_| DeflateError)?;
        piece = &piece[(state.total_in() - before) as usize..];
        // Unused room means that there is no more output.
        if out.len() < out.capacity() {
            break;
        }
        out.reserve(piece.len() / 2 + 64);
    }
    if end {
        let told = out[start..].strip_suffix(&TAIL).map(<[u8]>::len);
        out.truncate(start + told.ok_or(DeflateError)?);
    }
    Ok(())
}
