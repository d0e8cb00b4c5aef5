//! The clients of one listener: their number, and which are silent.
//!
//! A client is silent if none of its requests is running, or none has arrived whole. When there are
//! no places left, the oldest silent client is disconnected. There always is one, since there are
//! more places than requests that may run.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use tokio::{task::AbortHandle, time::Instant};

use super::request_limit::{Class, RequestLimit, Tenant, TooMany};

/// The most connected clients.
pub const PLACES: usize = 320;
/// The most running or arriving requests of one client, as HTTP/2 allows.
const MAX_REQUESTS: usize = 64;
/// A client that connected within this time is not disconnected for another one: this is enough to
/// read its request, however many clients connect at once.
const GRACE: Duration = Duration::from_millis(100);
/// The time for an HTTP/1 client to send the head of a request, with the wait for its first byte.
const HEAD: Duration = Duration::from_secs(35);

/// The clients of a listener.
#[derive(Clone, Debug, Default)]
pub struct Clients(Rc<RefCell<Inside>>);

#[derive(Debug, Default)]
struct Inside {
    next: u64,
    clients: BTreeMap<u64, State>,
    /// Requests that have arrived whole and are not answered.
    requests: RequestLimit,
}

#[derive(Debug)]
struct State {
    id: u64,
    /// Since when it is silent.
    silent_since: Instant,
    /// The number of requests that have begun to arrive.
    begun: usize,
    /// The number of requests that have arrived whole.
    whole: usize,
    /// It speaks HTTP/2, and may be silent for long.
    http2: bool,
    task: Option<AbortHandle>,
}

impl State {
    fn is_silent(&self) -> bool {
        self.whole == 0
    }
}

impl Clients {
    /// When the next client can be accepted, if there are no places left and the oldest silent
    /// client has just connected.
    pub fn room_at(&self, now: Instant) -> Option<Instant> {
        let inside = self.0.borrow();
        if inside.clients.len() < PLACES {
            return None;
        }
        let oldest = inside.oldest_silent()?;
        let at = oldest.silent_since + GRACE;
        (at > now).then_some(at)
    }

    /// Gives a place to a new client. If necessary, disconnects the oldest silent client. `None` if
    /// no client is silent.
    pub fn admit(&self, now: Instant) -> Option<Place> {
        let mut inside = self.0.borrow_mut();
        if inside.clients.len() >= PLACES && !inside.evict_oldest() {
            return None;
        }
        let id = inside.next;
        inside.next += 1;
        let state = State {
            id,
            silent_since: now,
            begun: 0,
            whole: 0,
            http2: false,
            task: None,
        };
        inside.clients.insert(id, state);
        Some(Place(Client {
            clients: self.clone(),
            id,
        }))
    }

    /// Disconnects the oldest silent client. Returns whether there was one.
    pub fn evict_oldest(&self) -> bool {
        self.0.borrow_mut().evict_oldest()
    }

    /// Disconnects clients whose request head takes too long.
    pub fn expire(&self, now: Instant) {
        self.0.borrow_mut().clients.retain(|_, state| {
            let late = now.saturating_duration_since(state.silent_since) > HEAD;
            let expired = late && state.begun == 0 && !state.http2;
            if expired {
                state.end();
            }
            !expired
        });
    }

    /// Disconnects all clients.
    pub fn end(&self) {
        let clients = std::mem::take(&mut self.0.borrow_mut().clients);
        clients.values().for_each(State::end);
    }
}

impl Inside {
    fn evict_oldest(&mut self) -> bool {
        let Some(id) = self.oldest_silent().map(|state| state.id) else {
            return false;
        };
        if let Some(state) = self.clients.remove(&id) {
            state.end();
        }
        true
    }

    fn oldest_silent(&self) -> Option<&State> {
        let silent = self.clients.values().filter(|state| state.is_silent());
        silent.min_by_key(|state| state.silent_since)
    }
}

