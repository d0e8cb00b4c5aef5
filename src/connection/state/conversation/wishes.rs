//! What callers want of subscriptions: each conversation of the name learns it, whatever settings it is of.

use std::{collections::BTreeMap, sync::Arc};

use everwire_proto::dialogue::{Holder, Reply};

use super::{LiveConversation, Surroundings};
use crate::{
    connection::HoldError,
    core::Cause,
    memory::{Charge, MemoryBudget, MemoryUse, OutOfMemory},
    settings::{CompileSubscription, SubscriptionWish},
};

/// What callers want of subscriptions. Boxed: few names have callers who do.
#[derive(Default)]
pub(in crate::connection) struct Wishes(Option<Box<Known>>);

/// What is wanted.
struct Known {
    /// By key.
    wished: BTreeMap<Arc<str>, Wished>,
    /// It rises with each change.
    version: u64,
    /// What all of it takes, in bytes.
    bytes: usize,
    /// The memory of that.
    charge: Charge,
}

/// What a key takes besides what is said of it, in bytes.
const EACH: usize = 512;

/// What callers want of one key.
struct Wished {
    /// `None`: nothing but the key. Boxed: few say more.
    wish: Option<Box<SubscriptionWish>>,
    compile: CompileSubscription,
    holders: Vec<Holder>,
    /// What it takes.
    bytes: usize,
}

impl Wishes {
    /// Takes the memory for what a caller wants: [`add`](Self::add) follows, or [`settle`](Self::settle).
    pub fn reserve(
        &mut self,
        key: &str,
        wish: &SubscriptionWish,
        memory: &Arc<MemoryBudget>,
    ) -> Result<(), OutOfMemory> {
        let known = self.0.get_or_insert_with(|| {
            Box::new(Known {
                wished: BTreeMap::new(),
                version: 0,
                bytes: 0,
                charge: Charge::new(memory, MemoryUse::Outboxes),
            })
        });
        match known.wished.contains_key(key) {
            true => Ok(()),
            false => known.charge.try_set(known.bytes + bytes_of(key, wish)),
        }
    }

    /// What was reserved, and not added, is given back.
    pub fn settle(&mut self) {
        if let Some(known) = &mut self.0 {
            known.charge.set(known.bytes);
        }
    }

    /// A caller wants this, and it was taken on.
    pub fn add(
        &mut self,
        key: &str,
        wish: SubscriptionWish,
        holder: Holder,
        compile: CompileSubscription,
    ) {
        let Some(known) = &mut self.0 else {
            return;
        };
        known.version += 1;
        match known.wished.get_mut(key) {
            Some(wished) => {
                if !wished.holders.contains(&holder) {
                    wished.holders.push(holder);
                }
            }
            None => {
                let bytes = bytes_of(key, &wish);
                known.bytes += bytes;
                let wished = Wished {
                    wish: (!wish.is_empty()).then(|| Box::new(wish)),
                    compile,
                    holders: vec![holder],
                    bytes,
                };
                known.wished.insert(key.into(), wished);
            }
        }
    }

    /// A caller wants it no more.
    pub fn remove(&mut self, key: &str, holder: Holder) {
        let Some(known) = &mut self.0 else {
            return;
        };
        let Some(wished) = known.wished.get_mut(key) else {
            return;
        };
        known.version += 1;
        wished.holders.retain(|known| *known != holder);
        if wished.holders.is_empty() {
            known.bytes -= wished.bytes;
            known.wished.remove(key);
        }
        self.settle();
    }

    fn version(&self) -> u64 {
        self.0.as_ref().map_or(0, |known| known.version)
    }

    fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Wished)> {
        self.0.iter().flat_map(|known| &known.wished)
    }

    fn has(&self, key: &str, holder: Holder) -> bool {
        let known = self.0.as_ref();
        let wished = known.and_then(|known| known.wished.get(key));
        wished.is_some_and(|wished| wished.holders.contains(&holder))
    }
}

/// What a key takes, nearly, in bytes: as it was said, and as it is sent.
fn bytes_of(key: &str, wish: &SubscriptionWish) -> usize {
    EACH + 2 * (key.len() + wish.size())
}

impl LiveConversation {
    /// It knows all wishes of this version.
    pub fn knows(&mut self, wishes: &Wishes) {
        self.seldom.set_wishes(wishes.version());
    }

    /// Whether there are wishes of which it does not know.
    pub fn lacks(&self, wishes: &Wishes) -> bool {
        self.seldom.wishes() != wishes.version()
    }

    /// Learns what callers want. One that cannot be taken on under these settings is told.
    pub fn follow(&mut self, wishes: &Wishes, at: Surroundings<'_>) {
        self.seldom.set_wishes(wishes.version());
        for status in self.subscriptions() {
            for holder in status.holders {
                if holder != Holder::File && !wishes.has(&status.key, holder) {
                    self.release_subscription(&status.key, holder, at);
                }
            }
        }
        for (key, wished) in wishes.iter() {
            for holder in &wished.holders {
                if let Err(error) = self.wish(key, wished, *holder, at) {
                    let text = format!("subscription {key:?}: {error}");
                    self.replies
                        .open()
                        .push(Reply::Error(Cause::Template(text)));
                }
            }
        }
    }

    fn wish(
        &mut self,
        key: &str,
        wished: &Wished,
        holder: Holder,
        at: Surroundings<'_>,
    ) -> Result<(), HoldError> {
        let held = self.subscription(key);
        if held.is_some_and(|status| status.holders.contains(&holder)) {
            return Ok(());
        }
        let dialogue = self.subscribing_dialogue();
        let dialogue = dialogue.ok_or(HoldError::NoSubscribe)?;
        let nothing = SubscriptionWish::default();
        let wish = wished.wish.as_deref().unwrap_or(&nothing);
        let declared = (wished.compile)(dialogue, key, wish)?;
        Ok(self.hold_subscription(&declared, holder, at)?)
    }
}
