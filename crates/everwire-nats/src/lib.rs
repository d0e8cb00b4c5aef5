//! A bridge between the connections of everwire and NATS JetStream.
//!
//! Each message of the selected names is published, at least once and in order, and waits on disk
//! while no server takes it. `docs/nats.md` of the project states the promises.
//!
//! ```no_run
//! use everwire::{Manager, Pattern, Settings, config::{NatsInSettings, NatsSettings}};
//! use everwire_nats::{Bridge, Observer};
//!
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! let manager = Manager::spawn(Settings::default())?;
//! let mut nats = NatsSettings::new(vec!["nats://127.0.0.1:4222".into()]);
//! nats.inbound = Some(NatsInSettings::new(Pattern::new("market.*")?));
//! let observer = Observer::new(|report| eprintln!("{report}"));
//! let bridge = Bridge::start(manager, nats, "state".as_ref(), observer)?;
//! println!("{} published", bridge.status().inbound.published);
//! bridge.stop(std::time::Duration::from_secs(5)).await;
//! # Ok(())
//! # }
//! ```

mod ack;
mod bridge;
pub mod connection;
mod error;
mod header;
mod inbound;
mod lanes;
mod link;
mod outbound;
mod part;
mod queue;
mod report;
mod spool;
mod status;
pub mod stream;
mod subject;

pub use self::{
    bridge::{Bridge, StartError},
    error::BridgeError,
    lanes::DropReason,
    part::Part,
    report::{Observer, Report},
    spool::SpoolError,
    status::{BridgeStatus, InStatus, OutStatus, Trouble},
    subject::{name_in, subject_of},
};
