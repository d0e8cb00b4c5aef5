//! The subscriptions on connections that a client of the downstream WebSocket holds. They end with
//! the client.

use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use actix_web::web::Data;
use everwire::{
    HoldError, SubscriptionWish,
    dialogue::{Holder, SubscriptionStatus},
};
use parking_lot::Mutex;
use tokio::{runtime, sync::Mutex as Turns};

use crate::service::{
    http::{access::ReachedName, problem::Problem, subscriptions::not_taken_on},
    state::AppState,
};

/// The most subscriptions of connections that a client may hold.
const MAX_HELD: usize = 10_000;

/// The number of the last client of this process, from 1.
static CLIENTS: AtomicU64 = AtomicU64::new(1);

/// The subscriptions that one client holds. Dropping it releases all.
pub struct Holding(Arc<Inside>);

struct Inside {
    state: Data<AppState>,
    holder: Holder,
    /// Names and keys. An entry is added before the request, so that the end of the client releases
    /// it in any case. It is removed if the answer does not come in time.
    held: Mutex<BTreeSet<(String, String)>>,
    /// Runs requests one after the other, in the order of their arrival.
    turns: Turns<()>,
}

impl Holding {
    /// A new client.
    pub fn new(state: &Data<AppState>) -> Self {
        let number = CLIENTS.fetch_add(1, Ordering::Relaxed);
        Self(Arc::new(Inside {
            state: state.clone(),
            holder: Holder::Session(number),
            held: Mutex::default(),
            turns: Turns::default(),
        }))
    }

    /// Subscribes to a key, after earlier requests.
    pub fn hold(
        &self,
        name: ReachedName,
        key: String,
        wish: SubscriptionWish,
    ) -> impl Future<Output = Result<SubscriptionStatus, Problem>> + use<> {
        let inside = Arc::clone(&self.0);
        async move {
            let _turn = inside.turns.lock().await;
            let (handle, _) = inside.state.find(&name)?;
            let held = (name.to_string(), key.clone());
            let is_new = inside.note(held.clone())?;
            let holding = handle.hold_subscription(&key, wish, inside.holder);
            let status = match inside.state.in_time(holding).await {
                Ok(status) => status.map_err(Problem::from),
                Err(_late) => Err(not_taken_on(&key, !is_new)),
            };
            if status.is_err() && is_new {
                inside.held.lock().remove(&held);
            }
            status
        }
    }

    /// Releases a key, after earlier requests.
    pub fn release(
        &self,
        name: ReachedName,
        key: String,
    ) -> impl Future<Output = Result<(), Problem>> + use<> {
        let inside = Arc::clone(&self.0);
        async move {
            let _turn = inside.turns.lock().await;
            let held = (name.to_string(), key);
            if !inside.held.lock().remove(&held) {
                let key = held.1;
                let detail = format!("this client does not hold the subscription {key:?}");
                return Err(Problem::not_found(detail));
            }
            let (handle, _) = inside.state.find(&name)?;
            let releasing = handle.release_subscription(&held.1, inside.holder);
            match inside.state.in_time(releasing).await? {
                // Without `subscribe` in the settings, the subscription is already gone.
                Ok(_) | Err(HoldError::NoSubscribe) => Ok(()),
                Err(error) => Err(error.into()),
            }
        }
    }
}

impl Inside {
    /// Adds an entry. Returns whether it is new.
    fn note(&self, held: (String, String)) -> Result<bool, Problem> {
        let mut all = self.held.lock();
        if all.len() >= MAX_HELD && !all.contains(&held) {
            let detail = format!("a client holds at most {MAX_HELD} subscriptions");
            return Err(Problem::too_many(detail));
        }
        Ok(all.insert(held))
    }

    /// Releases all, in the order in which connections receive it.
    async fn end(self: Arc<Self>) {
        // Running requests end first.
        let _turn = self.turns.lock().await;
        let held = std::mem::take(&mut *self.held.lock());
        for (name, key) in held {
            if let Some(handle) = self.state.manager.find(&*name) {
                let releasing = handle.release_subscription(&key, self.holder);
                // A connection that is gone or does not answer has nothing to release.
                let _released = self.state.in_time(releasing).await;
            }
        }
    }
}

impl Drop for Holding {
    fn drop(&mut self) {
        let inside = Arc::clone(&self.0);
        if inside.held.lock().is_empty() {
            return;
        }
        // Without a runtime, the process is ending, and its sockets with it.
        if let Ok(runtime) = runtime::Handle::try_current() {
            drop(runtime.spawn(inside.end()));
        }
    }
}
