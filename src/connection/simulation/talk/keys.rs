//! Requests and releases of keys.

use std::time::Duration;

use serde_json::{Value as Json, json};
use tokio::time::Instant;

use super::Talk;
use crate::connection::simulation::{
    keys::{Answer, KEYS, Keys, key_of, name_of},
    plan::Dice,
};

/// A late answer.
pub(super) struct Late {
    from: Instant,
    answer: Answer,
}

/// The keys of a request or release, in the shared form or in that of one key.
fn keys_in(said: &Json) -> Vec<usize> {
    let key = |key: &Json| key_of(key.as_str().expect("a text"));
    match said.get("what") {
        None => {
            let args = said["args"].as_array().expect("keys");
            args.iter().map(key).collect()
        }
        Some(what) => {
            assert_eq!(what["depth"], 5, "{said}");
            assert_eq!(what["of"], "feed", "{said}");
            vec![key(&what["key"])]
        }
    }
}

impl Talk {
    /// The client requests some keys.
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
        let keys = self.keys.as_ref().expect("it subscribes");
        let answer = keys.borrow().decide(asked, troubled, dice);
        if troubled && moods.acks && dice.percent(moods.silences) {
            return;
        }
        if troubled && moods.acks && dice.percent(moods.lates) {
            let from = Instant::now() + Duration::from_millis(dice.within(0, 6_000));
            return self.late.push(Late { from, answer });
        }
        self.answer(&answer, out);
    }

    /// The key that must not be requested on this socket, if there is one.
    pub(super) fn shut(&self, dice: &mut Dice) -> Option<usize> {
        let mut keys = self.keys.as_ref()?.borrow_mut();
        let shut = keys.moods.shuts && dice.percent(80);
        let shut = shut.then(|| dice.within(0, KEYS as u64) as usize);
        keys.shut(self.number, shut);
        shut
    }

    /// The client releases some keys.
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
        let keys = self.keys.as_ref().expect("it subscribes");
        let of = keys_in(said);
        let keys = &mut keys.borrow_mut();
        let is_own = said.get("what").is_some();
        assert!(
            of.iter().all(|key| keys.is_own(*key) == is_own),
            "{said} does not have the words of its keys"
        );
        assert!(
            is_own || !keys.moods.over_http,
            "{said} is said and not called"
        );
        look(keys, self.number, &of)
    }

    /// Refuses some keys one by one, and accepts all others.
    fn answer(&self, answer: &Answer, out: &mut Vec<u8>) {
        let keys = self.keys.as_ref().expect("it subscribes");
        keys.borrow_mut().give(self.number, answer);
        let id = answer.taken.id;
        for refused in answer.refused() {
            self.say(out, &json!({"id": id, "nosub": refused}));
        }
        let Some(sid) = answer.sid() else {
            return;
        };
        let own = (answer.taken.keys.iter()).find(|(key, _)| keys.borrow().is_own(*key));
        let said = match own {
            None => json!({"id": id, "subbed": true, "sid": sid}),
            Some((key, _)) => {
                json!({"id": id, "unsubbed": "no", "own": {"taken": name_of(*key)}, "sid": sid})
            }
        };
        self.say(out, &said);
    }

    /// Sends the late answers that are due.
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
            self.answer(&late.answer, out);
        }
    }

    /// Ends one of the active keys.
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
