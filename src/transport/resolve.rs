//! Host names to addresses, by the system's resolver.

use std::{
    collections::HashMap,
    io,
    net::{SocketAddr, ToSocketAddrs},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::{
    sync::{Semaphore, watch},
    task::spawn_blocking,
};

use super::failure::plain;

/// How many threads of the process may be inside `getaddrinfo`. It cannot be interrupted: a lookup keeps its
/// place here until it is over, whether or not somebody still waits for it.
static LOOKUPS: Semaphore = Semaphore::const_new(32);

/// More addresses of one name are not tried.
const MAX_ADDRESSES: usize = 16;

/// Resolves host names off the arbiter's thread.
///
/// Dials of the same host share one lookup while it runs: a name server that does not answer for one host
/// occupies one thread, however many connections wait for that host. Nothing is kept once a lookup is over.
#[derive(Clone, Default)]
pub(crate) struct Resolver(Arc<Mutex<HashMap<Arc<str>, Lookup>>>);

/// What everybody who waits for the same host looks at.
type Lookup = watch::Receiver<Option<Answer>>;

type Answer = Result<Arc<[SocketAddr]>, Arc<str>>;

impl Resolver {
    /// The addresses of `host` in the order of the system's preference, at least one, with port 0.
    ///
    /// # Errors
    ///
    /// What the system's resolver said, as text.
    pub(crate) async fn resolve(&self, host: &str) -> Answer {
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
            if let Some(flight) = flight
                && let Ok(permit) = LOOKUPS.acquire().await
            {
                spawn_blocking(move || {
                    let _permit = permit;
                    flight.finish(lookup);
                });
            }
            // Closed without an answer: the dial that led the lookup was given up before it began.
            if let Ok(answer) = answer.wait_for(Option::is_some).await
                && let Some(answer) = &*answer
            {
                return answer.clone();
            }
        }
    }

    /// The running lookup of `host`; with a flight when there was none, which the caller must carry out.
    fn join(&self, host: &str) -> (Option<Flight>, Lookup) {
        let mut lookups = self.0.lock();
        if let Some(answer) = lookups.get(host) {
            return (None, answer.clone());
        }
        let host: Arc<str> = host.into();
        let (sender, answer) = watch::channel(None);
        lookups.insert(Arc::clone(&host), answer.clone());
        let flight = Flight {
            resolver: self.clone(),
            host: Some(host),
            sender,
        };
        (Some(flight), answer)
    }
}

/// A lookup on its way. Whether it is finished or dropped, it makes room for the next, once.
struct Flight {
    resolver: Resolver,
    /// The key of the entry, until it is taken out.
    host: Option<Arc<str>>,
    sender: watch::Sender<Option<Answer>>,
}

impl Flight {
    fn finish<A: Iterator<Item = SocketAddr>>(
        mut self,
        lookup: impl FnOnce(&str) -> io::Result<A>,
    ) {
        let host = self.host.as_deref().unwrap_or_default();
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
        self.leave();
        self.sender.send_replace(Some(answer));
    }

    /// Who comes from now on looks up anew.
    fn leave(&mut self) {
        if let Some(host) = self.host.take() {
            self.resolver.0.lock().remove(&host);
        }
    }
}

impl Drop for Flight {
    fn drop(&mut self) {
        self.leave();
    }
}

/// What `getaddrinfo` said, without the prefix that the standard library puts before it.
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

    use super::*;

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
        assert!(resolver.0.lock().is_empty());
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
