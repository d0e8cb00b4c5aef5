//! The subscriptions that callers want. Kept with the outbox, so that they outlive the actor.

use std::{collections::BTreeMap, sync::Arc};

use everwire_proto::dialogue::Holder;

use crate::{
    memory::{Charge, MemoryBudget, MemoryUse, OutOfMemory},
    settings::{CompileSubscription, SubscriptionWish},
};

/// The subscriptions that callers want. Boxed: few names have any.
#[derive(Debug, Default)]
pub(in crate::connection) struct Wishes(Option<Box<Known>>);

/// What is wanted.
#[derive(Debug)]
struct Known {
    /// By key.
    wished: BTreeMap<Arc<str>, Wished>,
    /// Increases with each change.
    version: u64,
    /// The size of everything, in bytes.
    bytes: usize,
    /// The memory of that.
    charge: Charge,
}

/// The memory of a key beside its texts, in bytes.
const EACH: usize = 512;

/// The wishes for one key.
#[derive(Debug)]
pub(in crate::connection) struct Wished {
    /// `None`: only the key. Boxed: few wishes have more.
    pub wish: Option<Box<SubscriptionWish>>,
    pub compile: CompileSubscription,
    pub holders: Vec<Holder>,
    /// Its size in bytes.
    bytes: usize,
}

/// A caller's wish from an earlier process.
#[derive(Debug)]
pub(crate) struct RecalledWish {
    pub key: Box<str>,
    pub wish: SubscriptionWish,
    pub holder: Holder,
    /// Compiles the wish into a subscription of the dialogue.
    pub compile: CompileSubscription,
}

impl Wishes {
    /// Reserves memory for a wish: [`add`](Self::add) follows, or [`settle`](Self::settle).
    pub fn reserve(
        &mut self,
        key: &str,
        wish: &SubscriptionWish,
        memory: &Arc<MemoryBudget>,
    ) -> Result<(), OutOfMemory> {
        let known = self.known(memory);
        match known.wished.contains_key(key) {
            true => Ok(()),
            false => known.charge.try_set(known.bytes + bytes_of(key, wish)),
        }
    }

    /// Restores a wish from an earlier process. There was memory for it then, and there is now.
    pub fn recall(
        &mut self,
        key: &str,
        wish: SubscriptionWish,
        holder: Holder,
        compile: CompileSubscription,
        memory: &Arc<MemoryBudget>,
    ) {
        self.known(memory);
        self.add(key, wish, holder, compile);
        self.settle();
    }

    fn known(&mut self, memory: &Arc<MemoryBudget>) -> &mut Known {
        self.0.get_or_insert_with(|| {
            Box::new(Known {
                wished: BTreeMap::new(),
                version: 0,
                bytes: 0,
                charge: Charge::new(memory, MemoryUse::Outboxes),
            })
        })
    }

    /// Gives back memory that was reserved and not used.
    pub fn settle(&mut self) {
        if let Some(known) = &mut self.0 {
            known.charge.set(known.bytes);
        }
    }

    /// Adds a caller's wish that was taken on.
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

    /// Removes a caller's wish.
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

    /// Increases with each change; 0: nobody has ever wanted anything.
    pub fn version(&self) -> u64 {
        self.0.as_ref().map_or(0, |known| known.version)
    }

    /// All wishes, by key.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Wished)> {
        self.0.iter().flat_map(|known| &known.wished)
    }

    /// Whether this caller wants this key.
    pub fn has(&self, key: &str, holder: Holder) -> bool {
        let known = self.0.as_ref();
        let wished = known.and_then(|known| known.wished.get(key));
        wished.is_some_and(|wished| wished.holders.contains(&holder))
    }
}

/// The approximate memory of a key, in bytes: as it was written, and as it is sent.
fn bytes_of(key: &str, wish: &SubscriptionWish) -> usize {
    EACH + 2 * (key.len() + wish.size())
}
