//! Memory for the bytes of one read, shared by its messages.

use bytes::Bytes;

/// A copy of the read bytes. For a short read, memory and reference count are one allocation:
/// `Bytes` would make a second one with the first clone, and a message in the history is cloned.
/// The lengths are allocator size classes.
pub(in crate::connection) fn share(read: &[u8]) -> Bytes {
    match read.len() {
        0 => Bytes::new(),
        1..=32 => counted::<32>(read),
        33..=48 => counted::<48>(read),
        49..=64 => counted::<64>(read),
        65..=80 => counted::<80>(read),
        81..=96 => counted::<96>(read),
        97..=112 => counted::<112>(read),
        113..=128 => counted::<128>(read),
        129..=160 => counted::<160>(read),
        161..=192 => counted::<192>(read),
        193..=256 => counted::<256>(read),
        _ => Bytes::copy_from_slice(read),
    }
}

/// `read` is no longer than `N`.
fn counted<const N: usize>(read: &[u8]) -> Bytes {
    let mut room = [0; N];
    room[..read.len()].copy_from_slice(read);
    let mut bytes = Bytes::from_owner(room);
    bytes.truncate(read.len());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_is_the_same_at_each_length() {
        let read: Vec<u8> = (0..600u32).map(|n| n as u8).collect();
        for len in 0..=read.len() {
            assert_eq!(share(&read[..len]), read[..len], "{len}");
        }
    }
}
