//! What is asked for key by key.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::Talk;
use crate::connection::simulation::{
    keys::{Asked, KeyMoods, Keys, key_of, name_of, sid_of},
    plan::Dice,
};

/// An answer that comes late.
pub(super) struct Late {
    from: Instant,
    answer: Answer,
}

/// What the peer answers to an `on`.
#[derive(Default)]
struct Answer {
    taken: Asked,
    refused: Vec<(usize, u64)>,
}

impl Talk {
    /// The client asks for some keys.
    pub(super) fn subscribe(
        &mut self,
        id: u64,
        said: &Json,
        troubled: bool,
        dice: &mut Dice,
        out: &mut Vec<u8>,
    ) {
        self.expect_due("a subscription");
        let asked = self.with_keys_of(said, |keys, socket, of| keys.ask(socket, id, of));
        let moods = self.moods.keys.expect("it subscribes");
        let answer = self.decide(asked, &moods, troubled, dice);
        if troubled && moods.acks && dice.percent(moods.silences) {
            return;
        }
        if troubled && moods.acks && dice.percent(moods.lates) {
            let from = Instant::now() + Duration::from_millis(dice.within(0, 6_000));
            return self.late.push(Late { from, answer });
        }
        self.answer(answer, out);
    }

    /// The client leaves some keys.
    pub(super) fn unsubscribe(&mut self, id: u64, said: &Json, out: &mut Vec<u8>) {
        self.expect_due("the end of a subscription");
        self.with_keys_of(said, |keys, socket, of| keys.leave(socket, of));
        self.say(out, &json!({"id": id, "unsubbed": true}));
    }

    fn with_keys_of<T>(
        &self,
        said: &Json,
        look: impl FnOnce(&mut Keys, usize, &[usize]) -> T,
    ) -> T {
        let args = said["args"].as_array().expect("keys");
        let of = args.iter().map(|key| key_of(key.as_str().expect("a text")));
        let of: Vec<usize> = of.collect();
        let keys = self.keys.as_ref().expect("it subscribes");
        look(&mut keys.borrow_mut(), self.number, &of)
    }

    fn decide(&self, asked: Asked, moods: &KeyMoods, troubled: bool, dice: &mut Dice) -> Answer {
        let keys = self.keys.as_ref().expect("it subscribes").borrow();
        // What names no asking may mean an older one.
        let may_refuse = moods.fails && moods.acks && troubled;
        let mut refuses =
            |key: usize| keys.is_never(key) || (may_refuse && dice.percent(moods.refuses));
        let (refused, taken) = asked.keys.iter().partition(|(key, _)| refuses(*key));
        Answer {
            taken: Asked {
                keys: taken,
                ..asked
            },
            refused,
        }
    }

    /// Refuses some, one by one, and takes all others.
    fn answer(&self, answer: Answer, out: &mut Vec<u8>) {
        let keys = self.keys.as_ref().expect("it subscribes");
        let Answer { taken, refused } = answer;
        for (key, turn) in refused {
            keys.borrow_mut().refuse(self.number, key, turn);
            self.say(out, &json!({"id": taken.id, "nosub": name_of(key)}));
        }
        let Some((first, _)) = taken.keys.first() else {
            return;
        };
        keys.borrow_mut().take(self.number, &taken.keys);
        let sid = sid_of(*first);
        self.say(out, &json!({"id": taken.id, "subbed": true, "sid": sid}));
    }

    /// Gives the late answers whose time has come.
    pub(super) fn answer_late(&mut self, out: &mut Vec<u8>) {
        let now = Instant::now();
        for late in std::mem::take(&mut self.late) {
            if late.from > now {
                self.late.push(late);
                continue;
            }
            if let Some(keys) = &self.keys {
                keys.borrow_mut().tally.late += 1;
            }
            self.answer(late.answer, out);
        }
    }

    /// Ends one of the keys that it has.
    pub(super) fn end_some(&self, dice: &mut Dice, out: &mut Vec<u8>) {
        let Some((keys, moods)) = self.keys.as_ref().zip(self.moods.keys) else {
            return;
        };
        if !moods.ends || !dice.percent(moods.quits) {
            return;
        }
        let endable = keys.borrow().endable(self.number);
        if !endable.is_empty() {
            let key = endable[dice.within(0, endable.len() as u64) as usize];
            keys.borrow_mut().end(self.number, key);
            self.say(out, &json!({"t": "end", "ended": name_of(key)}));
        }
    }
}
