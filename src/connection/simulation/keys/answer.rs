//! What the peer answers to an `on`.

use super::{Asked, Keys, OWN, name_of, sid_of};
use crate::connection::simulation::plan::Dice;

/// What the peer answers to an `on`.
#[derive(Default)]
pub(in crate::connection::simulation) struct Answer {
    pub taken: Asked,
    pub refused: Vec<(usize, u64)>,
}

impl Answer {
    /// What the peer calls the first of those that it takes.
    pub fn sid(&self) -> Option<String> {
        let first = self.taken.keys.first();
        first.map(|(key, _)| sid_of(*key))
    }

    /// The names of those that it refuses.
    pub fn refused(&self) -> impl Iterator<Item = String> {
        self.refused.iter().map(|(key, _)| name_of(*key))
    }
}

impl Keys {
    /// What the peer answers: it refuses some, takes all others, and never says a word of one.
    pub fn decide(&self, asked: Asked, troubled: bool, dice: &mut Dice) -> Answer {
        let moods = &self.moods;
        // What names no asking may mean an older one.
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

    /// The peer gives this answer now.
    pub fn give(&mut self, socket: usize, answer: &Answer) {
        for (key, turn) in &answer.refused {
            self.refuse(socket, *key, *turn);
        }
        self.take(socket, &answer.taken.keys);
    }

    /// Whether this one has words of its own.
    pub fn is_own(&self, key: usize) -> bool {
        self.moods.has_own && key == OWN
    }
}
