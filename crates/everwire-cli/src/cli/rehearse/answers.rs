//! The answers of the peer: messages that fulfil the conditions of a dialogue.

use everwire::{
    dialogue::{
        Again, Capture, Dialogue, DialogueRule, Preparation, PrepareStep, ScriptStep,
        SubscriptionWords, Trigger,
    },
    language::{
        Expression, Inversion, Inverted, Lets, NotInvertible,
        json::{PointerSet, Spans},
    },
};
use serde_json::Value as Json;

use super::{
    model::Seen,
    samples::{self, Samples},
};

/// The effect that an answer should have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// The step passes.
    Expect,
    /// It is refused, and may be tried again.
    Fail,
    /// It is refused permanently.
    GiveUp,
    /// The step is asked to repeat.
    Again,
}

/// Makes answers for a dialogue.
pub struct Answers<'a> {
    pub dialogue: &'a Dialogue,
    pub samples: &'a Samples,
}

/// The conditions for the answer to a call.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    pub pointers: &'a PointerSet,
    lets: &'a Lets,
    expect: &'a Option<Expression>,
    fail: &'a Option<Expression>,
    give_up: &'a Option<Expression>,
    again: Option<&'a Again>,
    pub capture: &'a [Capture],
}

impl<'a> Asked<'a> {
    /// The conditions of a step before the dial.
    pub fn before_dial(preparation: &'a Preparation, step: &'a PrepareStep) -> Self {
        Self {
            pointers: &preparation.pointers,
            lets: &preparation.lets,
            expect: &step.expect,
            fail: &step.fail,
            give_up: &step.give_up,
            again: None,
            capture: &step.capture,
        }
    }

    /// The conditions of a step in a script.
    pub fn by_script(dialogue: &'a Dialogue, step: &'a ScriptStep) -> Self {
        Self {
            pointers: &dialogue.pointers,
            lets: &dialogue.lets,
            expect: &step.expect,
            fail: &step.fail,
            give_up: &step.give_up,
            again: step.again.as_ref(),
            capture: &step.capture,
        }
    }
}

