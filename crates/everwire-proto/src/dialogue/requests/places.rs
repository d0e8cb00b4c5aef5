//! Limits how many of our messages await an answer by their number.

use crate::{
    dialogue::{Conversation, running::Running},
    language::{BuiltIn, Expression, Lets, Name},
    settings::dialogue::{Dialogue, ScriptStep},
};

impl Conversation {
    /// How many of our messages await an answer by their number on this socket: requests, steps,
    /// heartbeats, subscriptions.
    pub fn in_flight(&self) -> usize {
        let pings = match self.pings_await_number() {
            true => self.seldom.unanswered(),
            false => 0,
        };
        let step = self.running().filter(|step| step.listens());
        let step = step.is_some_and(|step| self.step_awaits_number(step));
        let subscriptions = self.subscriptions.as_ref();
        let subscriptions = subscriptions.map_or(0, |it| it.in_flight());
        self.requests_in_flight() + pings + usize::from(step) + subscriptions
    }

    /// Whether the limit allows another request.
    pub fn has_place(&self) -> bool {
        let request = self.dialogue.request.as_ref();
        request.is_none_or(|request| self.in_flight() < request.in_flight.get() as usize)
    }

    /// Whether the limit allows the step whose turn has come.
    pub fn has_place_for_step(&self) -> bool {
        let awaits = || {
            self.running()
                .is_some_and(|step| self.step_awaits_number(step))
        };
        self.dialogue.request.is_none() || self.has_place() || !awaits()
    }

    /// Whether the limit allows a ping of the heartbeat.
    pub fn has_place_for_ping(&self) -> bool {
        self.dialogue.request.is_none() || self.has_place() || !self.pings_await_number()
    }

    fn pings_await_number(&self) -> bool {
        let heartbeat = self.dialogue.heartbeat.as_ref();
        let pong = heartbeat.and_then(|heartbeat| heartbeat.pong.as_ref());
        pong.is_some_and(|pong| reads_id(pong, &self.dialogue.lets))
    }

    fn step_awaits_number(&self, running: &Running) -> bool {
        let step = running.place.step(&self.dialogue);
        step.is_some_and(|step| awaits_number(step, &self.dialogue))
    }
}

/// Whether the answer to a step is recognised by the number of its message.
fn awaits_number(step: &ScriptStep, dialogue: &Dialogue) -> bool {
    let again = step.again.as_ref().map(|again| &again.when);
    let conditions = [&step.expect, &step.fail, &step.give_up];
    let mut conditions = conditions.into_iter().flatten().chain(again);
    step.send.is_some() && conditions.any(|condition| reads_id(condition, &dialogue.lets))
}

/// Whether an expression reads the number, directly or through a `let`.
pub(in crate::dialogue) fn reads_id(expression: &Expression, lets: &Lets) -> bool {
    let mut seen = Vec::new();
    let mut reads = expression.reads().iter();
    reads.any(|read| is_id(read.name, lets, &mut seen))
}

/// Whether a name is the number, or a `let` that reads it. Each `let` is looked at once: many of them
/// may read the same one.
fn is_id(name: Name, lets: &Lets, seen: &mut Vec<Name>) -> bool {
    match name {
        Name::BuiltIn(built_in) => built_in == BuiltIn::Id,
        Name::Capture(_) => false,
        Name::Let(_) if seen.contains(&name) => false,
        Name::Let(_) => {
            seen.push(name);
            let template = lets.get(name);
            template.is_some_and(|template| {
                let mut reads = template.reads();
                reads.any(|read| is_id(read.name, lets, seen))
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::language::{MAX_LET_DEPTH, Names, NothingOutside, Scope, json::PointerSet};

    #[test]
    fn lets_that_read_each_other_are_looked_at_once() {
        // Each reads the one before it a hundred times: 10^14 paths lead to the first.
        let names: Vec<String> = (0..MAX_LET_DEPTH).map(|at| format!("l{at}")).collect();
        let read = |name: &String| format!("${{{name}}}").repeat(100);
        let texts: Vec<String> = names.iter().take(MAX_LET_DEPTH - 1).map(read).collect();
        let texts: Vec<&str> = [r#"${now("s")}"#]
            .into_iter()
            .chain(texts.iter().map(String::as_str))
            .collect();
        let (mut scope_names, mut pointers) = (Names::default(), PointerSet::default());
        for name in &names {
            scope_names.declare(name).unwrap();
        }
        let mut scope = Scope::new(&scope_names, &mut pointers, &NothingOutside);
        let lets = Lets::compile(&texts, &mut scope).unwrap();
        let last = names.last().unwrap();
        let last = Expression::condition(&format!("{last} == 1"), &mut scope).unwrap();
        assert!(!reads_id(&last, &lets));
    }
}
