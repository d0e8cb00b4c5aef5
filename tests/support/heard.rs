//! The messages that a scripted peer received: every text message, in the order of arrival over all
//! its connections.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
    time::Instant,
};

use everwire::{Message, testing::Script};

use super::{SOON, poll_until};

/// A log that grows while the peer serves. Clones share it; its size is not limited.
#[derive(Clone, Default)]
pub struct Heard(Arc<Mutex<Vec<(Instant, String)>>>);

impl Heard {
    /// A peer that notes messages, and sends nothing.
    pub fn script(&self) -> Script {
        self.script_with(|_| Vec::new())
    }

    /// A peer that notes the messages that it does not answer.
    pub fn script_with(
        &self,
        answer: impl Fn(&str) -> Vec<Message> + Send + Sync + 'static,
    ) -> Script {
        let heard = self.clone();
        Script::reply_with(move |message| {
            let text = message.as_text().expect("a text message");
            let answers = answer(text);
            if answers.is_empty() {
                let mut log = heard.0.lock().unwrap();
                log.push((Instant::now(), text.to_owned()));
            }
            answers
        })
    }

    pub fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub fn texts(&self) -> Vec<String> {
        let log = self.0.lock().unwrap();
        log.iter().map(|(_, text)| text.clone()).collect()
    }

    /// The arrival time of each message.
    pub fn times(&self) -> Vec<Instant> {
        let log = self.0.lock().unwrap();
        log.iter().map(|(at, _)| *at).collect()
    }

    /// The numbers of messages that are a number, or begin with one before a colon.
    pub fn numbers(&self) -> Vec<u64> {
        let log = self.0.lock().unwrap();
        log.iter().map(|(_, text)| number(text)).collect()
    }

    /// Waits for this number of messages.
    pub async fn wait_for(&self, count: usize) {
        let what = format!("{count} messages at the peer");
        poll_until(&what, SOON, || self.len() >= count).await;
    }
}

/// The number at the start of a message.
pub fn number(text: &str) -> u64 {
    let digits = text.split(':').next().unwrap_or_default();
    digits
        .parse()
        .unwrap_or_else(|_| panic!("no number: {text:?}"))
}

/// Only the first deliveries, in order.
pub fn firsts(numbers: &[u64]) -> Vec<u64> {
    let mut seen = BTreeSet::new();
    let numbers = numbers.iter().copied();
    numbers.filter(|&number| seen.insert(number)).collect()
}
