//! TLS: configurations, the report on the peer's certificate, and the causes of failed handshakes.

mod cache;
mod certificate_error;
mod client_cert;
mod client_config;
mod handshake_error;
mod insecure_verifier;
mod library_words;
mod no_client_cert;
mod pem_files;
mod pinned_verifier;
mod report;

pub(crate) use self::cache::TlsCache;
pub use self::client_config::check_tls;
pub(super) use self::{
    handshake_error::{Client, failure, handshake_failure, silence},
    no_client_cert::noticing,
    report::report,
};
