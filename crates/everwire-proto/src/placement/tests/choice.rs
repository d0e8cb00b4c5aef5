//! What the choice moves.

use std::collections::BTreeMap;

use super::{
    super::{BootId, Command, Join, Labels, Places, ShardId, choose},
    random::Random,
};

/// A cluster in which all is done as it is chosen.
struct Cluster {
    places: Places,
    number: u64,
}

impl Cluster {
    fn new(shards: u32) -> Self {
        let mut cluster = Self {
            places: Places::default(),
            number: 0,
        };
        cluster.says(Command::Create { shards });
        cluster
    }

    fn says(&mut self, command: Command) {
        self.number += 1;
        self.places.apply(self.number, &command).unwrap();
    }

    fn joins(&mut self, boot: u64, weight: u32, labels: Labels) -> BootId {
        let id = BootId::new(boot);
        let join = Join::new(id, &format!("node-{boot}"), self.places.shards());
        self.says(Command::Join(Join {
            weight,
            labels,
            ..join
        }));
        self.says(Command::Settle { boot: id });
        id
    }

    /// Claims and moves until nothing is to be done. Returns how many shards were moved away from a
    /// boot that lives.
    fn settles(&mut self) -> usize {
        let mut moved = 0;
        for _ in 0..100_000 {
            let chosen = choose(&self.places);
            let table: Vec<_> = self
                .places
                .table()
                .map(|(id, shard)| (id, *shard))
                .collect();
            let differs =
                |((_, shard), chosen): &(&(ShardId, super::super::Shard), &Option<BootId>)| {
                    chosen.is_some() && shard.holder.map(|(holder, _)| holder) != **chosen
                };
            let Some((&(shard, state), to)) = table.iter().zip(&chosen).find(differs) else {
                return moved;
            };
            let to = to.unwrap();
            match state.holder {
                None => self.says(Command::Claim {
                    boot: to,
                    shards: [shard].into_iter().collect(),
                    seen: Vec::new(),
                }),
                Some((boot, _)) => {
                    moved += 1;
                    self.says(Command::Move { boot, shard, to });
                    // What is on its way is not sent elsewhere.
                    assert_eq!(choose(&self.places)[shard.index()], Some(to));
                    let term = self.places.shard(shard).unwrap().highest;
                    self.says(Command::Moved { boot, shard, term });
                }
            }
        }
        panic!("the choice does not come to rest");
    }

    fn held(&self) -> BTreeMap<BootId, usize> {
        let mut held = BTreeMap::new();
        for (boot, _) in self.places.table().filter_map(|(_, shard)| shard.holder) {
            *held.entry(boot).or_default() += 1;
        }
        held
    }
}

#[test]
fn a_join_moves_the_share_of_the_new_node_and_a_leave_what_it_had() {
    for seed in 0..60 {
        let mut random = Random::new(seed);
        let mut cluster = Cluster::new(256);
        let nodes = random.between(1, 6);
        for node in 0..nodes {
            cluster.joins(node, 1, Labels::default());
        }
        assert_eq!(cluster.settles(), 0, "what is free moves nothing");
        let new = cluster.joins(100, 1, Labels::default());
        let moved = cluster.settles();
        let share = 256 / (usize::try_from(nodes).unwrap() + 1);
        assert!(
            (share..=share + 1).contains(&moved),
            "{moved} for a share of {share}"
        );
        assert_eq!(cluster.held()[&new], moved);
        cluster.says(Command::Leave {
            boot: BootId::new(0),
        });
        assert_eq!(cluster.settles(), 0, "only what was left is given");
        assert_eq!(cluster.held().values().sum::<usize>(), 256);
    }
}

#[test]
fn each_gets_by_its_weight_and_who_drains_nothing() {
    let mut cluster = Cluster::new(100);
    let [a, b, c] = [(1, 1), (2, 3), (3, 0)]
        .map(|(node, weight)| cluster.joins(node, weight, Labels::default()));
    cluster.settles();
    assert_eq!(cluster.held(), [(a, 25), (b, 75)].into());
    cluster.says(Command::Drain { boot: b });
    cluster.settles();
    assert_eq!(cluster.held(), [(a, 100)].into());
    // Where nobody is left who could, it stays.
    cluster.says(Command::Drain { boot: a });
    cluster.settles();
    assert_eq!(cluster.held(), [(a, 100)].into());
    assert!(
        !cluster.held().contains_key(&c),
        "a weight of 0 is given nothing"
    );
}

#[test]
fn a_shard_goes_only_to_nodes_with_its_labels() {
    let labels = |region: &str| [("region", region)].into_iter().collect::<Labels>();
    let mut cluster = Cluster::new(10);
    let eu = cluster.joins(1, 1, labels("eu"));
    let us = cluster.joins(2, 1, labels("us"));
    for region in ["eu", "asia"] {
        cluster.says(Command::Place {
            labels: labels(region),
        });
    }
    cluster.settles();
    let held = |cluster: &Cluster, range: std::ops::Range<usize>, boot| {
        let shards = cluster.places.table().skip(range.start).take(range.len());
        shards
            .filter(|(_, shard)| shard.holder.is_some_and(|(holder, _)| holder == boot))
            .count()
    };
    assert_eq!(
        (held(&cluster, 0..10, eu), held(&cluster, 0..10, us)),
        (5, 5)
    );
    assert_eq!(
        (held(&cluster, 10..20, eu), held(&cluster, 20..30, us)),
        (10, 0),
        "nobody is in asia"
    );
}

#[test]
fn a_boot_that_has_not_settled_is_given_nothing() {
    let mut cluster = Cluster::new(10);
    let a = cluster.joins(1, 1, Labels::default());
    cluster.says(Command::Join(Join::new(BootId::new(2), "node-2", 10)));
    cluster.settles();
    assert_eq!(cluster.held(), [(a, 10)].into());
}
