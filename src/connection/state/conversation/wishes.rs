//! What callers want of subscriptions: each conversation of the name learns it, whatever settings it is of.

use std::{collections::BTreeMap, sync::Arc};

use everwire_proto::dialogue::{Holder, Reply};

use super::{LiveConversation, Surroundings};
use crate::{
    connection::HoldError,
    core::Cause,
    settings::{CompileSubscription, SubscriptionWish},
};

/// What callers want of subscriptions. Boxed: few names have callers who do.
#[derive(Default)]
pub(in crate::connection) struct Wishes(Option<Box<Known>>);

/// What is wanted.
#[derive(Default)]
struct Known {
    /// By key.
    wished: BTreeMap<Arc<str>, Wished>,
    /// It rises with each change.
    version: u64,
}

/// What callers want of one key.
struct Wished {
    /// `None`: nothing but the key. Boxed: few say more.
    wish: Option<Box<SubscriptionWish>>,
    compile: CompileSubscription,
    holders: Vec<Holder>,
}

impl Wishes {
    /// A caller wants this, and it was taken on.
    pub fn add(
        &mut self,
        key: &str,
        wish: SubscriptionWish,
        holder: Holder,
        compile: CompileSubscription,
    ) {
        let known = self.0.get_or_insert_default();
        known.version += 1;
        match known.wished.get_mut(key) {
            Some(wished) => {
                if !wished.holders.contains(&holder) {
                    wished.holders.push(holder);
                }
            }
            None => {
                let wished = Wished {
                    wish: (!wish.is_empty()).then(|| Box::new(wish)),
                    compile,
                    holders: vec![holder],
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
            known.wished.remove(key);
        }
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

impl LiveConversation {
    /// It knows all wishes of this version.
    pub fn knows(&mut self, wishes: &Wishes) {
        self.wishes = wishes.version();
    }

    /// Whether there are wishes of which it does not know.
    pub fn lacks(&self, wishes: &Wishes) -> bool {
        self.wishes != wishes.version()
    }

    /// Learns what callers want. One that cannot be taken on under these settings is told.
    pub fn follow(&mut self, wishes: &Wishes, at: Surroundings<'_>) {
        self.wishes = wishes.version();
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
                    self.replies.push(Reply::Error(Cause::Template(text)));
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
