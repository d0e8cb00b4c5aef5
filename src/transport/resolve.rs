//! Resolves host names to addresses with the system's resolver.

use std::{
    collections::{BTreeMap, HashMap},
    io,
    net::{Ipv4Addr, SocketAddr, ToSocketAddrs},
    num::NonZeroU32,
    sync::{Arc, LazyLock},
};

use parking_lot::{Mutex, RwLock};
use tokio::{sync::watch, task::spawn_blocking};

use super::{dial_budget::DialBudget, error_text::plain};
use crate::{
    core::{Owner, OwnerShares, Share},
    settings::{Rate, WriteLease},
};

/// How many threads of the process may be inside `getaddrinfo`: four times the default number of
/// handshakes in flight, since a lookup that hangs outlives its dial.
const MAX_LOOKUPS: NonZeroU32 = NonZeroU32::new(256).unwrap();

/// Permits for the lookups of the process. `getaddrinfo` cannot be interrupted: a lookup keeps its
/// permit until it ends, even if nobody waits for it.
static LOOKUPS: LazyLock<DialBudget> = LazyLock::new(lookups);

/// The most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 16;

/// Resolves host names off the arbiter's thread.
///
/// All dials of an owner to the same host share a running lookup. So a name server that does not
/// answer for one host occupies one thread, whatever the number of connections to it. An owner
/// never waits for the lookup of another owner. Results are not cached.
///
/// Hosts and owners take turns and have shares, as for handshakes (see
/// [`DialLimiter`](crate::core::DialLimiter)). Hosts whose last lookup hung get only a share of the
/// threads; other hosts do not wait for them. Names of the configuration file do not wait for names
/// of tenants.
#[derive(Clone)]
pub(crate) struct Resolver {
    turns: DialBudget,
    running: Arc<Mutex<HashMap<Key, Lookup>>>,
    shares: Arc<RwLock<OwnerShares>>,
    /// The owner of these lookups: a tenant, the owner of removed names, or `None` for owners
    /// without a limit.
    owner: Option<Owner>,
    /// If set, all connections go to this address, and nothing is looked up.
    detour: Option<SocketAddr>,
    /// What limits the writes of all connections.
    lease: Option<WriteLease>,
}

/// The owner and the host of a lookup.
type Key = (Option<Owner>, Arc<str>);

/// All waiters for a host watch this.
type Lookup = watch::Receiver<Option<Answer>>;

type Answer = Result<Arc<[SocketAddr]>, Arc<str>>;

fn lookups() -> DialBudget {
    let lookups = DialBudget::new(MAX_LOOKUPS, Rate::Unlimited, BTreeMap::new());
    // Each manager has its own shares. It passes an owner only if that owner has a limit.
    lookups.set_shares(OwnerShares::tenants());
    lookups
}

impl Default for Resolver {
    /// A resolver with its own lookups. It shares the threads of the process with all others.
    fn default() -> Self {
        Self {
            turns: LOOKUPS.clone(),
            running: Arc::default(),
            shares: Arc::default(),
            owner: None,
            detour: None,
            lease: None,
        }
    }
}

impl Resolver {
    /// The same resolver, with all connections redirected to this address.
    #[cfg(feature = "testing")]
    pub(crate) fn with_detour(self, to: SocketAddr) -> Self {
        let detour = Some(to);
        Self { detour, ..self }
    }

    /// The address that all connections go to, in plain and without a proxy, after the check of the
    /// real target; `None` if there is no such address.
    pub(crate) fn detour(&self) -> Option<SocketAddr> {
        self.detour
    }

    /// The same resolver, for connections whose writes this lease limits.
    pub(crate) fn with_lease(self, lease: Option<WriteLease>) -> Self {
        Self { lease, ..self }
    }

    /// What limits the writes of all connections; `None`: nothing does.
    pub(crate) fn lease(&self) -> Option<&WriteLease> {
        self.lease.as_ref()
    }

    /// Sets the shares of the owners, from the next lookup on.
    pub(crate) fn set_shares(&self, shares: OwnerShares) {
        *self.shares.write() = shares;
    }

    /// The same resolver, for the lookups of an owner's names.
    pub(crate) fn of(&self, owner: Option<&Owner>) -> Self {
        let owner = match self.shares.read().of(owner) {
            Share::All => None,
            Share::Tenant => owner.cloned(),
            Share::Removed => Some(Owner::removed()),
        };
        Self {
            owner,
            ..self.clone()
        }
    }

    /// The addresses of `host` in the order of the system's preference: at least one, with port 0.
    ///
    /// # Errors
    ///
    /// The text of the system's resolver.
    pub(crate) async fn resolve(&self, host: &str) -> Answer {
        if self.detour.is_some() {
            return Ok(stand_in(host));
        }
        self.resolve_by(host, |host| (host, 0).to_socket_addrs())
            .await
    }

