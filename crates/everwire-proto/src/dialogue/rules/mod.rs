//! The effects of rules on messages and losses.

mod loss;
mod made;
mod waiting;

use std::time::Instant;

pub use self::loss::close_code;
pub(super) use self::loss::{Loss, lost};
use self::{made::Made, waiting::Waiting};
use super::{
    answers::{Answers, MAX_WAITING, TooMany},
    context::Context,
    delayed::{Act, Delayed},
    happening::{Happening, sending},
    reply::Reply,
    report,
    surroundings::Seen,
    unstored::{HistorySpan, Settled, Stored, Unstored},
};
use crate::{
    core::{Cause, Message, later},
    language::World,
    settings::dialogue::{AnswerAfter, DialogueRule, RuleAction, Trigger},
};

/// The rules of a socket, with their pending effects.
#[derive(Debug, Default)]
pub(super) struct Rules {
    /// Boxed: most sockets have nothing waiting.
    waiting: Option<Box<Waiting>>,
    /// The longest message of the socket in bytes, saturating.
    max_message: u32,
    /// Whether nothing can be sent any more.
    is_mute: bool,
}

/// The effect of rules on a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ruled {
    /// Whether subscribers get it.
    pub deliver: bool,
    /// Whether the socket is lost.
    pub is_lost: bool,
}

impl Rules {
    /// The rules of a socket with this message limit.
    pub fn of_socket(max_message: usize) -> Self {
        Self {
            max_message: u32::try_from(max_message).unwrap_or(u32::MAX),
            ..Self::default()
        }
    }

    /// A message has come: the first rule that matches acts.
    pub fn message(&mut self, seen: Seen<'_>, cx: &mut Context<'_>) -> Ruled {
        let mut ruled = Ruled {
            deliver: true,
            is_lost: false,
        };
        let dialogue = cx.dialogue;
        let (at, rule, caught) = {
            let world = cx.world(Some(seen), None);
            let step = cx.step(&world);
            let mut rules = dialogue.rules.iter().enumerate();
            let Some((at, rule)) = rules.find(|(_, rule)| matches(rule, &step)) else {
                return ruled;
            };
            (at, rule, cx.captures.catch(&rule.capture, &step))
        };
        cx.captures.keep(caught, &dialogue.names);
        // A capture that is cleared now may be a secret in the message.
        let text = text(at, rule, seen, cx);
        cx.captures.clear(&rule.clear);
        ruled.deliver = rule.deliver;
        let told = cx.out.len();
        cx.tell(|dialogue| Happening::ruled(at, rule, &dialogue.names));
        ruled.is_lost = self.act(at, rule, text, seen, (told, cx));
        ruled
    }

    /// Completes the report about a rule with its answer.
    fn tell_answer(&self, told: usize, rule: &DialogueRule, cx: &mut Context<'_>) {
        if let Some(Happening::Ruled {
            answer, waiting, ..
        }) = cx.told(told)
        {
            *answer = rule.send.as_ref().map(sending);
            *waiting = self.answers_waiting();
        }
    }

