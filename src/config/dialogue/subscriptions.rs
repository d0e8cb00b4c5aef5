//! `subscribe` and `subscriptions`: what a connection subscribes to, and how.

use std::{
    collections::{HashMap, hash_map},
    sync::Arc,
};

use super::{
    compiler::Compiler,
    declared, item,
    merged::Merged,
    order::Order,
    subscribe::{self, Around},
};
use crate::config::{
    keys::{SubscriptionLayer, Subscriptions},
    read::{Item, Place, Problem, backticked},
};
use everwire_proto::settings::dialogue::{
    DeclaredSubscription, MAX_EXPECTED, MAX_SUBSCRIPTIONS, SubscribeSettings, SubscriptionWords,
};

/// The subscriptions of a connection; `opened` knows what may be captured by then.
pub(super) fn compile(
    merged: &Merged,
    mut opened: Order,
    compiler: &mut Compiler<'_, '_>,
) -> Option<SubscribeSettings> {
    let subscriptions = &merged.subscriptions;
    if merged.subscribe.is_none() && subscriptions.items.is_empty() {
        return None;
    }
    let subscribe = merged.subscribe.as_ref().map(|layer| &layer.value);
    let own = subscriptions.long_forms().map(|long| &long.words);
    let tables = subscribe.iter().map(|layer| &layer.words).chain(own);
    let captures = tables.filter_map(|words| words.capture.as_ref());
    declared::of_subscriptions(captures.flat_map(|capture| &capture.value.0), compiler);
    opened.extend(&compiler.names);
    let around = Around {
        order: &opened,
        max_message: merged.max_message,
    };
    let mut words = SubscriptionWords::default();
    let mut max = MAX_SUBSCRIPTIONS;
    if let Some(layer) = subscribe {
        subscribe::refuse_without_on(&layer.words, compiler);
        words = subscribe::words(&layer.words, words, &around, compiler);
        subscribe::check_batch(&layer.limits, &layer.words, &words, compiler);
        words.batch = layer
            .limits
            .batch
            .as_ref()
            .map_or(words.batch, |batch| batch.value.0);
        max = layer.limits.max.as_ref().map_or(max, |max| max.value.0);
    }
    refuse_doubles(subscriptions, compiler);
    refuse_too_many(subscriptions, max.get() as usize, compiler);
    let words = Arc::new(words);
    let declared = subscriptions.items.iter();
    let declared =
        declared.filter_map(|item| Some((item, declare(item, &words, &around, compiler)?)));
    let declared: Vec<_> = declared.collect();
    refuse_many_answers(&declared, &words, compiler);
    Some(SubscribeSettings {
        declared: declared.into_iter().map(|(_, declared)| declared).collect(),
        words,
        max,
    })
}

fn declare(
    item: &Item<SubscriptionLayer>,
    words: &Arc<SubscriptionWords>,
    around: &Around<'_>,
    compiler: &mut Compiler<'_, '_>,
) -> Option<Arc<DeclaredSubscription>> {
    let Item { name, place, value } = item;
    let own = match value {
        SubscriptionLayer::Long(long) if !long.words.is_empty() => {
            let own = subscribe::words(&long.words, (**words).clone(), around, compiler);
            Some(Arc::new(own))
        }
        SubscriptionLayer::Long(_) | SubscriptionLayer::Text(_) | SubscriptionLayer::Item(_) => {
            None
        }
    };
    compiler.reads.clear();
    let what = match value {
        SubscriptionLayer::Text(text) => item::of_text(text, compiler),
        SubscriptionLayer::Item(node) => item::compile(node, compiler),
        SubscriptionLayer::Long(long) => match &long.item {
            Some(node) => item::compile(node, compiler),
            None => Some(item::of_key(name)),
        },
    };
    let reads = std::mem::take(&mut compiler.reads);
    let said = own.as_ref().unwrap_or(words);
    if said.condition.is_none() {
        around.order.refuse_early(reads, compiler);
    }
    if said.on.is_none() && !compiler.has_failed() {
        subscribe::refuse_unasked(name, *place, compiler);
    }
    Some(Arc::new(DeclaredSubscription {
        key: name.as_str().into(),
        item: what?,
        words: own,
    }))
}

fn refuse_doubles(subscriptions: &Subscriptions, compiler: &mut Compiler<'_, '_>) {
    let mut seen: HashMap<&str, Place> = HashMap::with_capacity(subscriptions.items.len());
    for Item { name, place, .. } in &subscriptions.items {
        match seen.entry(name) {
            hash_map::Entry::Vacant(entry) => {
                entry.insert(*place);
            }
            hash_map::Entry::Occupied(first) => {
                let message = format!("the subscription {} comes twice", backticked(name));
                let problem = Problem::new(*place, message)
                    .related(*first.get(), "it comes first here")
                    .help("remove one of them, or give it another key");
                compiler.push(problem);
            }
        }
    }
}

fn refuse_too_many(subscriptions: &Subscriptions, max: usize, compiler: &mut Compiler<'_, '_>) {
    if let Some(item) = subscriptions.items.get(max) {
        let count = subscriptions.items.len();
        let message = format!("there are {count} subscriptions");
        let help = match max == MAX_SUBSCRIPTIONS.get() as usize {
            true => format!("a connection has at most {max}"),
            false => format!("`subscribe.max` allows {max} for this connection"),
        };
        compiler.wrong(item.place, message, help);
    }
}

/// Each distinct expectation is evaluated on every message, so even thousands of keys must have
/// only a few.
fn refuse_many_answers(
    declared: &[(&Item<SubscriptionLayer>, Arc<DeclaredSubscription>)],
    usual: &SubscriptionWords,
    compiler: &mut Compiler<'_, '_>,
) {
    let mut expected = vec![usual];
    for (item, declared) in declared {
        let Some(words) = declared.words.as_deref() else {
            continue;
        };
        if expected.iter().any(|known| known.expects_the_same(words)) {
            continue;
        }
        if expected.len() == MAX_EXPECTED {
            let message = format!(
                "the subscription {} expects other answers than {MAX_EXPECTED} before it",
                backticked(&item.name)
            );
            let help = "write one `ack`, `fail`, `end`, `capture` and `route` into `subscribe` that hold for all keys: `key`, `item` and `id` are \
                        those of each";
            return compiler.wrong(item.place, message, help);
        }
        expected.push(words);
    }
}
