//! everwire keeps many named outgoing WebSocket connections up.
//!
//! Each name is an actix actor under a supervisor. You send it messages, and it sends you events.
//! When the socket dies without your asking, everwire dials again, after a delay that spreads a
//! fleet's dials. Then it sends the opening messages again, and what you sent meanwhile, in order.
//!
//! ```
//! use everwire::{ConnectionSettings, Delivery, Fate, Manager, Pattern, Settings};
//! use futures::StreamExt;
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # #[cfg(feature = "testing")] {
//! # let peer = everwire::testing::Peer::start().await?;
//! # let url = peer.url("/echo");
//! let manager = Manager::spawn(Settings::default())?;          // from plain tokio; Manager::start inside actix
//! let mut events = manager.subscribe(Pattern::all(), Delivery::default());
//! let feed = manager.open("feed", ConnectionSettings::new(url)?)?;
//!
//! let receipt = feed.send("hello")?;                           // accepted, in order, whether the socket is up or not
//! assert_eq!(receipt.fate(Fate::Written).await, Fate::Written);
//!
//! while let Some(update) = events.next().await {
//!     if let Some((stamp, message)) = update.message() {
//!         println!("{}: {:?}", stamp.name, message);
//!         break;
//!     }
//! }
//! manager.shutdown(std::time::Duration::from_secs(5)).await;
//! # }
//! # Ok(())
//! # }
//! ```
//!
//! # The flow of data
//!
//! [`Handle::send`] and the actor's [`Send`] put a message into the name's outbox, which is
//! bounded. The actor writes it when its socket is up, and the [`Receipt`] tells its [`Fate`]. Each
//! change of a name is an [`Event`], numbered without gaps. It goes to every subscriber whose
//! [`Pattern`] selects the name: a [stream](Manager::subscribe), an
//! [actor](Manager::subscribe_actor) or a [callback](Manager::on_event), each bounded by its
//! [`Delivery`].
//!
//! # With actix
//!
//! [`Handle::addr`] is an `actix::Addr`, and your actors are actix actors, so your `Cargo.toml`
//! names `actix = "0.13"` beside everwire. You need tokio only for your own use of it:
//! `#[tokio::main]` needs `tokio` with the features `macros` and `rt-multi-thread`,
//! `#[actix::main]` needs nothing. `examples/actors.rs` is a whole application.
//!
//! # Features
//!
//! - `config` (default): reads settings from TOML files and from JSON, with diagnostics. Without it
//!   settings are built in code.
//! - `durable`: outboxes and histories that outlive the process, in SQLite. Without it a name that
//!   asks for that is refused ([`FeatureMissing`](manager::FeatureMissing)), and cursors and epochs
//!   of an earlier process are not valid in the next one.
//! - `socks`: SOCKS5 proxies. Without it a name that asks for one is refused.
//! - `testing`: `testing::Peer`, a WebSocket server that misbehaves on command, for your tests.
//! - `tracing`: dials as spans of `tracing`.
//!
//! The program `everwire`, with its command line, log and HTTP API, is the crate `everwire-cli`.

// Outside influence leads to an error, never to a panic. Tests may panic.
#![deny(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
#![cfg_attr(
    not(feature = "durable"),
    allow(
        dead_code,
        reason = "where nothing is kept, no name is asked what there is to keep"
    )
)]

mod chance;
mod clock;
pub mod config;
pub mod connection;
pub mod events;
pub mod hub;
pub mod manager;
pub mod memory;
mod panics;
mod persistence;
mod secret_store;
mod settings;
mod signer;
#[cfg(feature = "durable")]
#[doc(hidden)]
pub mod store;
mod stored;
#[cfg(feature = "testing")]
pub mod testing;
mod transport;

/// The pure core: it decides what a name does, without a clock, a socket or a random number
/// generator.
pub mod core {
    pub use everwire_proto::{
        core::*,
        language::{InvalidPointer, JsonPointer, MAX_POINTER, Scalar},
        settings::{ConnectionName, InvalidName, InvalidPattern, MAX_NAME, Pattern},
    };
}

pub use everwire_proto::{decode, language, wire};

/// What a name says and expects on its socket. `Settings` read it from a file; code sets
/// `ConnectionSettings::dialogue`.
///
/// To write a conversation in code, implement [`Protocol`](dialogue::Protocol), and give its
/// factory to `ConnectionSettings::protocol`. `examples/protocol.rs` is one, with its tests.
pub mod dialogue {
    pub use crate::signer::signer;
    pub use everwire_proto::{
        dialogue::*,
        settings::{ProtocolFactory, dialogue::*},
    };
}

/// Runs the example of the library page as a test.
#[cfg(doctest)]
#[doc = include_str!("../docs/library.md")]
struct LibraryPage;

pub use self::{
    config::{
        Backoff, ConnectionSettings, Heartbeat, InvalidSubscription, Reconnect, Settings,
        SubscriptionWish, WriteLease, boot_clock,
    },
    connection::{
        CloseMyself, Configure, Connect, Connection, ConnectionGone, HoldError, NotOpen, Receipt,
        Request, RequestError, Rotate, Send, SendError, SendOnceError, Snapshot, State, Status,
        Subscribe,
    },
    core::{ConnectionName, Fate, Message, Owner, Pattern, Rejected},
    events::{Event, EventKind, Notice, Update},
    hub::{Batch, Delivery, Events, Overflow},
    manager::{Handle, Manager},
};
pub use transport::{check_tls, limit_dial_descriptors};

/// Runs the README's example as a test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
