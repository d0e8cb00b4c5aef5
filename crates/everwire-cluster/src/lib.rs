//! Several everwires hold one set of names, each name in one of them.
//!
//! Who holds what is decided by a log in NATS JetStream that all nodes read. [`Cluster`] reads it,
//! appends to it, and says which shards this node holds, and until when it may write.
//! `docs/cluster.md` of the project states the promises.
//!
//! ```no_run
//! use everwire::{WriteLease, config::{ClusterSettings, NatsSettings}};
//! use everwire_cluster::{Cluster, Event};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let nats = NatsSettings::new(vec!["nats://127.0.0.1:4222".into()]);
//! let lease = WriteLease::new();
//! let cluster = Cluster::start(
//!     ClusterSettings::new("node-1"),
//!     nats,
//!     "state".as_ref(),
//!     lease.clone(),
//!     |event| {
//!         match event {
//!             Event::Hold { shard, term } => println!("open the names of {shard}, with token {term}"),
//!             Event::Lose(shard) => println!("abandon the names of {shard}"),
//!             event => println!("{event}"),
//!         }
//!         true
//!     },
//! )?;
//! println!("{} shards", cluster.status().shards);
//! cluster.leave(std::time::Duration::from_secs(5)).await;
//! # Ok(())
//! # }
//! ```

mod clocks;
mod cluster;
mod codes;
mod event;
mod log;
mod order;
mod requests;
mod runtime;
mod seen;
mod state_file;
mod status;

pub use self::{
    cluster::{Cluster, StartError},
    codes::CODES,
    event::Event,
    order::ChangeError,
    requests::{AskError, Incoming, MOST_BYTES},
    seen::{Former, Moves},
    status::{ClusterStatus, LogStatus, MoveStatus, NodeStatus, Phase, Where},
};
