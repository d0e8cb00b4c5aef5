//! Close codes of RFC 6455 §7.4.1, and of IANA's registry.

/// The purpose has been fulfilled.
pub const NORMAL: u16 = 1000;
/// An endpoint goes away.
pub const GOING_AWAY: u16 = 1001;
/// A protocol error.
pub const PROTOCOL_ERROR: u16 = 1002;
/// Never sent: the close frame had no code.
pub const NO_STATUS: u16 = 1005;
/// Never sent: no close frame was seen.
pub const ABNORMAL: u16 = 1006;
/// Data that does not match the type of the message: text that is not UTF-8.
pub const INVALID_DATA: u16 = 1007;
/// A policy is broken, and no other code fits better.
pub const POLICY_VIOLATION: u16 = 1008;
/// A message that is too big.
pub const TOO_BIG: u16 = 1009;
/// The service restarts.
pub const SERVICE_RESTART: u16 = 1012;

/// Whether `code` may be in a Close frame on the wire (RFC 6455 §7.4, and IANA's registry).
pub fn is_sendable(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}
