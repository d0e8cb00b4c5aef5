//! What a stream has of the messages that the peer has numbered, and what the log says.

use std::{collections::HashMap, time::Duration};

use async_nats::jetstream::{
    self,
    consumer::{DeliverPolicy, pull::OrderedConfig},
};
use everwire_proto::placement::{Command, Outcome, Places, Record};
use futures::StreamExt;
use serde_json::Value;
use tokio::time::timeout;

use super::servers::LOG;

/// How long the next message of a stream may take.
const NEXT: Duration = Duration::from_secs(30);

/// What became of the messages that the peer has sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fates {
    pub sent: u64,
    /// Those that the stream does not have.
    pub lost: u64,
    /// How often the stream has one once more.
    pub doubled: u64,
    /// How often one stands behind a later one of its socket.
    pub misplaced: u64,
}

impl Fates {
    /// Compares what each socket was sent with the messages of the stream, in its order: the number
    /// of the socket, and that of the message on it. Sockets that count for nothing were sent `None`.
    pub fn of(sent: &[Option<u64>], stored: &[(usize, u64)]) -> Self {
        let mut fates = Self {
            sent: sent.iter().flatten().sum(),
            ..Self::default()
        };
        let mut times: HashMap<(usize, u64), u64> = HashMap::new();
        let mut last: HashMap<usize, u64> = HashMap::new();
        let counts = |socket: usize| sent.get(socket).is_some_and(Option::is_some);
        for &(socket, number) in stored.iter().filter(|(socket, _)| counts(*socket)) {
            let before = times.entry((socket, number)).or_default();
            *before += 1;
            if *before > 1 {
                fates.doubled += 1;
                continue;
            }
            let last = last.entry(socket).or_default();
            fates.misplaced += u64::from(number < *last);
            *last = number.max(*last);
        }
        for (socket, sent) in sent.iter().enumerate() {
            let sent = sent.unwrap_or_default();
            let lost = (1..=sent).filter(|number| !times.contains_key(&(socket, *number)));
            fates.lost += lost.count() as u64;
        }
        fates
    }
}

/// The messages of a stream that the peer has numbered.
pub async fn numbered(server: &str, stream: &str) -> Option<Vec<(usize, u64)>> {
    let all = records(&[server.to_owned()], stream).await?;
    let number = |(_, payload): &(u64, Vec<u8>)| {
        let message: Value = serde_json::from_slice(payload).ok()?;
        let socket = message["socket"].as_u64()?;
        Some((socket as usize, message["n"].as_u64()?))
    };
    all.iter().map(number).collect()
}

/// How many shards were claimed in the log, behind this record, after another boot had them: a race
/// that the claim had lost. The number of the last record, too.
pub async fn lost_claims(servers: &[String], behind: u64) -> Option<(u64, u64)> {
    let mut places = Places::default();
    let (mut lost, mut last) = (0, behind);
    for (number, payload) in records(servers, LOG).await? {
        last = number;
        let Record::Command(command) = Record::decode(&payload) else {
            places.pass(number).ok()?;
            continue;
        };
        if let Command::Claim { boot, shards, .. } = &command
            && number > behind
        {
            let holder = |shard| places.shard(shard)?.holder;
            let is_lost = |shard| holder(shard).is_some_and(|(holder, _)| holder != *boot);
            lost += shards.iter().filter(|shard| is_lost(*shard)).count() as u64;
        }
        let _outcome: Outcome = places.apply(number, &command).ok()?;
    }
    Some((lost, last))
}

/// All records that a stream has now, with their numbers.
async fn records(servers: &[String], stream: &str) -> Option<Vec<(u64, Vec<u8>)>> {
    let context = jetstream::new(async_nats::connect(servers).await.ok()?);
    let stream = context.get_stream(stream).await.ok()?;
    let state = stream.cached_info().state.clone();
    let mut all = Vec::with_capacity(state.messages as usize);
    if state.messages == 0 {
        return Some(all);
    }
    let from_the_first = OrderedConfig {
        deliver_policy: DeliverPolicy::All,
        ..OrderedConfig::default()
    };
    let consumer = stream.create_consumer(from_the_first).await.ok()?;
    let mut messages = consumer.messages().await.ok()?;
    loop {
        let message = timeout(NEXT, messages.next()).await.ok()??.ok()?;
        let number = message.info().ok()?.stream_sequence;
        all.push((number, message.payload.to_vec()));
        if number >= state.last_sequence {
            return Some(all);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_doubled_or_out_of_order_is_counted() {
        let sent = [Some(3), Some(2), Some(1), None];
        let stored = [(0, 1), (1, 2), (3, 7), (0, 3), (3, 7), (1, 1), (0, 3)];
        let fates = Fates {
            sent: 6,
            lost: 2,
            doubled: 1,
            misplaced: 1,
        };
        assert_eq!(Fates::of(&sent, &stored), fates);
        let whole = Fates::of(&[Some(2)], &[(0, 1), (0, 2)]);
        assert_eq!((whole.lost, whole.doubled, whole.misplaced), (0, 0, 0));
    }
}