    async fn resolve_by<A: Iterator<Item = SocketAddr>>(
        &self,
        host: &str,
        lookup: impl FnOnce(&str) -> io::Result<A> + Copy + Send + 'static,
    ) -> Answer {
        loop {
            let (flight, mut answer) = self.join(host);
            if let Some(flight) = flight {
                let permit = self.turns.acquire(host, self.owner.as_ref()).await;
                spawn_blocking(move || permit.finish(flight.finish(lookup)));
            }
            // Closed without an answer: the dial that led the lookup was dropped before the lookup
            // began.
            if let Ok(answer) = answer.wait_for(Option::is_some).await
                && let Some(answer) = &*answer
            {
                return answer.clone();
            }
        }
    }

    /// Joins the running lookup of `host`. If there was none, also returns a flight, which the
    /// caller must carry out.
    fn join(&self, host: &str) -> (Option<Flight>, Lookup) {
        let key: Key = (self.owner.clone(), host.into());
        let mut running = self.running.lock();
        if let Some(answer) = running.get(&key) {
            return (None, answer.clone());
        }
        let (sender, answer) = watch::channel(None);
        running.insert(key.clone(), answer.clone());
        let flight = Flight {
            resolver: self.clone(),
            key: Some(key),
            sender,
        };
        (Some(flight), answer)
    }
}

/// An address for a host that is not looked up, so that the policy check has the usual result: a
/// loopback address for names of this machine, a public address for all others.
fn stand_in(host: &str) -> Arc<[SocketAddr]> {
    let host = host.trim_end_matches('.');
    let is_local = host == "localhost" || host.ends_with(".localhost");
    let address = match is_local {
        true => Ipv4Addr::LOCALHOST,
        false => Ipv4Addr::new(1, 0, 0, 1),
    };
    [SocketAddr::from((address, 0))].into()
}

/// A running lookup. Finished or dropped, it makes room for the next one exactly once.
struct Flight {
    resolver: Resolver,
    /// The key of the entry, until the entry is removed.
    key: Option<Key>,
    sender: watch::Sender<Option<Answer>>,
}

impl Flight {
    /// Looks up the host, and returns whether there was an answer.
    fn finish<A: Iterator<Item = SocketAddr>>(
        mut self,
        lookup: impl FnOnce(&str) -> io::Result<A>,
    ) -> bool {
        let key = self.key.as_ref();
        let host = key.map_or("", |(_, host)| &**host);
        let answer = match lookup(host) {
            Ok(addresses) => Ok(addresses.take(MAX_ADDRESSES).collect::<Arc<[_]>>()),
            Err(error) => Err(reason(&error)),
        };
        let answer = answer.and_then(|addresses| match addresses.is_empty() {
            true => Err("it has no address".into()),
            false => Ok(addresses),
        });
        let answer = answer
            .map_err(|reason| format!("the host {host:?} cannot be resolved: {reason}").into());
        let answered = answer.is_ok();
        self.leave();
        self.sender.send_replace(Some(answer));
        answered
    }

