//! A WebSocket server for tests. It misbehaves as it is told, and reports what it saw.
//!
//! ```
//! use std::time::Duration;
//! use everwire::testing::{How, Peer, Script};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let peer = Peer::start().await?;
//! let url = peer.url("/echo");                                   // a behaviour of the table below
//! peer.script("/login", Script::echo().await_messages(1).end(How::Close(1012)));   // one of your own
//! # let _ = url;
//! # let client = tokio::net::TcpStream::connect(peer.addr()).await?;
//!
//! peer.wait_until("a client", Duration::from_secs(5), |peer| peer.accepted() == 1).await?;
//! peer.outage(How::Reset, Duration::from_millis(20)).await?;      // and back on the same port
//! # drop(client);
//! # Ok(())
//! # }
//! ```
//!
//! # Behaviours by path
//!
//! The values in the table are the defaults. Durations are whole numbers of `ms`, `s` or `m`; `how`
//! is `reset` or `fin`. With `messages=N` and `after=T`, the behaviour begins after N messages of
//! the client, and then T. Until then, and if the table says nothing else, the peer echoes
//! messages.
//!
//! | path | what the peer does |
//! |---|---|
//! | `/echo` | sends each message back |
//! | `/heartbeat` | answers the text `ping` with the text `pong`, echoes all else |
//! | `/sink` | reads, and sends nothing but pongs |
//! | `/feed?every=100ms&count=N` | sends `{"t":1}`, `{"t":2}` and so on, N of them or for ever |
//! | `/fragments?piece=3` | echoes in fragments of so many bytes |
//! | `/slow?rate=1024` | reads so many bytes a second |
//! | `/flood?size=16&count=N` | sends text messages as fast as they are read |
//! | `/ping-flood?count=100000` | sends pings as fast as they are read |
//! | `/status/CODE?retry_after=…&location=…&body=…` | refuses the handshake with an HTTP status |
//! | `/never` | never answers the handshake |
//! | `/hang-up?how=fin` | ends TCP instead of answering the handshake |
//! | `/wrong-accept` | answers with the wrong `Sec-WebSocket-Accept` |
//! | `/close?code=1000&reason=…&messages=0&after=0s` | sends a Close frame |
//! | `/close-empty?messages=0&after=0s` | sends a Close frame with no code |
//! | `/drop?how=fin&messages=0&after=0s` | ends TCP without a Close frame |
//! | `/torn?how=reset&messages=0&after=0s` | sends half a frame, then ends TCP |
//! | `/silent?messages=0&after=0s` | stops reading and answering, and keeps TCP open |
//! | `/announce?bytes=1099511627776&pour=0&messages=0&after=0s` | announces a frame of so many bytes, and sends `pour` of them |
//! | `/raw?hex=…&messages=0&after=0s` | sends these bytes |
//!
//! Any path takes `subprotocol=first`, `second`, `none` or a name; `extension=VALUE`, which the
//! answer then names even if it was not offered; `pongs=answer`, `ignore` or `wrong`;
//! `ignore_close=true`. Any other path is a 404.
//!
//! # Cost
//!
//! An idle connection owns no buffer, and one write answers all complete frames of a read. So one
//! peer can hold thousands of sockets, and tests measure the client, not the peer. Everything that
//! the peer keeps is bounded. Its frame code is separate from the client's, so that each checks the
//! other.

pub(crate) mod frame;
mod handshake;
mod inbound;
mod listener;
mod log;
mod outgoing;
mod parts;
mod peer;
mod program;
mod route;
mod scratch;
mod script;
mod serve;
mod session;
mod shared;
#[cfg(test)]
mod tests;

pub use crate::manager::Detour;
pub use handshake::Request;
pub use log::{ClientClose, ConnectionLog, Ended};
pub use parts::{How, Pongs, Subprotocol};
pub use peer::{NotSeen, Peer};
pub use script::Script;