/// Additional conditions for a message.
type Besides<'i> = &'i dyn Fn(Inversion<'i>) -> Inversion<'i>;

/// The message of the first of these ways that leads to one. The last way has the fewest
/// conditions.
fn first<'i>(begin: &Inversion<'i>, ways: &[Besides<'i>]) -> Result<Inverted, NotInvertible> {
    let mut reason = NotInvertible::Contradiction;
    for way in ways {
        match way(begin.clone()).message() {
            Ok(message) => return Ok(message),
            Err(why) => reason = why,
        }
    }
    Err(reason)
}

impl<'a> Answers<'a> {
    /// The answer to a step; `None` if the step has no such answer.
    pub fn to_step(
        &self,
        step: &ScriptStep,
        wanted: Wanted,
        seen: &Seen<'_>,
    ) -> Option<Result<Inverted, NotInvertible>> {
        let begin = Inversion::new(seen, &self.dialogue.pointers, &self.dialogue.lets);
        let after = step.again.as_ref().and_then(|again| again.after.as_ref());
        Some(match wanted {
            Wanted::Expect => {
                let expect = step.expect.as_ref()?;
                let begin = without(begin.holds(expect), [&step.give_up, &step.fail]);
                first(
                    &begin,
                    &[
                        &|way| self.quiet(self.all_captured(way, &step.capture)),
                        &|way| self.quiet(self.captured(way, &step.capture)),
                        &|way| self.captured(way, &step.capture),
                        &|way| has(way, &step.capture),
                    ],
                )
            }
            Wanted::Fail => {
                let begin = without(begin.holds(step.fail.as_ref()?), [&step.give_up, &None]);
                first(&begin, &[&|way| self.quiet(way), &|way| way])
            }
            Wanted::GiveUp => begin.holds(step.give_up.as_ref()?).message(),
            Wanted::Again => {
                let again = step.again.as_ref()?;
                let begin = without(begin.holds(&again.when), [&step.give_up, &step.fail]);
                let begin = without(begin, [&step.expect, &None]);
                match after {
                    Some(after) => first(&begin, &[&|way| way.fills(&after.0), &|way| way]),
                    None => begin.message(),
                }
            }
        })
    }

    /// A message that this rule matches, and no earlier one.
    pub fn to_rule(&self, at: usize, seen: &Seen<'_>) -> Option<Result<Inverted, NotInvertible>> {
        let rule = self.dialogue.rules.get(at)?;
        let Trigger::Message(when) = &rule.trigger else {
            return None;
        };
        let begin = Inversion::new(seen, &self.dialogue.pointers, &self.dialogue.lets);
        let earlier = self.dialogue.rules[..at].iter().filter_map(when_of);
        let begin = earlier.fold(begin.holds(when), Inversion::fails);
        let url = [samples::url("handover")];
        let leads = |way| match rule.url.as_ref().and_then(|url| url.leading_hole()) {
            Some(hole) => Inversion::comes_to(way, hole, &url),
            None => way,
        };
        let send = rule.send.as_ref().and_then(|send| send.template());
        Some(match send {
            Some(send) => first(
                &begin,
                &[
                    &|way| leads(self.captured(way.fills(send), &rule.capture)),
                    &|way| leads(has(way.fills(send), &rule.capture)),
                    &|way| leads(way),
                ],
            ),
            None => first(
                &begin,
                &[
                    &|way| leads(self.captured(way, &rule.capture)),
                    &|way| leads(has(way, &rule.capture)),
                    &|way| leads(way),
                ],
            ),
        })
    }

    /// The answer to a ping whose answers match an expression.
    pub fn to_ping(&self, pong: &Expression, seen: &Seen<'_>) -> Result<Inverted, NotInvertible> {
        let begin = Inversion::new(seen, &self.dialogue.pointers, &self.dialogue.lets).holds(pong);
        first(&begin, &[&|way| self.quiet(way), &|way| way])
    }

    /// The answer to a call. For a program, 200 stands for the exit code 0.
    pub fn to_call(
        &self,
        step: Asked<'_>,
        is_program: bool,
        wanted: Wanted,
        seen: &Seen<'_>,
    ) -> Option<Result<Inverted, NotInvertible>> {
        let status = match (is_program, wanted) {
            (true, Wanted::Expect) => 0,
            (true, _) => 1,
            (false, _) => 200,
        };
        let begin = Inversion::new(seen, step.pointers, step.lets).with_status(status);
        Some(match wanted {
            Wanted::Expect => {
                let begin = step.expect.iter().fold(begin, Inversion::holds);
                let begin = without(begin, [step.give_up, step.fail]);
                let again = step.again.filter(|_| step.expect.is_none());
                let begin = again
                    .iter()
                    .fold(begin, |way, again| way.fails(&again.when));
                first(
                    &begin,
                    &[&|way| self.captured(way, step.capture), &|way| {
                        has(way, step.capture)
                    }],
                )
            }
            Wanted::Fail => match step.fail {
                Some(fail) => without(begin.holds(fail), [step.give_up, &None]).message(),
                // Whatever is expected: a server that is not available.
                None => {
                    let begin = without(begin.with_status(500), [step.give_up, step.expect]);
                    let again = step.again.into_iter();
                    again
                        .fold(begin, |way, again| way.fails(&again.when))
                        .message()
                }
            },
            Wanted::GiveUp => begin.holds(step.give_up.as_ref()?).message(),
            Wanted::Again => {
                let again = step.again?;
                let begin = without(begin.holds(&again.when), [step.give_up, step.fail]);
                let begin = without(begin, [step.expect, &None]);
                match &again.after {
                    Some(after) => first(&begin, &[&|way| way.fills(&after.0), &|way| way]),
                    None => begin.message(),
                }
            }
        })
    }

    /// The answer to a request that subscribes.
    pub fn to_subscription(
        &self,
        words: &SubscriptionWords,
        wanted: Wanted,
        seen: &Seen<'_>,
    ) -> Result<Inverted, NotInvertible> {
        let begin = Inversion::new(seen, &self.dialogue.pointers, &self.dialogue.lets);
        let begin = begin.with_status(200);
        match (wanted, &words.fail) {
            (Wanted::Fail, Some(fail)) => without(begin.holds(fail), [&words.ack, &None]).message(),
            // Whatever is expected: a server that is not available.
            (Wanted::Fail, None) => without(begin.with_status(500), [&words.ack, &None]).message(),
            (Wanted::Expect | Wanted::GiveUp | Wanted::Again, _) => {
                let begin = words.ack.iter().fold(begin, Inversion::holds);
                let begin = without(begin, [&words.fail, &None]);
                first(
                    &begin,
                    &[&|way| self.captured(way, &words.capture), &|way| {
                        has(way, &words.capture)
                    }],
                )
            }
        }
    }

    /// The captures get their values.
    fn captured<'i>(&self, way: Inversion<'i>, captures: &'i [Capture]) -> Inversion<'i> {
        captures.iter().fold(way, |way, capture| {
            let way = capture.when.iter().fold(way, Inversion::holds);
            way.comes_to(&capture.value, self.samples.get(capture.name))
        })
    }

    /// The captures get their values, also those that any message may set.
    fn all_captured<'i>(&'i self, way: Inversion<'i>, captures: &'i [Capture]) -> Inversion<'i>
    where
        'a: 'i,
    {
        let always = self.dialogue.captures.iter();
        let always = always.filter(|capture| capture.when.is_none());
        always.fold(self.captured(way, captures), |way, capture| {
            way.comes_to(&capture.value, self.samples.get(capture.name))
        })
    }

    /// No rule reacts to the message.
    fn quiet<'i>(&'i self, way: Inversion<'i>) -> Inversion<'i>
    where
        'a: 'i,
    {
        let acting = self
            .dialogue
            .rules
            .iter()
            .filter(|rule| rule.action.is_some());
        acting.filter_map(when_of).fold(way, Inversion::fails)
    }
}

fn when_of(rule: &DialogueRule) -> Option<&Expression> {
    match &rule.trigger {
        Trigger::Message(when) => Some(when),
        Trigger::Loss(_) => None,
    }
}

fn without<'i, const N: usize>(
    way: Inversion<'i>,
    conditions: [&'i Option<Expression>; N],
) -> Inversion<'i> {
    conditions.into_iter().flatten().fold(way, Inversion::fails)
}

/// The captured members exist.
fn has<'i>(way: Inversion<'i>, captures: &'i [Capture]) -> Inversion<'i> {
    captures.iter().fold(way, |way, capture| {
        let way = capture.when.iter().fold(way, Inversion::holds);
        way.has(&capture.value)
    })
}

/// A refusal that repeats the refused request, as many servers do. If that would change its effect,
/// the plain refusal.
pub fn repeating(
    refusal: String,
    said: &str,
    fail: &Expression,
    pointers: &PointerSet,
    seen: Seen<'_>,
) -> String {
    let Ok(Json::Object(mut object)) = serde_json::from_str(&refusal) else {
        return refusal;
    };
    object.entry("you_said").or_insert_with(|| said.into());
    let told = Json::Object(object).to_string();
    let mut spans = Spans::default();
    let found = pointers.find(&told, &mut spans).unwrap_or_default();
    match fail.holds(&seen.with(&told, found, None)) {
        true => told.clone(),
        false => refusal,
    }
}
