//! The kind of subscriptions in a life.

use std::time::Duration;

use super::KEYS;
use crate::connection::simulation::plan::Dice;

/// How a message is matched to its key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::connection::simulation) enum Routing {
    None,
    /// The message contains the key's name.
    Name,
    /// The message contains the id that the peer gave when it accepted the key.
    Number,
}

/// The rate bucket of subscription messages.
#[derive(Clone, Copy, Debug)]
pub(in crate::connection::simulation) struct KeyRate {
    pub messages: u32,
    pub burst: u32,
    pub per: Duration,
}

/// The subscriptions of a life, and how the peer treats them. Numbers are percentages.
#[derive(Clone, Copy, Debug)]
pub(in crate::connection::simulation) struct KeyMoods {
    /// Keys in the settings.
    pub file: [bool; KEYS],
    /// The peer confirms accepted keys.
    pub acks: bool,
    /// There is a key that it never answers.
    pub is_mute: bool,
    /// Keys are requested by HTTP calls instead of messages.
    pub over_http: bool,
    /// One key has its own settings.
    pub has_own: bool,
    /// Each socket may have a key that must not be requested there.
    pub shuts: bool,
    /// It names the next socket, and continues there what it has.
    pub continues: bool,
    /// The peer may refuse keys, and always refuses one of them.
    pub fails: bool,
    /// The peer may end keys.
    pub ends: bool,
    pub batch: u32,
    pub max: u32,
    pub rate: Option<KeyRate>,
    pub routing: Routing,
    pub within: Duration,
    /// During the trouble: how often answers are late or missing, and keys are refused or ended.
    pub lates: u64,
    pub silences: u64,
    pub refuses: u64,
    pub quits: u64,
    /// The longest pause between the actions of callers, in milliseconds.
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
            // An `end` on the socket could overtake the answer to the call that requested the key.
            // And an `end` that a lost socket did not deliver is not repeated on the next one.
            ends: acks && !over_http && !continues && dice.percent(60),
            // With ids an answer is for one key; a missing answer affects all keys of the batch.
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
    /// The time within which all subscriptions are active, with those that must be requested twice.
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
