//! State that the names of an arbiter share, because they run on one thread.

pub(super) mod buffers;
pub(super) mod dial_scheduler;
pub(super) mod stall_detector;
