//! Random batches, compared with a model that is too simple to be wrong.

use std::collections::BTreeMap;

use proptest::{collection::vec, prelude::*};

use super::*;
use crate::support::TestDir;

#[derive(Clone, Debug)]
enum Op {
    Put {
        name: u8,
        size: usize,
        text: bool,
    },
    PutAgain {
        name: u8,
    },
    DropThrough {
        name: u8,
        back: u64,
    },
    DropIds {
        name: u8,
        back: u64,
        count: u64,
    },
    Closed {
        name: u8,
        closed: bool,
    },
    Epoch {
        name: u8,
        epoch: u32,
    },
    Append {
        name: u8,
        size: usize,
    },
    Trim {
        name: u8,
        messages: usize,
        bytes: usize,
    },
    Forget {
        name: u8,
    },
    Keep {
        key: u8,
        size: usize,
    },
    Delete {
        key: u8,
    },
    /// The batch ends here.
    Commit {
        sync: bool,
    },
    /// The batch ends here, and the store is closed and opened again.
    Reopen,
}

fn op() -> impl Strategy<Value = Op> {
    let name = 0..4u8;
    prop_oneof![
        8 => (name.clone(), 0..600usize, any::<bool>()).prop_map(|(name, size, text)| Op::Put { name, size, text }),
        1 => name.clone().prop_map(|name| Op::PutAgain { name }),
        2 => (name.clone(), 0..6u64).prop_map(|(name, back)| Op::DropThrough { name, back }),
        2 => (name.clone(), 0..6u64, 0..4u64).prop_map(|(name, back, count)| Op::DropIds { name, back, count }),
        1 => (name.clone(), any::<bool>()).prop_map(|(name, closed)| Op::Closed { name, closed }),
        1 => (name.clone(), any::<u32>()).prop_map(|(name, epoch)| Op::Epoch { name, epoch }),
        4 => (name.clone(), 0..600usize).prop_map(|(name, size)| Op::Append { name, size }),
        2 => (name.clone(), 0..6usize, 0..2000usize)
            .prop_map(|(name, messages, bytes)| Op::Trim { name, messages, bytes }),
        1 => name.prop_map(|name| Op::Forget { name }),
        1 => (0..3u8, 0..50usize).prop_map(|(key, size)| Op::Keep { key, size }),
        1 => (0..3u8).prop_map(|key| Op::Delete { key }),
        4 => any::<bool>().prop_map(|sync| Op::Commit { sync }),
        1 => Just(Op::Reopen),
    ]
}

#[derive(Default)]
struct Model {
    names: BTreeMap<ConnectionName, NameState>,
    kept: BTreeMap<String, Vec<u8>>,
    position: u64,
}

impl Model {
    /// Applies the change to the batch and to the model.
    fn apply(&mut self, op: &Op, batch: &mut Batch) {
        match *op {
            Op::Put { name, size, text } => {
                let (name, state) = self.state(name);
                let payload = "é".repeat(size);
                state.last_id += 1;
                let message = StoredMessage {
                    expires_at: text.then(|| message(size as u64).at),
                    message: if text {
                        Message::text(payload)
                    } else {
                        Message::binary(payload.into_bytes())
                    },
                    ..message(state.last_id)
                };
                state.outbox.push(message.clone());
                batch.put_message(&name, message);
            }
            Op::PutAgain { name } => {
                let (name, state) = self.state(name);
                if let Some(again) = state.outbox.first_mut() {
                    again.message = Message::text("again");
                    batch.put_message(&name, again.clone());
                }
            }
            Op::DropThrough { name, back } => {
                let (name, state) = self.state(name);
                let id = state.last_id.saturating_sub(back);
                state.outbox.retain(|message| message.id > id);
                batch.drop_through(&name, id);
            }
            Op::DropIds { name, back, count } => {
                let (name, state) = self.state(name);
                let first = state.last_id.saturating_sub(back);
                let last = first + count;
                state
                    .outbox
                    .retain(|message| !(first..=last).contains(&message.id));
                batch.drop_ids(&name, first, last);
            }
            Op::Closed { name, closed } => {
                let (name, state) = self.state(name);
                state.closed_by_hand = closed;
                batch.set_closed(&name, closed);
            }
            Op::Epoch { name, epoch } => {
                let (name, state) = self.state(name);
                state.epoch = epoch;
                batch.set_epoch(&name, epoch);
            }
            Op::Append { name, size } => {
                self.position += 1;
                let event = StoredEvent {
                    message: Message::text("x".repeat(size)),
                    ..event(self.position, self.position)
                };
                let (name, state) = self.state(name);
                state.history.push(event.clone());
                batch.append_history(&name, event);
            }
            Op::Trim {
                name,
                messages,
                bytes,
            } => {
                let (name, state) = self.state(name);
                let size = |history: &[StoredEvent]| {
                    history
                        .iter()
                        .map(|event| event.message.len())
                        .sum::<usize>()
                };
                while state.history.len() > messages
                    || (size(&state.history) > bytes && state.history.len() > 1)
                {
                    state.history.remove(0);
                }
                batch.trim_history(&name, messages, bytes);
            }
            Op::Forget { name } => {
                let (name, _) = self.state(name);
                self.names.remove(&name);
                batch.forget(&name);
            }
            Op::Keep { key, size } => {
                self.kept.insert(key.to_string(), vec![key; size]);
                batch.put("kind", &key.to_string(), &vec![key; size]);
            }
            Op::Delete { key } => {
                self.kept.remove(&key.to_string());
                batch.delete("kind", &key.to_string());
            }
            Op::Commit { .. } | Op::Reopen => {}
        }
    }

    fn state(&mut self, n: u8) -> (ConnectionName, &mut NameState) {
        let name = name(&format!("name-{n}"));
        let state = self.names.entry(name.clone()).or_default();
        (name, state)
    }

    fn check(&self, store: &Store, recovered: &Recovered) {
        // A name without any state may be stored or not.
        let known = |names: &BTreeMap<ConnectionName, NameState>| {
            let mut names = names.clone();
            names.retain(|_, state| *state != NameState::default());
            names
        };
        assert_eq!(known(&recovered.names), known(&self.names));
        assert_eq!((&recovered.damage, recovered.unreadable), (&None, 0));
        let newest = self
            .names
            .values()
            .flat_map(|state| &state.history)
            .map(|event| event.position);
        assert_eq!(recovered.position, newest.max().unwrap_or(0));
        let kept: Vec<_> = self.kept.clone().into_iter().collect();
        assert_eq!(store.list("kind").unwrap(), kept);
        assert_eq!(store.list("other").unwrap(), []);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_committed_is_there_after_it_is_opened_again(ops in vec(op(), 1..250)) {
        let dir = TestDir::new("store-model");
        let mut model = Model::default();
        let mut batch = Batch::default();
        let (mut store, _) = open(dir.path());
        for op in ops.iter().chain([&Op::Reopen]) {
            model.apply(op, &mut batch);
            if let Op::Commit { .. } | Op::Reopen = op {
                let sync = if matches!(op, Op::Commit { sync: true }) { Sync::Always } else { Sync::Lazy };
                store.commit(&batch, sync).unwrap();
                batch.clear();
            }
            if let Op::Reopen = op {
                drop(store);
                let (opened, recovered) = open(dir.path());
                model.check(&opened, &recovered);
                store = opened;
            }
        }
    }
}