    /// Removes the entry: later dials start a new lookup.
    fn leave(&mut self) {
        if let Some(key) = self.key.take() {
            self.resolver.running.lock().remove(&key);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.leave();
    }
}

/// The text of `getaddrinfo`, without the prefix of the standard library.
fn reason(error: &io::Error) -> String {
    let text = plain(error);
    match text.strip_prefix("failed to lookup address information: ") {
        Some(reason) => plain(&io::Error::other(reason)),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    };

    use futures::FutureExt;
    use parking_lot::Condvar;

    use super::*;

    /// A resolver whose lookups take nobody else's threads.
    fn alone() -> Resolver {
        Resolver {
            turns: lookups(),
            ..Resolver::default()
        }
    }

    fn one() -> std::vec::IntoIter<SocketAddr> {
        vec![SocketAddr::from(([192, 0, 2, 1], 0))].into_iter()
    }

    #[tokio::test]
    async fn localhost_is_a_loopback_address() {
        let answer = Resolver::default().resolve("localhost").await.unwrap();
        assert!(!answer.is_empty());
        assert!(answer.iter().all(|address| address.ip().is_loopback()));
    }

    #[tokio::test]
    async fn a_name_that_does_not_exist_says_so() {
        let reason = Resolver::default()
            .resolve("nothing.invalid")
            .await
            .unwrap_err();
        assert!(
            reason.starts_with("the host \"nothing.invalid\" cannot be resolved: "),
            "{reason}"
        );
        assert!(!reason.contains("failed to lookup"), "{reason}");
    }

    #[tokio::test]
    async fn dials_of_one_host_share_a_lookup_and_nothing_stays() {
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        static GATE: Mutex<Option<mpsc::Receiver<()>>> = Mutex::new(None);
        let (open, gate) = mpsc::channel();
        *GATE.lock() = Some(gate);
        let resolver = Resolver::default();
        let lookup = |_: &str| {
            CALLS.fetch_add(1, Ordering::SeqCst);
            if let Some(gate) = &*GATE.lock() {
                let _ = gate.recv_timeout(std::time::Duration::from_secs(5));
            }
            Ok(one())
        };
        let dials = (0..50).map(|_| resolver.resolve_by("a", lookup));
        let dials = futures::future::join_all(dials);
        tokio::pin!(dials);
        assert!((&mut dials).now_or_never().is_none());
        open.send(()).unwrap();
        assert!(dials.await.iter().all(Result::is_ok));
        assert_eq!(CALLS.load(Ordering::SeqCst), 1);
        assert!(resolver.running.lock().is_empty());
    }

    #[tokio::test]
    async fn names_whose_lookups_hang_do_not_hold_up_one_that_was_answered() {
        static IS_CLOSED: Mutex<bool> = Mutex::new(true);
        static OPENS: Condvar = Condvar::new();
        let resolver = alone();
        let prompt = |_: &str| Ok(one());
        assert!(resolver.resolve_by("localhost", prompt).await.is_ok());
        let hang = |_: &str| {
            OPENS.wait_while(&mut IS_CLOSED.lock(), |is_closed| *is_closed);
            Ok(one())
        };
        let hosts: Vec<_> = (0..400).map(|i| format!("h{i}.example")).collect();
        let hosts = hosts.iter().map(|host| resolver.resolve_by(host, hang));
        let hosts = futures::future::join_all(hosts);
        tokio::pin!(hosts);
        assert!((&mut hosts).now_or_never().is_none());
        let again = resolver.resolve_by("localhost", prompt);
        let again = tokio::time::timeout(std::time::Duration::from_secs(20), again).await;
        *IS_CLOSED.lock() = false;
        OPENS.notify_all();
        assert!(again.is_ok(), "localhost waits for names that hang");
        assert!(hosts.await.iter().all(Result::is_ok));
    }

    #[tokio::test]
    async fn a_tenants_lookups_that_hang_leave_threads_for_names_of_the_file() {
        static IS_CLOSED: Mutex<bool> = Mutex::new(true);
        static OPENS: Condvar = Condvar::new();
        let resolver = alone();
        let tenants = ["acme", "other"].map(Owner::new);
        let tokens = tenants.clone().map(|owner| (owner, false));
        resolver.set_shares(OwnerShares::of_tokens(tokens));
        let hang = |_: &str| {
            OPENS.wait_while(&mut IS_CLOSED.lock(), |is_closed| *is_closed);
            Ok(one())
        };
        let hosts: Vec<_> = (0..300).map(|i| format!("h{i}.example")).collect();
        let theirs: Vec<_> = tenants
            .iter()
            .map(|owner| resolver.of(Some(owner)))
            .collect();
        let lookups = theirs
            .iter()
            .flat_map(|resolver| hosts.iter().map(|host| resolver.resolve_by(host, hang)));
        let lookups = futures::future::join_all(lookups);
        tokio::pin!(lookups);
        assert!((&mut lookups).now_or_never().is_none());
        // Lookups of hosts without other requests, and of one whose lookup hangs for a tenant, or
        // waits for its turn.
        let prompt = |_: &str| Ok(one());
        let file = ["new.example", "h0.example", "h299.example"];
        let file = file.map(|host| resolver.resolve_by(host, prompt));
        let file = futures::future::join_all(file);
        let file = tokio::time::timeout(std::time::Duration::from_secs(20), file).await;
        *IS_CLOSED.lock() = false;
        OPENS.notify_all();
        assert!(file.is_ok(), "names of the file wait for those of tenants");
        assert!(lookups.await.iter().all(Result::is_ok));
    }

    #[test]
    fn a_leader_that_goes_away_hands_over() {
        let resolver = Resolver::default();
        let (flight, _) = resolver.join("a");
        let waiting = resolver.resolve_by("a", |_| Ok(one()));
        tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(async {
                tokio::pin!(waiting);
                assert!((&mut waiting).now_or_never().is_none());
                drop(flight);
                assert_eq!(waiting.await.unwrap().len(), 1);
            });
    }

    #[tokio::test]
    async fn no_address_is_a_failure() {
        let answer = Resolver::default()
            .resolve_by("a", |_| Ok(std::iter::empty()))
            .await;
        assert!(answer.unwrap_err().ends_with("it has no address"));
    }
}
