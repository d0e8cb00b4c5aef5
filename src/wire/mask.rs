//! Masking (RFC 6455 §5.3).

use bytes::BytesMut;

/// How much is copied before it is masked: a multiple of the key's size, and small enough to stay in the first cache.
const BLOCK: usize = 4096;

/// What one step of the loop masks: a few vector registers.
const LANES: usize = 64;

/// Appends `payload`, masked with `key`, to `out`.
///
/// `offset` is where in the frame's payload this piece begins, in bytes, so that a long payload can be appended piece by
/// piece.
pub fn mask_into(payload: &[u8], key: [u8; 4], offset: usize, out: &mut BytesMut) {
    let mut key = key;
    key.rotate_left(offset % 4);
    out.reserve(payload.len());
    for block in payload.chunks(BLOCK) {
        let start = out.len();
        out.extend_from_slice(block);
        apply(key, &mut out[start..]);
    }
}

/// Masks in place. The shape of the loops is what lets the compiler use vector instructions.
fn apply(key: [u8; 4], bytes: &mut [u8]) {
    let mut wide = [0; LANES];
    wide.as_chunks_mut().0.fill(key);
    let (lanes, rest) = bytes.as_chunks_mut::<LANES>();
    for lane in lanes {
        for (byte, key) in lane.iter_mut().zip(wide) {
            *byte ^= key;
        }
    }
    let (words, rest) = rest.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(key)).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(key) {
        *byte ^= key;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_offset_and_split_masks_like_the_definition() {
        let key = [0x11, 0x22, 0x44, 0x88];
        let payload: Vec<u8> = (0..2 * BLOCK + 77).map(|i| (i * 31 % 251) as u8).collect();
        let lengths = (0..200).chain([BLOCK - 1, BLOCK, BLOCK + 1, payload.len()]);
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
