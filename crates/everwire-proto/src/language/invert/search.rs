//! The search for a message: breaks goals down, tries each way, and checks the result.

use super::{
    NotInvertible,
    candidate::Candidate,
    draft::Draft,
    goal::{Goal, Ways},
    inverted::Inverted,
    known::Known,
    ways::ways,
};
use crate::language::json::Spans;

/// The most steps of a search.
const MAX_STEPS: usize = 4_096;

/// A message that reaches all of these goals.
pub(super) fn run<'s>(
    known: &'s Known<'s>,
    goals: &'s [Goal<'s>],
) -> Result<Inverted, NotInvertible> {
    Search {
        known,
        goals,
        blocked: NotInvertible::Contradiction,
    }
    .run()
}

/// A way that may lead to a message.
#[derive(Clone)]
struct Way<'n> {
    draft: Draft,
    /// The remaining goals.
    goals: Vec<Goal<'n>>,
    /// Goals that are checked when everything else is decided: what must not be true.
    later: Vec<Goal<'n>>,
}

/// A search.
struct Search<'s> {
    known: &'s Known<'s>,
    goals: &'s [Goal<'s>],
    blocked: NotInvertible,
}

impl<'s> Search<'s> {
    fn run(mut self) -> Result<Inverted, NotInvertible> {
        if let Some(chance) = self.goals.iter().find_map(Goal::chance) {
            return Err(NotInvertible::Chance(chance));
        }
        let mut goals = self.goals.to_vec();
        goals.reverse();
        let mut ways = vec![Way {
            draft: Draft::default(),
            goals,
            later: Vec::new(),
        }];
        for _ in 0..MAX_STEPS {
            let Some(mut way) = ways.pop() else {
                return Err(self.blocked);
            };
            let (goal, is_late) = match (way.goals.pop(), way.later.pop()) {
                (Some(goal), Some(later)) => {
                    way.later.push(later);
                    (goal, false)
                }
                (Some(goal), None) => (goal, false),
                (None, Some(goal)) => (goal, true),
                (None, None) => match self.finished(&way.draft) {
                    Some(message) => return Ok(message),
                    None => continue,
                },
            };
            if !is_late && goal.is_soft() {
                way.later.insert(0, goal);
                ways.push(way);
                continue;
            }
            match self.step(&way.draft, goal) {
                Ok(next) => ways.extend(next.into_iter().rev().map(|(draft, goals)| {
                    let mut way = way.clone();
                    way.draft = draft;
                    way.goals.extend(goals.into_iter().rev());
                    way
                })),
                Err(reason) if reason.weight() > self.blocked.weight() => self.blocked = reason,
                Err(_) => {}
            }
        }
        let reason = NotInvertible::TooManyWays(MAX_STEPS);
        Err(match reason.weight() > self.blocked.weight() {
            true => reason,
            false => self.blocked,
        })
    }

    /// The message, if it reaches all goals.
    fn finished(&self, draft: &Draft) -> Option<Inverted> {
        [true, false].into_iter().find_map(|arrays| {
            let message = draft.write(arrays);
            let mut spans = Spans::default();
            let world = Candidate::new(self.known, &message, &mut spans);
            let is_so = self.goals.iter().all(|goal| goal.is_so(&world));
            is_so.then_some(message)
        })
    }

    /// The ways to one goal.
    fn step<'n>(&self, draft: &Draft, goal: Goal<'n>) -> Ways<'n>
    where
        's: 'n,
    {
        let message = draft.write(true);
        let mut spans = Spans::default();
        let world = Candidate::new(self.known, &message, &mut spans);
        let mut ways = Vec::new();
        if goal.is_so(&world) && !goal.has_parts() {
            ways.push((draft.clone(), Vec::new()));
            if !goal.reads_message() {
                return Ok(ways);
            }
        } else if !goal.reads_message() {
            return Err(goal.without_message());
        }
        ways.extend(self::ways(goal, draft, &world)?);
        Ok(ways)
    }
}
