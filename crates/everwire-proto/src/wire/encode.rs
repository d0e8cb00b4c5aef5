//! Encodes frames to the server (RFC 6455 §5.2), always masked (§5.3).

use bytes::BytesMut;

use super::{
    CloseFrame, MAX_CONTROL, MAX_REASON, Opcode, code::is_sendable, header::RSV1, mask_into,
};

/// The longest header that is written, in bytes.
pub const MAX_HEADER: usize = 14;

/// Appends one frame: its header, and `payload` masked with `key`.
///
/// Each frame needs its own key from a source that the application cannot predict (§10.3). A
/// control frame has FIN, and at most [`MAX_CONTROL`] bytes.
pub fn encode_frame(opcode: Opcode, fin: bool, payload: &[u8], key: [u8; 4], out: &mut BytesMut) {
    out.reserve(MAX_HEADER + payload.len());
    encode_header(opcode, fin, payload.len(), key, out);
    mask_into(payload, key, 0, out);
}

/// Appends the first frame of a compressed message, or all of it: like [`encode_frame`], with RSV1 set (RFC 7692 §6.1).
/// Further frames are ordinary continuations.
pub fn encode_compressed(
    opcode: Opcode,
    fin: bool,
    payload: &[u8],
    key: [u8; 4],
    out: &mut BytesMut,
) {
    let start = out.len();
    encode_frame(opcode, fin, payload, key, out);
    out[start] |= RSV1;
}

/// Appends the header of a frame whose payload, of `len` bytes, [`mask_into`] appends next with the
/// same key.
pub fn encode_header(opcode: Opcode, fin: bool, len: usize, key: [u8; 4], out: &mut BytesMut) {
    debug_assert!(
        !opcode.is_control() || (fin && len <= MAX_CONTROL),
        "a control frame is never fragmented, and short"
    );
    let mut header = [0; MAX_HEADER];
    header[0] = u8::from(fin) << 7 | opcode.bits();
    let size = match len {
        0..=125 => {
            header[1] = 0x80 | len as u8;
            2
        }
        126..=0xffff => {
            header[1] = 0x80 | 126;
            header[2..4].copy_from_slice(&(len as u16).to_be_bytes());
            4
        }
        _ => {
            header[1] = 0x80 | 127;
            header[2..10].copy_from_slice(&(len as u64).to_be_bytes());
            10
        }
    };
    header[size..size + 4].copy_from_slice(&key);
    out.extend_from_slice(&header[..size + 4]);
}

/// Appends a Close frame (§5.5.1).
///
/// The reason is cut to [`MAX_REASON`] bytes, at a character boundary. A code that must not be on
/// the wire is left out together with the reason: the frame is then empty, and the receiver reads
/// 1005.
pub fn encode_close(frame: &CloseFrame, key: [u8; 4], out: &mut BytesMut) {
    let Some(code) = frame.code.filter(|&code| is_sendable(code)) else {
        return encode_frame(Opcode::Close, true, &[], key, out);
    };
    let reason = cut(&frame.reason);
    encode_header(Opcode::Close, true, 2 + reason.len(), key, out);
    mask_into(&code.to_be_bytes(), key, 0, out);
    mask_into(reason.as_bytes(), key, 2, out);
}

/// The start of a reason that fits, without half a character at its end.
fn cut(reason: &str) -> &str {
    let fits = (0..=MAX_REASON.min(reason.len())).rev();
    let end = fits.into_iter().find(|&end| reason.is_char_boundary(end));
    &reason[..end.unwrap_or(0)]
}
