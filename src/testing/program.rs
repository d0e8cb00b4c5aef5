//! Runs the steps of a script. The time is an argument.

use std::{sync::Arc, time::Instant};

use super::{
    frame,
    outgoing::Outgoing,
    parts::{How, Step, opcode},
    script::Script,
};

/// What a program needs after it has done all that it can do now.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// Call it again after the next message.
    Wait,
    /// Call it again at this time.
    WaitUntil(Instant),
    /// Call it again when the queue was written.
    Full,
    /// A Close frame was queued; wait for the answer.
    Closing,
    /// End the connection when the queue was written.
    End(How),
}

/// The steps of a script, and the progress.
pub(super) struct Program {
    script: Arc<Script>,
    step: usize,
    /// The current step: how often it was done, and when it is due.
    count: u64,
    due: Option<Instant>,
}

impl Program {
    pub(super) fn new(script: Arc<Script>) -> Self {
        Self {
            script,
            step: 0,
            count: 0,
            due: None,
        }
    }

    /// Does what is due. `messages` is the number of messages from the client.
    pub(super) fn advance(&mut self, out: &mut Outgoing, now: Instant, messages: u64) -> Turn {
        let script = Arc::clone(&self.script);
        while let Some(step) = script.steps.get(self.step) {
            if out.is_full() {
                return Turn::Full;
            }
            if let Some(turn) = self.play(step, out, now, messages) {
                return turn;
            }
            (self.step, self.count, self.due) = (self.step + 1, 0, None);
        }
        Turn::Wait
    }

    /// Runs one step; `None` when it is done.
    fn play(
        &mut self,
        step: &Step,
        out: &mut Outgoing,
        now: Instant,
        messages: u64,
    ) -> Option<Turn> {
        match step {
            Step::Send(message) => {
                frame::encode(&mut out.bytes, opcode(message), message.payload());
            }
            Step::Raw(bytes) => out.bytes.extend_from_slice(bytes),
            Step::Wait(time) => {
                let due = *self.due.get_or_insert(now + *time);
                return (now < due).then_some(Turn::WaitUntil(due));
            }
            Step::AwaitMessages(count) => return (messages < *count).then_some(Turn::Wait),
            Step::Feed { every, count } => {
                let due = *self.due.get_or_insert(now + *every);
                if count.is_some_and(|count| self.count >= count) {
                    return None;
                }
                if now < due {
                    return Some(Turn::WaitUntil(due));
                }
                self.count += 1;
                let tick = format!("{{\"t\":{}}}", self.count);
                frame::encode(&mut out.bytes, frame::TEXT, tick.as_bytes());
                // Ticks that a slow client missed are not repeated.
                let next = (due + *every).max(now);
                self.due = Some(next);
                let more = count.is_none_or(|count| self.count < count);
                return more.then_some(Turn::WaitUntil(next));
            }
            Step::Flood { bytes, count } => {
                while self.count < *count {
                    if out.is_full() {
                        return Some(Turn::Full);
                    }
                    out.bytes.extend_from_slice(bytes);
                    self.count += 1;
                }
            }
            Step::Close { code, reason } => {
                frame::encode_close(&mut out.bytes, *code, reason);
                return Some(Turn::Closing);
            }
            Step::End(How::Close(code)) => {
                frame::encode_close(&mut out.bytes, Some(*code), "");
                return Some(Turn::Closing);
            }
            Step::End(how) => return Some(Turn::End(*how)),
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn play(script: Script) -> (Program, Outgoing, Instant) {
        (
            Program::new(Arc::new(script)),
            Outgoing::default(),
            Instant::now(),
        )
    }

    #[test]
    fn steps_wait_for_time_and_for_messages() {
        let second = Duration::from_secs(1);
        let script = Script::sink()
            .send("a")
            .wait(second)
            .await_messages(2)
            .end(How::Reset);
        let (mut program, mut out, now) = play(script);
        assert_eq!(
            program.advance(&mut out, now, 0),
            Turn::WaitUntil(now + second)
        );
        assert_eq!(out.bytes, b"\x81\x01a");
        assert_eq!(
            program.advance(&mut out, now + second / 2, 0),
            Turn::WaitUntil(now + second)
        );
        assert_eq!(program.advance(&mut out, now + second, 1), Turn::Wait);
        assert_eq!(
            program.advance(&mut out, now + second, 2),
            Turn::End(How::Reset)
        );
    }

    #[test]
    fn a_feed_ticks_in_time_and_ends_after_its_count() {
        let every = Duration::from_millis(10);
        let (mut program, mut out, now) = play(Script::sink().feed(every, Some(2)).send("end"));
        assert_eq!(
            program.advance(&mut out, now, 0),
            Turn::WaitUntil(now + every)
        );
        assert_eq!(
            program.advance(&mut out, now + every, 0),
            Turn::WaitUntil(now + every * 2)
        );
        assert_eq!(program.advance(&mut out, now + every * 2, 0), Turn::Wait);
        assert_eq!(out.bytes, b"\x81\x07{\"t\":1}\x81\x07{\"t\":2}\x81\x03end");
    }

    #[test]
    fn a_flood_stops_when_nobody_reads() {
        let (mut program, mut out, now) = play(Script::sink().ping_flood(u64::MAX));
        assert_eq!(program.advance(&mut out, now, 0), Turn::Full);
        let queued = out.bytes.len();
        assert_eq!(program.advance(&mut out, now, 0), Turn::Full);
        assert_eq!(out.bytes.len(), queued);
    }
}