    /// Sends the answer and performs the action. `true` if the socket is lost.
    fn act(
        &mut self,
        at: usize,
        rule: &DialogueRule,
        text: String,
        seen: Seen<'_>,
        (told, cx): (usize, &mut Context<'_>),
    ) -> bool {
        if rule.send.is_none() && rule.action.is_none() {
            return false;
        }
        let made = Made::of(rule, seen, cx);
        if let Some(unfilled) = made.unfilled {
            self.tell(at, rule, unfilled, cx);
        }
        if let Some(answer) = made.answer.filter(|_| !self.is_mute) {
            cx.captures.remember_sent(answer.secrets);
            if self.answer(answer.message, rule.after, cx) == Err(TooMany) {
                let rule = report::rule(at, rule);
                let text = format!("{rule}: {MAX_WAITING} answers wait already");
                let gives_up = false;
                cx.lose(Cause::Rule { text, gives_up });
                return true;
            }
            self.tell_answer(told, rule, cx);
        }
        let Some(action) = rule.action else {
            return false;
        };
        let act = Act {
            text,
            url: made.url,
            action,
        };
        let Some(delay) = rule.delay else {
            return act.perform(cx);
        };
        let mut random = [0; 8];
        cx.here.random.fill(&mut random);
        let wait = delay.draw(u64::from_ne_bytes(random));
        if let Some(Happening::Ruled { delay, .. }) = cx.told(told) {
            *delay = Some(wait);
        }
        let due = later(cx.here.now, wait);
        self.waiting(cx.here.now).delayed.push(due, at, act);
        false
    }

    fn answer(
        &mut self,
        answer: Message,
        after: Option<AnswerAfter>,
        cx: &mut Context<'_>,
    ) -> Result<(), TooMany> {
        let now = cx.here.now;
        cx.ids.take();
        let waiting = self.waiting(now);
        if waiting.answers() >= MAX_WAITING {
            return Err(TooMany);
        }
        match after {
            None => waiting.answers.push(answer, now, cx.out),
            Some(AnswerAfter::Stored) => {
                waiting.unstored.push(answer);
                Ok(())
            }
        }
    }

    /// Whether an answered message has no place in the history yet.
    pub fn wants_place(&self) -> bool {
        self.unstored().is_some_and(Unstored::wants_place)
    }

    /// All messages answered so far are here.
    pub fn placed(&mut self, place: HistorySpan) {
        if let Some(waiting) = &mut self.waiting {
            waiting.unstored.placed(place);
        }
    }

    /// Whether answers wait for the store.
    pub fn awaits_store(&self) -> bool {
        self.unstored().is_some_and(|unstored| unstored.len() > 0)
    }

    /// The store has messages up to here: sends answers.
    pub fn stored(&mut self, stored: Stored, now: Instant, out: &mut Vec<Reply>) {
        let Some(waiting) = &mut self.waiting else {
            return;
        };
        while let Some(settled) = waiting.unstored.settle(stored) {
            match settled {
                // There is room: it has counted among the waiting ones.
                Settled::Stored(answer) => {
                    let _has_room = waiting.answers.push(answer, now, out);
                }
                Settled::Lost => waiting.tell_lost(out),
            }
        }
    }

    /// How many answers wait for the store.
    pub fn unstored_count(&self) -> usize {
        self.unstored().map_or(0, Unstored::len)
    }

    /// The waiting answers after the first `behind` belong to a message that nobody gets: drops
    /// them.
    pub fn withdraw(&mut self, behind: usize, out: &mut Vec<Reply>) {
        if let Some(waiting) = &mut self.waiting
            && waiting.unstored.truncate(behind)
        {
            waiting.tell_lost(out);
        }
    }

    fn unstored(&self) -> Option<&Unstored> {
        let waiting = self.waiting.as_ref();
        waiting.map(|waiting| &waiting.unstored)
    }

    /// Nothing can be sent any more: drops waiting and later answers.
    pub fn mute(&mut self, now: Instant) {
        self.is_mute = true;
        if let Some(waiting) = &mut self.waiting {
            waiting.answers = Answers::new(now);
            waiting.unstored = Unstored::default();
        }
    }

    /// Publishes once for each rule what cannot be rendered: a peer could cause it with each
    /// message.
    fn tell(&mut self, at: usize, rule: &DialogueRule, unfilled: String, cx: &mut Context<'_>) {
        let (bit, Waiting { told, .. }) = (1 << at.min(63), self.waiting(cx.here.now));
        if *told & bit == 0 {
            *told |= bit;
            let text = format!("{}: {unfilled}", report::rule(at, rule));
            cx.out.push(Reply::Error(Cause::Template(text)));
        }
    }

    fn waiting(&mut self, now: Instant) -> &mut Waiting {
        self.waiting.get_or_insert_with(|| {
            Box::new(Waiting {
                answers: Answers::new(now),
                unstored: Unstored::default(),
                delayed: Delayed::default(),
                told: 0,
                told_lost: false,
            })
        })
    }

    /// When something is due.
    pub fn deadline(&self) -> Option<Instant> {
        let waiting = self.waiting.as_ref()?;
        let answers = waiting.answers.deadline();
        let acts = waiting.delayed.deadline();
        answers.into_iter().chain(acts).min()
    }

    /// Handles what is due. `true` if the socket is lost.
    pub fn timer(&mut self, cx: &mut Context<'_>) -> bool {
        let Some(waiting) = &mut self.waiting else {
            return false;
        };
        waiting.answers.send_due(cx.here.now, cx.out);
        waiting.delayed.perform_due(cx)
    }

    /// How many answers wait.
    pub fn answers_waiting(&self) -> usize {
        let waiting = self.waiting.as_ref();
        waiting.map_or(0, |waiting| waiting.answers())
    }

    /// Whether so many answers wait that no more may be added.
    pub fn is_full(&self) -> bool {
        let max_message = self.max_message as usize;
        let waiting = self.waiting.as_ref();
        waiting.is_some_and(|waiting| waiting.is_full(max_message))
    }
}

/// The text for an operator, if the socket is lost.
fn text(at: usize, rule: &DialogueRule, seen: Seen<'_>, cx: &Context<'_>) -> String {
    match rule.action {
        Some(action @ (RuleAction::Reconnect | RuleAction::GiveUp)) => {
            report::by_rule(&report::rule(at, rule), action.as_str(), &cx.shown(seen))
        }
        Some(RuleAction::Beat | RuleAction::Rotate) | None => String::new(),
    }
}

fn matches(rule: &DialogueRule, world: &dyn World) -> bool {
    match &rule.trigger {
        Trigger::Message(when) => when.holds(world),
        Trigger::Loss(_) => false,
    }
}
