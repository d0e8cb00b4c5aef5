//! The peer's answer to an `on`.

use super::{Asked, Keys, OWN, name_of, sid_of};
use crate::connection::simulation::plan::Dice;

/// The peer's answer to an `on`.
#[derive(Default)]
pub(in crate::connection::simulation) struct Answer {
    pub taken: Asked,
    pub refused: Vec<(usize, u64)>,
}

impl Answer {
    /// The peer's id for the first accepted key.
    pub fn sid(&self) -> Option<String> {
        let first = self.taken.keys.first();
        first.map(|(key, _)| sid_of(*key))
    }

    /// The names of the refused keys.
    pub fn refused(&self) -> impl Iterator<Item = String> {
        self.refused.iter().map(|(key, _)| name_of(*key))
    }
}

impl Keys {
    /// Decides the answer: some keys are refused, some are never answered, all others are accepted.
    pub fn decide(&self, asked: Asked, troubled: bool, dice: &mut Dice) -> Answer {
        let moods = &self.moods;
        // A refusal does not say which request it answers, so it may be for an earlier one.
        let may_refuse = moods.fails && moods.acks && troubled;
        let mut refuses =
            |key: usize| self.is_never(key) || (may_refuse && dice.percent(moods.refuses));
        let answered = asked.keys.iter().filter(|(key, _)| !self.is_mute(*key));
        let (refused, taken) = answered.partition(|(key, _)| refuses(*key));
        Answer {
            taken: Asked {
                keys: taken,
                ..asked
            },
            refused,
        }
    }

    /// Records that the peer sends this answer now.
    pub fn give(&mut self, socket: usize, answer: &Answer) {
        for (key, turn) in &answer.refused {
            self.refuse(socket, *key, *turn);
        }
        self.take(socket, &answer.taken.keys);
    }

    /// Whether this key has its own settings.
    pub fn is_own(&self, key: usize) -> bool {
        self.moods.has_own && key == OWN
    }
}
