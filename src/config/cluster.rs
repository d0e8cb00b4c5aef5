//! From the keys of `[cluster]` to its settings, and the checks of the names that it places.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    keys::{ClusterTable, ConnectionTable},
    read::{Context, IntoField, Located, Place, Problem, backticked},
};
use crate::{
    core::ConnectionName,
    settings::{ClusterSettings, SharedKey, shared_keys},
};
use everwire_proto::{
    placement::{MAX_PLACES, MAX_TABLE},
    settings::{ConnectionSettings, Labels},
};

/// The settings of `[cluster]`, if there is such a table, and the checks of names that it needs.
/// Errors are reported. `has_nats`: whether there is a `[nats]`, with errors or without.
pub(super) fn cluster_settings(
    table: Option<Located<ClusterTable>>,
    has_nats: bool,
    context: &mut Context<'_>,
) -> Option<(ClusterSettings, Shards)> {
    let Located {
        value: table,
        place,
    } = table?;
    if !has_nats {
        let problem = Problem::absence(place, "`cluster` needs `[nats]`, whose servers keep its log")
            .help("write [nats] with servers = [\"nats://127.0.0.1:4222\"]; it needs neither `in` nor `out`");
        context.problems.push(problem);
    }
    if table.node.is_none() {
        let problem = Problem::absence(place, "`cluster` has no `node`")
            .help("write node = \"node-1\": a name that no other node has");
        context.problems.push(problem);
    }
    let at = table.shards.as_ref().map_or(place, |shards| shards.place);
    let settings = table.into_field(place, context);
    let shards = Shards::new(settings.shards, at);
    Some((settings, shards))
}

/// Where the keys of a connection are written that decide its shard.
pub(super) struct Written {
    name: Place,
    rate: Option<Place>,
    /// What else can name a bucket.
    dialogue: Option<Place>,
    prepare: Option<Place>,
    place: Option<Place>,
}

impl Written {
    /// The places of the keys of `table`, whose connection's name is at `name`.
    pub fn of(table: &ConnectionTable, name: Place) -> Self {
        fn place<T>(value: &Option<Located<T>>) -> Option<Place> {
            value.as_ref().map(|value| value.place)
        }
        let scripts = place(&table.open_script).or(place(&table.periodic));
        let scripts = scripts.or(place(&table.close_script));
        Self {
            name,
            rate: place(&table.rate),
            dialogue: place(&table.subscribe).or(scripts),
            prepare: place(&table.prepare),
            place: place(&table.place),
        }
    }

    /// Where the connection names what it shares.
    fn of_key(&self, key: SharedKey<'_>, settings: &ConnectionSettings) -> Place {
        let place = match key {
            SharedKey::Prepare(_) => self.prepare,
            SharedKey::Rate(bucket) => {
                let mut rates = settings.rate.iter();
                let is_own = rates.any(|rate| rate.bucket.as_deref() == Some(bucket));
                if is_own { self.rate } else { self.dialogue }
            }
        };
        place.unwrap_or(self.name)
    }
}

/// What the names of a cluster share: names that share a key are in one shard of one place.
#[derive(Clone)]
pub(super) struct Shards {
    /// How many there are for each place.
    number: u32,
    /// Where the number is written.
    at: Place,
    /// For each shared key, the `place` of its names, and where it is written first.
    homes: BTreeMap<String, (Labels, Place)>,
    places: BTreeSet<Labels>,
}

impl Shards {
    fn new(number: u32, at: Place) -> Self {
        Self {
            number,
            at,
            homes: BTreeMap::new(),
            // Names without a `place` have one, too.
            places: [Labels::default()].into(),
        }
    }

    /// Reports a name that cannot be in one shard with all names that it shares something with.
    pub fn check(
        &mut self,
        name: Option<&ConnectionName>,
        settings: &ConnectionSettings,
        written: &Written,
        context: &mut Context<'_>,
    ) {
        // Names that inherit the same keys are reported once.
        let name = name.map(ToString::to_string);
        let before = std::mem::replace(&mut context.problems.subject, name);
        let keys: Vec<_> = shared_keys(settings).into_iter().collect();
        if let [first, second, ..] = keys[..] {
            refuse_two(first, second, settings, written, context);
        } else if let [key] = keys[..] {
            self.settle(key, settings, written, context);
        }
        self.places.insert(settings.place.clone());
        context.problems.subject = before;
    }

    /// Notes the place of the names that share a key; another one is reported.
    fn settle(
        &mut self,
        key: SharedKey<'_>,
        settings: &ConnectionSettings,
        written: &Written,
        context: &mut Context<'_>,
    ) {
        let here = written.place.unwrap_or(written.name);
        let home = self.homes.entry(key.to_string());
        let (place, first) = home.or_insert_with(|| (settings.place.clone(), here));
        if *place == settings.place {
            return;
        }
        let message = format!(
            "names that share `{key}` have different places: {} and {}",
            shown(place),
            shown(&settings.place)
        );
        let help = format!(
            "write the same place for all of them: they are in one shard; or per_node = true in [{key}]"
        );
        let problem = Problem::new(here, message).help(help);
        let problem = problem.related(*first, "the first one is here");
        context.problems.push(problem);
    }

    /// Reports more places than a cluster has room for.
    pub fn check_places(&self, context: &mut Context<'_>) {
        let (number, places) = (self.number as usize, self.places.len());
        let most = MAX_PLACES.min(MAX_TABLE / number.max(1)).max(1);
        if places <= most {
            return;
        }
        let message =
            format!("there are {places} different places, that of names without one among them");
        let fewer = MAX_TABLE / places;
        let help = match places <= MAX_PLACES {
            true => format!(
                "write at most {most}, or at most {fewer} shards: all places have {MAX_TABLE} together"
            ),
            false => format!("write at most {most}"),
        };
        context.wrong(self.at, message, help);
    }
}

/// A name is in one shard only.
fn refuse_two(
    first: SharedKey<'_>,
    second: SharedKey<'_>,
    settings: &ConnectionSettings,
    written: &Written,
    context: &mut Context<'_>,
) {
    let message = format!("in a cluster a name cannot share both `{first}` and `{second}`");
    let help = format!(
        "each is in a shard of its own: write per_node = true in [{first}] or in [{second}]"
    );
    let at = written.of_key(second, settings);
    let mut problem = Problem::new(at, message).help(help);
    let other = written.of_key(first, settings);
    if other != at {
        problem = problem.related(other, format!("{first} is here"));
    }
    context.problems.push(problem);
}

fn shown(labels: &Labels) -> String {
    match labels.is_empty() {
        true => "none".into(),
        false => backticked(&labels.to_string()),
    }
}
