//! `spread`: subscriptions that the names of a fleet share.

use super::{Row, tokens::expand_text};
use crate::config::{
    keys::{ConnectionTable, Spread, Subscriptions},
    members::Turn,
    read::{Context, Located, Problem, backticked},
    values::Written,
};
use everwire_proto::settings::dialogue::MAX_SUBSCRIPTIONS;

/// One connection's share of its fleet's `spread`.
pub(in crate::config) struct Share<'f> {
    /// The fleet's name.
    pub fleet: &'f str,
    pub spread: &'f Located<Spread>,
    /// Its index among the fleet's names.
    pub turn: Turn,
}

impl Share<'_> {
    /// Gives the connection its share, round robin: a text that is added at the end changes one
    /// name.
    pub fn give(
        &self,
        table: &mut ConnectionTable,
        row: &Row,
        name: &str,
        context: &mut Context<'_>,
    ) {
        let Turn { at, of } = self.turn;
        let own = table.subscriptions.as_ref();
        let own = own.map_or(0, |own| own.value.items.len());
        let texts = &self.spread.value.0;
        let share = texts.iter().skip(at).step_by(of.max(1));
        let room = max(table).saturating_sub(own);
        if share.len() > room {
            self.refuse(own, room, context);
            return;
        }
        let share = share.map(|Written { text, place }| Written {
            text: expand_text(text, row, name),
            place: *place,
        });
        let place = self.spread.place;
        let subscriptions = table.subscriptions.get_or_insert_with(|| Located {
            value: Subscriptions::default(),
            place,
        });
        subscriptions.value.extend(share);
    }

    /// Reports that there are too few names. All names have the same share, or one less.
    fn refuse(&self, own: usize, room: usize, context: &mut Context<'_>) {
        let count = self.spread.value.0.len();
        let names = match self.turn.of {
            1 => "1 name".to_owned(),
            of => format!("{of} names"),
        };
        let beside = match own {
            0 => String::new(),
            _ => format!(" beside its own {own}"),
        };
        let fleet = backticked(self.fleet);
        let message = format!(
            "the fleet {fleet} has {names} for {count} subscriptions, and each takes at most {room}{beside}"
        );
        let help = match room {
            0 => "write a larger `subscribe.max`".to_owned(),
            _ => {
                let needed = count.div_ceil(room);
                format!("write {needed} names or more, or a larger `subscribe.max`")
            }
        };
        // The error concerns the whole fleet.
        let subject = context.problems.subject.take();
        let problem = Problem::new(self.spread.place, message).help(help);
        context.problems.push(problem);
        context.problems.subject = subject;
    }
}

fn max(table: &ConnectionTable) -> usize {
    let subscribe = table.subscribe.as_ref();
    let max = subscribe.and_then(|subscribe| subscribe.value.limits.max.as_ref());
    max.map_or(MAX_SUBSCRIPTIONS, |max| max.value.0).get() as usize
}
