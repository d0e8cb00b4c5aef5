//! The subscriptions of a connection, and the server's answers.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    service_support::http::{Client, JSON},
    stage::PATIENCE,
};

/// A subscription that is added over the API while the connection is open, in the server's format.
#[derive(Clone, Copy)]
pub struct Asked {
    pub key: &'static str,
    /// The body of the request: without one the key is the item.
    pub body: &'static str,
}

/// A subscription that the server refuses with this text.
#[derive(Clone, Copy)]
pub struct Refused {
    pub asked: Asked,
    pub text: &'static str,
}

/// The subscriptions of a connection: each is active again on each socket.
#[derive(Clone, Copy, Default)]
pub struct Subscriptions {
    pub of_file: &'static [&'static str],
    pub added: Option<Asked>,
    pub refused: Option<Refused>,
}

impl Subscriptions {
    /// Adds the subscriptions, and waits until the server has refused the invalid ones.
    pub fn add(&self, client: &Client, name: &str) {
        if let Some(asked) = self.added {
            put(client, name, asked);
        }
        if let Some(Refused { asked, text }) = self.refused {
            put(client, name, asked);
            let refused = wait_for(client, name, asked.key, "refused");
            let told = refused["text"].as_str().unwrap_or_default();
            assert!(told.contains(text), "{refused}");
            let gone = client.delete(&target(name, asked.key));
            assert_eq!(gone.status, 204, "{gone:?}");
        }
    }

    /// Waits until all are active.
    pub fn are_active(&self, client: &Client, name: &str) {
        let added = self.added.iter().map(|asked| &asked.key);
        for key in self.of_file.iter().chain(added) {
            wait_for(client, name, key, "active");
        }
    }
}

fn put(client: &Client, name: &str, asked: Asked) {
    let body = asked.body.as_bytes();
    let answer = client.ask("PUT", &target(name, asked.key), &[JSON], body);
    assert_eq!(answer.status, 201, "{answer:?}");
}

fn target(name: &str, key: &str) -> String {
    let key = key.replace('/', "%2F").replace('>', "%3E");
    format!("/v1/connections/{name}/subscriptions/{key}")
}

fn wait_for(client: &Client, name: &str, key: &str, state: &str) -> Value {
    let until = Instant::now() + PATIENCE;
    loop {
        let list = client.get(&format!("/v1/connections/{name}/subscriptions"));
        let list = list.json();
        let mut all = list["subscriptions"].as_array().unwrap().iter();
        match all.find(|one| one["key"] == key) {
            Some(found) if found["state"] == state => return found.clone(),
            _ => assert!(
                Instant::now() < until,
                "{name}: {key} is not {state}: {list}"
            ),
        }
        thread::sleep(Duration::from_millis(20));
    }
}
