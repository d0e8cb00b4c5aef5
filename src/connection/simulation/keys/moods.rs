//! What the subscriptions of a life are like.

use std::time::Duration;

use super::KEYS;
use crate::connection::simulation::plan::Dice;

/// How messages are found that belong to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::connection::simulation) enum Routing {
    None,
    /// They have its name.
    Name,
    /// They have the number that the peer gave it when it took it.
    Number,
}

/// The bucket of what is said of subscriptions.
#[derive(Clone, Copy, Debug)]
pub(in crate::connection::simulation) struct KeyRate {
    pub messages: u32,
    pub burst: u32,
    pub per: Duration,
}

/// What the subscriptions of a life are like, and what the peer does with them: so many of a hundred.
#[derive(Clone, Copy, Debug)]
pub(in crate::connection::simulation) struct KeyMoods {
    /// The settings subscribe to these.
    pub file: [bool; KEYS],
    /// What the peer has taken, it says.
    pub acks: bool,
    /// One it never answers.
    pub is_mute: bool,
    /// It is asked by calls, beside the socket.
    pub over_http: bool,
    /// One has words of its own.
    pub has_own: bool,
    /// On each socket it may have one that is not to be asked for.
    pub shuts: bool,
    /// It names the next socket, and continues there what it has.
    pub continues: bool,
    /// It may refuse some, and does so with one always.
    pub fails: bool,
    /// It may end some.
    pub ends: bool,
    pub batch: u32,
    pub max: u32,
    pub rate: Option<KeyRate>,
    pub routing: Routing,
    pub within: Duration,
    /// While there is trouble: answers come late, or never; keys are refused, or ended.
    pub lates: u64,
    pub silences: u64,
    pub refuses: u64,
    pub quits: u64,
    /// The longest time between the acts of callers, in milliseconds.
    pub pause: u64,
}

impl KeyMoods {
    pub fn draw(dice: &mut Dice) -> Self {
        let file = [(); KEYS].map(|()| dice.percent(25));
        let declared = file.iter().filter(|declared| **declared).count() as u64;
        let over_http = dice.percent(25);
        let acks = over_http || dice.percent(80);
        let is_mute = acks && dice.percent(30);
        let routing = match dice.within(0, 3) {
            0 => Routing::None,
            1 if acks => Routing::Number,
            _ => Routing::Name,
        };
        let continues = dice.percent(40);
        Self {
            file,
            acks,
            is_mute,
            over_http,
            has_own: dice.percent(40),
            shuts: dice.percent(30) && !continues,
            continues,
            fails: dice.percent(70),
            // What ends a key by the socket may pass the answer to a call that has asked for it.
            // And what was not heard on a socket that is lost is not said again on one that goes on.
            ends: acks && !over_http && !continues && dice.percent(60),
            // What an answer says of its own is of one key; and one that is missing is missed by all keys of the batch.
            batch: match routing {
                Routing::None | Routing::Name if !is_mute => small(dice, 1, 5),
                Routing::None | Routing::Name | Routing::Number => 1,
            },
            max: match dice.percent(40) {
                true => small(dice, declared.max(1), declared + 5),
                false => 10_000,
            },
            rate: dice.percent(40).then(|| KeyRate::draw(dice)),
            routing,
            within: Duration::from_millis(dice.within(1_000, 5_000)),
            lates: dice.within(0, 40),
            silences: dice.within(0, 15),
            refuses: dice.within(0, 30),
            quits: dice.within(0, 15),
            pause: [300, 2_000, 10_000][dice.within(0, 3) as usize],
        }
    }
}

impl KeyMoods {
    /// Subscriptions are active in this time, those that have to be asked for twice among them.
    pub fn need(&self) -> Duration {
        let each = self.rate.map_or(Duration::ZERO, |it| it.per / it.messages);
        Duration::from_secs(5) + each * 2 * KEYS as u32
    }
}

impl KeyRate {
    fn draw(dice: &mut Dice) -> Self {
        let messages = small(dice, 1, 5);
        Self {
            messages,
            burst: small(dice, 1, u64::from(messages) + 1),
            per: Duration::from_millis(dice.within(300, 1_500)),
        }
    }
}

fn small(dice: &mut Dice, from: u64, to: u64) -> u32 {
    u32::try_from(dice.within(from, to)).expect("small")
}
