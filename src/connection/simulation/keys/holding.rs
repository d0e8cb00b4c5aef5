//! Callers that hold keys and release them.

use std::{cell::RefCell, rc::Rc, time::Duration};

use actix::{Addr, dev::Request as Asking};
use everwire_proto::dialogue::{Holder, SubscriptionStatus};
use tokio::time::{Instant, sleep};

use super::{KEYS, Keys, MUTE, name_of};
use crate::{
    connection::{
        Connection, HoldError, HoldSubscription, ReleaseSubscription, RetrySubscriptions,
        simulation::{dialogue::wanted, plan::Dice},
    },
    settings::SubscriptionWish,
};

/// The interval at which failed keys are requested again after the trouble.
const RETRY: Duration = Duration::from_secs(6);

const SESSIONS: [Holder; 2] = [Holder::Session(1), Holder::Session(2)];

/// A caller's action, and the answer that the name must give.
enum Act {
    Hold {
        held: Asking<Connection, HoldSubscription>,
        /// The holders afterwards; `None`: the limit is reached.
        holders: Option<Vec<Holder>>,
    },
    Release {
        released: Asking<Connection, ReleaseSubscription>,
        is_gone: bool,
    },
    Retry(Asking<Connection, RetrySubscriptions>),
}

/// Holds and releases keys until then. Afterwards it requests failed keys again.
pub(in crate::connection::simulation) async fn hold_and_release(
    addr: Addr<Connection>,
    keys: Rc<RefCell<Keys>>,
    until: Instant,
    mut dice: Dice,
) {
    let pause = keys.borrow().moods.pause;
    while Instant::now() < until {
        let mut acts = Vec::new();
        for _ in 0..dice.within(1, 4) {
            act(&addr, &mut keys.borrow_mut(), &mut dice, &mut acts);
        }
        for act in acts {
            act.expect_done().await;
        }
        sleep(Duration::from_millis(dice.within(pause / 4, pause))).await;
    }
    loop {
        addr.do_send(RetrySubscriptions);
        sleep(RETRY).await;
    }
}

/// Holds more keys while the name is told to close, repeatedly for some time: callers do not know
/// of the close.
pub(in crate::connection::simulation) async fn hold_at_close(
    addr: &Addr<Connection>,
    keys: &RefCell<Keys>,
    farewell: Duration,
    dice: &mut Dice,
) {
    let until = Instant::now() + farewell;
    while Instant::now() < until {
        let acts = [(); 2].map(|()| {
            let key = dice.within(0, KEYS as u64) as usize;
            let keys = &mut keys.borrow_mut();
            keys.tally.held_at_close += 1;
            hold_one(addr, keys, key, SESSIONS[0])
        });
        for act in acts {
            act.expect_done().await;
        }
        sleep(dice.millis(500)).await;
    }
}

/// The next process restores the keys that were held over the API.
pub(in crate::connection::simulation) fn restore(addr: &Addr<Connection>, keys: &mut Keys) {
    for key in keys.of_api() {
        addr.do_send(hold(key, Holder::Api, keys));
        keys.tally.restored += 1;
    }
}

/// Performs one action. The name receives it at once, in order.
fn act(addr: &Addr<Connection>, keys: &mut Keys, dice: &mut Dice, acts: &mut Vec<Act>) {
    let key = match keys.moods.is_mute && dice.percent(15) {
        true => MUTE,
        false => dice.within(0, KEYS as u64) as usize,
    };
    let holder = [Holder::Api, SESSIONS[0], SESSIONS[1]][dice.within(0, 3) as usize];
    match dice.within(0, 20) {
        0..11 => acts.push(hold_one(addr, keys, key, holder)),
        11..18 => acts.push(release(addr, keys, key, holder)),
        18 => {
            let session = SESSIONS[dice.within(0, 2) as usize];
            let held = (0..KEYS).filter(|key| keys.wants.holders(*key).contains(&session));
            for key in held.collect::<Vec<_>>() {
                acts.push(release(addr, keys, key, session));
            }
        }
        _ => {
            keys.tally.retried += 1;
            acts.push(Act::Retry(addr.send(RetrySubscriptions)));
        }
    }
}

fn hold_one(addr: &Addr<Connection>, keys: &mut Keys, key: usize, holder: Holder) -> Act {
    let has_room = keys.wants.hold(key, holder);
    let holders = has_room.then(|| keys.wants.holders(key));
    keys.tally.held += u64::from(has_room);
    keys.tally.too_many += u64::from(!has_room);
    let held = addr.send(hold(key, holder, keys));
    Act::Hold { held, holders }
}

fn release(addr: &Addr<Connection>, keys: &mut Keys, key: usize, holder: Holder) -> Act {
    let is_gone = keys.release(key, holder);
    keys.tally.released += u64::from(is_gone);
    let key = name_of(key).into();
    let released = addr.send(ReleaseSubscription { key, holder });
    Act::Release { released, is_gone }
}

fn hold(key: usize, holder: Holder, keys: &Keys) -> HoldSubscription {
    let mut wish = SubscriptionWish::default();
    if keys.is_own(key) {
        // Only the code that compiles these settings knows them.
        wish.words.insert("on".into(), true.into());
    }
    HoldSubscription {
        key: name_of(key).into(),
        wish,
        holder,
        compile: wanted,
        asked: Default::default(),
    }
}

impl Act {
    async fn expect_done(self) {
        match self {
            Self::Hold { held, holders } => {
                let held = held.await.expect("the actor");
                match (&held, holders) {
                    (Ok(SubscriptionStatus { holders: told, .. }), Some(holders)) => {
                        assert_eq!(*told, holders, "{held:?}");
                    }
                    (Err(HoldError::TooMany { .. }), None) => {}
                    (_, holders) => panic!("{held:?}, and not {holders:?}"),
                }
            }
            Self::Release { released, is_gone } => {
                let released = released.await.expect("the actor");
                assert_eq!(released, Ok(is_gone), "whether nobody holds it");
            }
            Self::Retry(retried) => {
                retried.await.expect("the actor");
            }
        }
    }
}
