//! What callers want of subscriptions. It lies beside the outbox, so that it outlives the actor, too.

use std::{collections::BTreeMap, sync::Arc};

use everwire_proto::dialogue::Holder;

use crate::{
    memory::{Charge, MemoryBudget, MemoryUse, OutOfMemory},
    settings::{CompileSubscription, SubscriptionWish},
};

/// What callers want of subscriptions. Boxed: few names have callers who do.
#[derive(Debug, Default)]
pub(in crate::connection) struct Wishes(Option<Box<Known>>);

/// What is wanted.
#[derive(Debug)]
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
#[derive(Debug)]
pub(in crate::connection) struct Wished {
    /// `None`: nothing but the key. Boxed: few say more.
    pub wish: Option<Box<SubscriptionWish>>,
    pub compile: CompileSubscription,
    pub holders: Vec<Holder>,
    /// What it takes.
    bytes: usize,
}

/// What a caller has wanted of a name since an earlier process.
#[derive(Debug)]
pub(crate) struct RecalledWish {
    pub key: Box<str>,
    pub wish: SubscriptionWish,
    pub holder: Holder,
    /// What makes the wish into what a dialogue can subscribe to.
    pub compile: CompileSubscription,
}

impl Wishes {
    /// Takes the memory for what a caller wants: [`add`](Self::add) follows, or [`settle`](Self::settle).
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

    /// A caller wants this since an earlier process: there was memory for it, and is.
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

    /// As much memory is taken as what is wanted takes: what was reserved, and not added, is given back.
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

    /// It rises with each change; 0: nobody has ever wanted anything.
    pub fn version(&self) -> u64 {
        self.0.as_ref().map_or(0, |known| known.version)
    }

    /// All that is wanted, by key.
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

/// What a key takes, nearly, in bytes: as it was said, and as it is sent.
fn bytes_of(key: &str, wish: &SubscriptionWish) -> usize {
    EACH + 2 * (key.len() + wish.size())
}
