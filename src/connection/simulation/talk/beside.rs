//! Messages beside the script: periodic steps, requests of callers, and the close script.

use serde_json::{Value as Json, json};
use std::time::Duration;

use super::{Due, Talk, answers::LATE};
use crate::connection::simulation::plan::Dice;

/// The shortest duration from a template.
const SHORTEST: Duration = Duration::from_secs(1);

impl Talk {
    /// Checks a periodic step: after the script, one at a time, each one interval after the last.
    pub(super) fn tick(&mut self, id: u64, troubled: bool, dice: &mut Dice, out: &mut Vec<u8>) {
        self.expect_due("a tick");
        assert!(
            !self.is_ticking,
            "tick {id} came before an answer to the last"
        );
        // Each is due by the clock of the script's end, even if the one before it was written late.
        // The socket before this one may have sent the first that was due.
        let (since, before) = (self.passed_at.elapsed(), self.ticks);
        self.ticks += 1;
        let due = self.beat.max(SHORTEST) * before;
        assert!(
            !self.is_clean || self.is_paced || since + LATE >= due,
            "tick {id} came {since:?} behind the script, and {before} before it"
        );
        self.is_ticking = true;
        self.count(|said| said.ticks += 1);
        if troubled && dice.percent(5) {
            return;
        }
        let answer = match troubled && dice.percent(5) {
            true => json!({"id": id, "stop": true}),
            false => json!({"id": id, "tock": true}),
        };
        self.is_ticking = false;
        self.say(out, &answer);
    }

    /// A request of a caller.
    pub(super) fn time(
        &mut self,
        id: u64,
        said: &Json,
        troubled: bool,
        dice: &mut Dice,
        out: &mut Vec<u8>,
    ) {
        self.expect_due("a request");
        let of = said["of"].as_u64().expect("a number");
        self.talks.borrow_mut().requests.push(of);
        match dice.within(0, 20) {
            0..3 if troubled => {}
            3..5 => self.say(out, &json!({"id": id, "refused": "time", "of": of})),
            5 => {
                // No request is written twice, but this one is answered twice.
                self.say(out, &json!({"id": id, "of": of, "time": 1}));
                self.say(out, &json!({"id": id, "of": of, "time": 2}));
            }
            _ => self.say(out, &json!({"id": id, "of": of, "time": 1})),
        }
    }

    /// The close script.
    pub(super) fn bye(&mut self, id: u64, troubled: bool, dice: &mut Dice, out: &mut Vec<u8>) {
        self.expect_due("a farewell");
        self.has_left = true;
        self.count(|said| said.farewells += 1);
        if troubled && dice.percent(self.moods.lingers) {
            return;
        }
        self.say(out, &json!({"id": id, "bye": true}));
    }

    pub(super) fn expect_due(&self, what: &str) {
        assert_eq!(
            self.due,
            Due::Messages,
            "{what} came before the script of socket {} has passed",
            self.number
        );
        assert!(!self.has_left, "{what} came behind the farewell");
    }
}
