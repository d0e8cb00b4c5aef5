//! From settings to an upgraded stream: secrets, DNS, TCP, TLS and the HTTP upgrade. `awc` does the
//! upgrade.
//!
//! [`dial`] is the only entry. It fails only with a [`Cause`](crate::core::Cause), keeps to
//! `connect_timeout`, and stops when its future is dropped. It returns the bare stream: no client,
//! codec or buffer outlives the dial. [`DialBudget`] decides when a dial may begin.

mod address;
mod answer;
mod borrowed_stream;
mod descriptors;
mod dial;
mod dial_budget;
mod error_text;
mod exchange;
mod files;
mod headers;
mod hop;
mod html;
mod leased_stream;
mod prepare;
mod prepared;
mod progress;
mod redact;
mod redirect;
mod refusal;
mod request;
mod resolve;
mod route;
mod secrets;
mod stream;
mod subprotocols;
mod target;
mod tcp;
mod tcp_stream;
mod tls;
mod trace;
mod tunnel;
mod unfold;
mod upgrade;
mod upgrade_error;

#[cfg(test)]
mod tests;

pub use descriptors::limit_dial_descriptors;
pub(crate) use dial::{DialRequest, Opened, dial, host_key, written_host_key};
pub(crate) use dial_budget::DialBudget;
pub(crate) use prepare::{Before, CallFor, ForDial, Preparer, Preparing, Teller};
pub(crate) use prepared::{Generation, PreparedDial};
pub(crate) use progress::{DialError, Timings};
pub(crate) use redact::masked;
pub(crate) use resolve::Resolver;
pub(crate) use secrets::Secrets;
#[cfg(feature = "config")]
pub(crate) use secrets::read_secret_file;
pub(crate) use stream::Stream;
#[cfg(test)]
pub(crate) use tcp_stream::Tcp;
pub(crate) use tls::TlsCache;
pub use tls::check_tls;
pub(crate) use trace::in_span;
