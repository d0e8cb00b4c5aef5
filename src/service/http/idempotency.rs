//! `Idempotency-Key`: a request that is repeated sends its message once.

use std::{
    collections::{HashMap, VecDeque},
    sync::Arc,
    time::{Duration, Instant},
};

use actix_web::HttpRequest;
use everwire::{ConnectionName, Message, Receipt, Rejected};
use parking_lot::Mutex;
use ring::digest::{Context, SHA256};

use super::{access::Caller, problem::Problem};

/// How long a key is remembered.
const LIFETIME: Duration = Duration::from_secs(3600);
/// How many keys are remembered; of more the oldest are forgotten.
const MAX_KEYS: usize = 10_000;
/// The longest key, in bytes.
const MAX_KEY: usize = 255;

/// A key, within what it counts for: one token's sends to one connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key(Arc<(String, ConnectionName, Box<[u8]>)>);

/// What the keys of the last hour stand for.
///
/// Only accepted messages are remembered: a request that was refused may be made again.
#[derive(Default)]
pub struct Idempotency(Mutex<Memory>);

#[derive(Default)]
struct Memory {
    known: HashMap<Key, Known>,
    order: VecDeque<(Instant, Key)>,
}

struct Known {
    body: [u8; 32],
    receipt: Receipt,
}

impl Key {
    /// The key of a request, if it has one.
    ///
    /// # Errors
    ///
    /// 400 for an empty or overlong key, and for several.
    pub fn of(
        request: &HttpRequest,
        caller: &Caller,
        name: &ConnectionName,
    ) -> Result<Option<Self>, Problem> {
        let mut keys = request.headers().get_all("idempotency-key");
        let Some(key) = keys.next() else {
            return Ok(None);
        };
        let key = key.as_bytes();
        if keys.next().is_some() || key.is_empty() || key.len() > MAX_KEY {
            let detail = format!("Idempotency-Key is one text of 1 to {MAX_KEY} bytes");
            return Err(Problem::bad_request(detail));
        }
        Ok(Some(Self(Arc::new((
            caller.token.clone(),
            name.clone(),
            key.into(),
        )))))
    }
}

impl Idempotency {
    /// The receipt that was given for this key, or that of `send`.
    ///
    /// # Errors
    ///
    /// What `send` was refused for; 422 when the key was used for another body.
    pub fn once(
        &self,
        key: Key,
        message: Message,
        send: impl FnOnce(Message) -> Result<Receipt, Rejected>,
    ) -> Result<Receipt, Problem> {
        self.once_at(Instant::now(), key, message, send)
    }

    fn once_at(
        &self,
        now: Instant,
        key: Key,
        message: Message,
        send: impl FnOnce(Message) -> Result<Receipt, Rejected>,
    ) -> Result<Receipt, Problem> {
        let body = fingerprint(&message);
        // Accepting a message takes no time, so that two requests with one key cannot pass each other.
        let mut memory = self.0.lock();
        memory.forget(now);
        if let Some(known) = memory.known.get(&key) {
            return match known.body == body {
                true => Ok(known.receipt.clone()),
                false => Err(Problem::unprocessable(
                    "this Idempotency-Key was used for another body",
                )),
            };
        }
        let receipt = send(message)?;
        memory.order.push_back((now, key.clone()));
        let known = Known {
            body,
            receipt: receipt.clone(),
        };
        memory.known.insert(key, known);
        Ok(receipt)
    }

    /// Forgets the keys of a connection that is gone: its ids begin anew.
    pub fn forget(&self, name: &ConnectionName) {
        let mut memory = self.0.lock();
        memory.known.retain(|key, _| key.0.1 != *name);
        memory.order.retain(|(_, key)| key.0.1 != *name);
    }
}

impl Memory {
    fn forget(&mut self, now: Instant) {
        while let Some((since, _)) = self.order.front() {
            let is_old = now.saturating_duration_since(*since) >= LIFETIME;
            if !is_old && self.order.len() < MAX_KEYS {
                return;
            }
            if let Some((_, key)) = self.order.pop_front() {
                self.known.remove(&key);
            }
        }
    }
}

fn fingerprint(message: &Message) -> [u8; 32] {
    let mut context = Context::new(&SHA256);
    context.update(match message {
        Message::Text(_) => b"t",
        Message::Binary(_) => b"b",
    });
    context.update(message.payload());
    let mut fingerprint = [0; 32];
    fingerprint.copy_from_slice(context.finish().as_ref());
    fingerprint
}

#[cfg(test)]
mod tests {
    use everwire::{ConnectionSettings, Handle, Manager, Settings};

    use super::*;

    fn key(name: &str, key: usize) -> Key {
        let name = ConnectionName::new(name).unwrap();
        Key(Arc::new((
            String::new(),
            name,
            key.to_string().into_bytes().into(),
        )))
    }

    fn idle() -> (Manager, Handle) {
        let manager = Manager::spawn(Settings::default()).unwrap();
        let mut settings = ConnectionSettings::new("ws://127.0.0.1:1/").unwrap();
        settings.enabled = false;
        settings.outbox.messages = 2 * MAX_KEYS;
        let handle = manager.open("feed", settings).unwrap();
        (manager, handle)
    }

    #[test]
    fn a_key_is_remembered_for_an_hour_and_for_its_body() {
        let (_manager, handle) = idle();
        let store = Idempotency::default();
        let start = Instant::now();
        let send = |at, number, text: &str| {
            let sent = store.once_at(at, key("feed", number), text.into(), |message| {
                handle.send(message)
            });
            sent.map(|receipt| receipt.id())
                .map_err(|problem| problem.to_string())
        };
        assert_eq!(send(start, 1, "a"), Ok(1));
        assert_eq!(send(start, 1, "a"), Ok(1));
        assert_eq!(send(start, 2, "a"), Ok(2));
        assert!(send(start, 1, "b").unwrap_err().contains("another body"));
        assert_eq!(send(start + LIFETIME, 1, "b"), Ok(3));
        store.forget(handle.name());
        assert_eq!(send(start + LIFETIME, 1, "b"), Ok(4));
    }

    #[test]
    fn keys_are_bounded_and_the_oldest_goes_first() {
        let (_manager, handle) = idle();
        let store = Idempotency::default();
        let now = Instant::now();
        let send = |number| {
            let sent = store.once_at(now, key("feed", number), "a".into(), |message| {
                handle.send(message)
            });
            sent.unwrap().id()
        };
        for number in 0..MAX_KEYS {
            send(number);
        }
        assert_eq!(send(1), 2);
        assert_eq!(store.0.lock().known.len(), MAX_KEYS - 1);
        send(MAX_KEYS);
        assert!(send(0) as usize > MAX_KEYS);
        assert!(store.0.lock().known.len() <= MAX_KEYS && store.0.lock().order.len() <= MAX_KEYS);
    }
}
