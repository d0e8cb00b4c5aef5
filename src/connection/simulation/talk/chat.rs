//! Messages that the peer sends on its own.

use serde_json::json;

use super::{Due, Question, Talk};
use crate::connection::simulation::plan::Dice;

impl Talk {
    /// Sends messages that nobody asked for.
    pub(in crate::connection::simulation) fn chat(&mut self, dice: &mut Dice, out: &mut Vec<u8>) {
        if !self.greeted {
            // Rules act before the script does.
            return self.ask(1, out);
        }
        if self.due == Due::Go && dice.percent(80) {
            self.go(out);
        }
        self.answer_late(out);
        self.end_some(dice, out);
        if !dice.percent(self.moods.chats) {
            return;
        }
        if dice.percent(self.moods.floods) {
            self.flood(dice, out);
        }
        if dice.percent(self.moods.warns) {
            self.count(|said| said.warnings += 1);
            let [leave, moves] = match self.moods.keys.is_some_and(|keys| keys.continues) {
                true if dice.percent(70) => ["lead", "send on"],
                _ => ["leave", "move"],
            };
            let warning = if dice.percent(70) { leave } else { moves };
            self.say(out, &json!({"t": warning, "why": self.number}));
        }
        match dice.within(0, 10) {
            0..5 => self.ask(dice.within(1, 4), out),
            5..8 => self.mark(out),
            8 => self.say(
                out,
                &json!({"t": "beat", "of": self.number, "at": self.asked}),
            ),
            _ => {}
        }
    }

    /// Sends, after the trouble, the messages that are required and one flood.
    pub(in crate::connection::simulation) fn chat_calmly(
        &mut self,
        dice: &mut Dice,
        out: &mut Vec<u8>,
    ) {
        if self.due == Due::Go {
            self.go(out);
        }
        self.answer_late(out);
        let has_flooded = self.talks.borrow().sockets[self.number].has_flooded;
        if self.due == Due::Messages && !has_flooded {
            self.standing(|standing| standing.has_flooded = true);
            self.mark(out);
            self.flood(dice, out);
        }
        self.hand_over(dice, out);
    }

    /// Names the next socket, while callers hold and let go of keys.
    fn hand_over(&self, dice: &mut Dice, out: &mut Vec<u8>) {
        let Some(keys) = &self.keys else {
            return;
        };
        if self.due == Due::Messages && dice.percent(5) && keys.borrow_mut().may_hand_over() {
            self.say(out, &json!({"t": "lead", "why": self.number}));
        }
    }

    pub(super) fn flood(&mut self, dice: &mut Dice, out: &mut Vec<u8>) {
        self.count(|said| said.floods += 1);
        self.ask(dice.within(100, 400), out);
    }

    pub(super) fn go(&mut self, out: &mut Vec<u8>) {
        self.say(out, &json!({"t": "go"}));
        self.pass();
    }

    pub(super) fn mark(&mut self, out: &mut Vec<u8>) {
        let mark = self.draw();
        self.mark = Some(mark);
        self.talks.borrow_mut().told_on.insert(mark, self.number);
        self.standing(|standing| standing.told = standing.told.or(Some(mark)));
        self.say(out, &json!({"t": "mark", "m": mark}));
    }

    pub(super) fn ask(&mut self, questions: u64, out: &mut Vec<u8>) {
        let inherits = self.talks.borrow().sockets[self.number].inherits;
        for _ in 0..questions {
            let number = self.draw();
            self.say(out, &json!({"t": "ask", "q": number}));
            self.questions.push_back(Question {
                number,
                greeted: self.greeted,
                token: self.token.clone(),
                mark: self.mark,
                inherits,
            });
            self.asked += 1;
            self.standing(|standing| standing.unanswered += 1);
        }
    }

    fn draw(&self) -> u64 {
        let mut talks = self.talks.borrow_mut();
        talks.last += 1;
        talks.last
    }
}
