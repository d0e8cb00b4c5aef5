//! Limits the messages in any window of a given length.

use std::collections::VecDeque;

/// Up to this many messages are timed individually. Beyond that, messages of a sub-window are
/// counted together.
const MOST_TIMED: u32 = 1024;

/// How many sub-windows a window has if messages are counted together.
const SUB_WINDOWS: u64 = 64;

/// The messages written within the last `per`, as far as they matter for the next one. Times are
/// nanoseconds on one clock, and never go back.
///
/// Messages that are counted together leave the window with the last of them: never too early, and
/// at most a sub-window too late.
#[derive(Debug)]
pub(crate) struct SlidingWindow {
    messages: u32,
    per: u64,
    /// Oldest first. They hold at most `messages` in total: older ones do not delay anything.
    spans: VecDeque<Span>,
    /// When the newest span began.
    began: u64,
    total: u32,
    /// Since when it is no longer full.
    freed: u64,
}

/// Messages that leave the window together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Span {
    /// When the last of them was written.
    pub last: u64,
    pub count: u32,
}

impl SlidingWindow {
    /// An empty window.
    pub fn new(messages: u32, per: u64) -> Self {
        Self {
            messages,
            per,
            spans: VecDeque::new(),
            began: 0,
            total: 0,
            freed: 0,
        }
    }

    /// Sets new limits for past and future messages.
    pub fn set_limits(&mut self, messages: u32, per: u64) {
        (self.messages, self.per) = (messages, per);
        self.trim();
    }

    /// When one more message fits; this may be in the past.
    pub fn free_at(&mut self, now: u64) -> u64 {
        self.forget(now);
        match self.spans.front() {
            Some(oldest) if self.total >= self.messages => oldest.last + self.per,
            _ => self.freed,
        }
    }

    /// Counts messages, whether they fit or not.
    pub fn count(&mut self, messages: u32, now: u64) {
        self.forget(now);
        let now = self.spans.back().map_or(now, |newest| now.max(newest.last));
        let age = now.saturating_sub(self.began);
        let is_same = age == 0 || age < self.sub_window();
        match self.spans.back_mut().filter(|_| is_same) {
            Some(span) => {
                span.last = now;
                span.count = span.count.saturating_add(messages);
            }
            None => {
                self.began = now;
                self.spans.push_back(Span {
                    last: now,
                    count: messages,
                });
            }
        }
        self.total = self.total.saturating_add(messages);
        self.trim();
    }

    /// Whether nothing is left in the window.
    pub fn is_empty(&mut self, now: u64) -> bool {
        self.forget(now);
        self.spans.is_empty()
    }

    /// The spans in the window, oldest first.
    pub fn spans(&mut self, now: u64) -> impl Iterator<Item = Span> {
        self.forget(now);
        self.spans.iter().copied()
    }

    fn sub_window(&self) -> u64 {
        match self.messages <= MOST_TIMED {
            true => 0,
            false => self.per / SUB_WINDOWS,
        }
    }

    /// Drops spans that have left the window, and frees the memory with the last of them.
    fn forget(&mut self, now: u64) {
        while let Some(oldest) = self.spans.front()
            && oldest.last + self.per <= now
        {
            if self.total >= self.messages {
                self.freed = oldest.last + self.per;
            }
            self.total -= oldest.count;
            self.spans.pop_front();
        }
        if self.spans.is_empty() && self.spans.capacity() > 0 {
            self.spans = VecDeque::new();
        }
    }

    /// If there are more than `messages`, the newest matter: nothing fits until they leave the
    /// window.
    fn trim(&mut self) {
        while self.total > self.messages
            && let Some(oldest) = self.spans.front_mut()
        {
            let gone = (self.total - self.messages).min(oldest.count);
            oldest.count -= gone;
            self.total -= gone;
            if oldest.count == 0 {
                self.spans.pop_front();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_message_leaves_the_window_by_itself() {
        let mut window = SlidingWindow::new(3, 100);
        for at in [1_000, 1_010, 1_010] {
            assert!(window.free_at(at) <= at);
            window.count(1, at);
        }
        assert_eq!(window.free_at(1_050), 1_100);
        // Since then, not since the beginning.
        assert_eq!(window.free_at(1_105), 1_100);
        window.count(1, 1_105);
        assert_eq!(window.free_at(1_105), 1_110);
        assert!(!window.is_empty(1_204) && window.is_empty(1_205));
    }

    #[test]
    fn of_more_than_fit_the_newest_count() {
        let mut window = SlidingWindow::new(3, 100);
        window.count(2, 1_000);
        window.count(2, 1_030);
        window.count(1, 1_060);
        // Two of 1,030 and one of 1,060.
        assert_eq!(window.free_at(1_060), 1_130);
        window.count(9, 1_070);
        assert_eq!(window.free_at(1_070), 1_170);
        assert!(window.is_empty(1_170));
    }

    #[test]
    fn sub_windows_err_on_the_safe_side_by_one_of_them_and_are_few() {
        let mut window = SlidingWindow::new(6_400, 6_400);
        for at in 10_000..16_400 {
            assert!(window.free_at(at) <= at, "{at}");
            window.count(1, at);
        }
        assert!(window.spans.len() <= 65);
        // The first sub-window ends with the message at 10,099.
        assert_eq!(window.free_at(16_400), 16_499);
        for at in 16_499..40_000 {
            if window.free_at(at) <= at {
                window.count(1, at);
            }
            assert!(window.spans.len() <= 66);
        }
    }

    #[test]
    fn other_limits_hold_for_what_was_written() {
        let mut window = SlidingWindow::new(5, 100);
        window.count(5, 1_000);
        window.set_limits(8, 200);
        assert!(window.free_at(1_000) <= 1_000);
        window.set_limits(2, 300);
        assert_eq!(window.free_at(1_000), 1_300);
    }
}
