//! Checks that servers perform.

use std::{
    collections::VecDeque,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use ring::hmac;

use super::{peer::Gone, talk::Talk};

/// The time in milliseconds.
pub fn now_ms() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    u64::try_from(now.as_millis()).unwrap()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn base64(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// HMAC-SHA256.
pub fn sha256_hmac(key: &str, text: &str) -> Vec<u8> {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    hmac::sign(&key, text.as_bytes()).as_ref().to_vec()
}

/// A limit on the number of messages in any window of a length.
pub struct Window {
    length: Duration,
    most: usize,
    last: VecDeque<Instant>,
}

impl Window {
    pub fn new(most: usize, length: Duration) -> Self {
        Self {
            length,
            most,
            last: VecDeque::new(),
        }
    }

    /// Counts a message that came now.
    pub fn count(&mut self, talk: &Talk) -> Result<(), Gone> {
        let now = Instant::now();
        // Messages that were written a window apart may arrive a little closer together.
        let slack = self.length / 20;
        self.last.push_back(now);
        if self.last.len() > self.most + 1 {
            self.last.pop_front();
        }
        let first = self.last.front().copied().unwrap_or(now);
        let is_within = self.last.len() > self.most && now - first < self.length - slack;
        if is_within {
            let (most, length) = (self.most, self.length);
            talk.fault(format!("more than {most} messages in {length:?}"));
            return Err(Gone);
        }
        Ok(())
    }
}