impl State {
    fn end(&self) {
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

/// The place of a client. Dropping it frees the place.
#[derive(Debug)]
pub struct Place(Client);

impl Place {
    /// Sets the task that serves the client, so that the client can be disconnected.
    pub fn served_by(client: &Client, task: AbortHandle) {
        client.with(|state| state.task = Some(task));
    }

    /// Records that it speaks HTTP/2.
    pub fn speaks_http2(&self) {
        self.0.with(|state| state.http2 = true);
    }

    /// The client in this place.
    pub fn client(&self) -> Client {
        self.0.clone()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.clients.0.borrow_mut().clients.remove(&self.0.id);
    }
}

/// One client.
#[derive(Clone, Debug)]
pub struct Client {
    clients: Clients,
    id: u64,
}

impl Client {
    /// Records that a request has begun.
    ///
    /// # Errors
    ///
    /// [`TooMany`].
    pub fn begin(&self, class: Class) -> Result<Request, TooMany> {
        self.begin_as(class, None)
    }

    /// The same for a token that is one of `tenants` tokens that do not reach all names.
    ///
    /// # Errors
    ///
    /// [`TooMany`].
    pub fn begin_for(&self, token: &str, tenants: usize) -> Result<Request, TooMany> {
        self.begin_as(Class::Other, Some(Tenant::new(token, tenants)))
    }

    fn begin_as(&self, class: Class, tenant: Option<Tenant>) -> Result<Request, TooMany> {
        let begun = self.with(|state| state.begun);
        if begun.is_some_and(|begun| begun >= MAX_REQUESTS) && class != Class::Alive {
            return Err(TooMany);
        }
        self.arrived(class, tenant.as_ref())?;
        self.with(|state| state.begun += 1);
        Ok(Request {
            client: self.clone(),
            class,
            tenant,
            is_whole: true.into(),
        })
    }

    fn arrived(&self, class: Class, tenant: Option<&Tenant>) -> Result<(), TooMany> {
        let inside = &mut *self.clients.0.borrow_mut();
        inside.requests.enter(class, tenant)?;
        if let Some(state) = inside.clients.get_mut(&self.id) {
            state.whole += 1;
        }
        Ok(())
    }

    fn left(&self, tenant: Option<&Tenant>) {
        let inside = &mut *self.clients.0.borrow_mut();
        inside.requests.leave(tenant);
        if let Some(state) = inside.clients.get_mut(&self.id) {
            state.whole -= 1;
        }
    }

    /// Runs `look` on the state of the client, unless it was disconnected.
    fn with<T>(&self, look: impl FnOnce(&mut State) -> T) -> Option<T> {
        let mut inside = self.clients.0.borrow_mut();
        inside.clients.get_mut(&self.id).map(look)
    }
}

/// A request, until it is answered.
#[derive(Debug)]
pub struct Request {
    client: Client,
    class: Class,
    tenant: Option<Tenant>,
    is_whole: std::cell::Cell<bool>,
}

impl Request {
    /// The body is still to come. Until then the client counts as silent.
    pub fn wait_for_body(&self) {
        if self.is_whole.replace(false) {
            self.client.left(self.tenant.as_ref());
        }
    }

    /// The request has arrived whole.
    ///
    /// # Errors
    ///
    /// [`TooMany`] requests are running by now.
    pub fn has_arrived(&self) -> Result<(), TooMany> {
        if !self.is_whole.get() {
            self.client.arrived(self.class, self.tenant.as_ref())?;
            self.is_whole.set(true);
        }
        Ok(())
    }
}

impl Drop for Request {
    fn drop(&mut self) {
        if self.is_whole.get() {
            self.client.left(self.tenant.as_ref());
        }
        self.client.with(|state| {
            state.begun -= 1;
            if state.begun == 0 {
                state.silent_since = Instant::now();
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::{super::request_limit::FREE, *};

    fn admit(clients: &Clients) -> Place {
        clients.admit(Instant::now()).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn the_oldest_silent_client_makes_room_and_one_that_is_served_does_not() {
        let clients = Clients::default();
        let served = admit(&clients);
        let request = served.client().begin(Class::Other).unwrap();
        let arriving = admit(&clients);
        let body = arriving.client().begin(Class::Other).unwrap();
        body.wait_for_body();
        tokio::time::advance(Duration::from_millis(1)).await;
        let others: Vec<_> = (2..PLACES).map(|_| admit(&clients)).collect();
        let is_there = |place: &Place| place.0.with(|_| ()).is_some();
        let late = admit(&clients);
        assert!(!is_there(&arriving), "its body has not come");
        assert!(is_there(&served) && others.iter().all(is_there));
        assert!(is_there(&late));
        // What it sends after all is counted, and given back.
        body.has_arrived().unwrap();
        drop((body, request, arriving, served, others, late));
        let inside = clients.0.borrow();
        assert_eq!((inside.clients.len(), inside.requests.all), (0, 0));
    }

    #[test]
    fn health_and_operators_have_places_of_their_own_and_somebody_is_always_silent() {
        let clients = Clients::default();
        let places: Vec<_> = (0..PLACES).map(|_| admit(&clients)).collect();
        let mut under_way = Vec::new();
        for class in [Class::Other, Class::Operator, Class::Ready] {
            for place in &places {
                let fresh = place.0.with(|state| state.begun) == Some(0);
                under_way.extend(fresh.then(|| place.client().begin(class).ok()).flatten());
            }
            assert_eq!(under_way.len(), class.limit());
        }
        assert!(places[0].client().begin(Class::Alive).is_ok());
        assert!(clients.admit(Instant::now()).is_some());
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_just_come_has_the_time_to_be_read() {
        let clients = Clients::default();
        let mut places: Vec<_> = (1..PLACES).map(|_| admit(&clients)).collect();
        assert_eq!(clients.room_at(Instant::now()), None);
        places.push(admit(&clients));
        let came = Instant::now();
        assert_eq!(clients.room_at(came), Some(came + GRACE));
        // One whose request is read by then is not silent any more.
        let _request = places[0].client().begin(Class::Alive).unwrap();
        tokio::time::advance(GRACE).await;
        assert_eq!(clients.room_at(Instant::now()), None);
        places.push(admit(&clients));
        assert!(places[0].0.with(|_| ()).is_some());
        assert!(places[1].0.with(|_| ()).is_none());
    }

    #[test]
    fn a_token_with_many_requests_leaves_each_other_token_its_share() {
        let clients = Clients::default();
        let places: Vec<_> = (0..PLACES).map(|_| admit(&clients)).collect();
        let many = |token: &str, tenants| -> Vec<Request> {
            let begin = |place: &Place| place.client().begin_for(token, tenants).ok();
            places.iter().map_while(begin).collect()
        };
        let acme = many("acme", 3);
        assert_eq!(acme.len(), FREE);
        let others = [many("one", 3), many("two", 3)];
        assert_eq!(others.each_ref().map(Vec::len), [20, 20]);
        assert!(places[0].client().begin(Class::Other).is_ok());
        // A body that comes late is counted as one that came at once.
        others[0][0].wait_for_body();
        let _another = places[0].client().begin_for("one", 3).unwrap();
        assert_eq!(others[0][0].has_arrived(), Err(TooMany));
        drop((acme, others));
        assert_eq!(many("acme", 3).len(), FREE - 1);
        let inside = clients.0.borrow();
        assert_eq!(
            (inside.requests.all, inside.requests.by_tenant.len()),
            (1, 1)
        );
    }

    #[test]
    fn one_client_has_a_bounded_number_of_requests() {
        let clients = Clients::default();
        let place = admit(&clients);
        let begin = || place.client().begin(Class::Other);
        let requests: Vec<_> = (0..MAX_REQUESTS).map(|_| begin().unwrap()).collect();
        requests.iter().for_each(Request::wait_for_body);
        assert_eq!(begin().unwrap_err(), TooMany);
        assert!(place.client().begin(Class::Alive).is_ok());
        drop(requests);
        assert!(begin().is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_does_not_come_is_not_waited_for_for_ever() {
        let clients = Clients::default();
        let places: Vec<_> = (0..3).map(|_| admit(&clients)).collect();
        places[1].speaks_http2();
        let _request = places[2].client().begin(Class::Other).unwrap();
        tokio::time::advance(HEAD).await;
        clients.expire(Instant::now());
        assert_eq!(clients.0.borrow().clients.len(), 3);
        tokio::time::advance(Duration::from_secs(1)).await;
        clients.expire(Instant::now());
        assert_eq!(clients.0.borrow().clients.len(), 2);
    }
}
