//! One TLS configuration, built from its settings.

use std::{path::PathBuf, sync::Arc};

use rustls::{
    ClientConfig,
    client::{Resumption, WantsClientCert, danger::ServerCertVerifier},
    crypto::ring,
};

use super::{
    client_cert::own,
    insecure_verifier::InsecureVerifier,
    no_client_cert::NoClientCert,
    pem_files::{Authorities, read_roots},
    pinned_verifier::Pinned,
};
use crate::{core::Cause, settings::TlsSettings};

/// The number of servers whose session tickets are kept per configuration.
const MAX_SESSIONS: usize = 32;

/// What a configuration depends on, besides the content of files.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    /// The authorities; `None` for those of the system.
    pub ca_file: Option<PathBuf>,
    /// The client certificate and its key.
    pub identity: Option<(PathBuf, PathBuf)>,
    /// Whether any certificate is accepted.
    pub insecure: bool,
}

/// Reads the files of `tls` as a dial does. Checks that the authorities can be used, that the
/// client certificate and its key can be used, and that these belong together. Blocks.
///
/// # Errors
///
/// [`Cause::Tls`] for the first file that cannot be used.
pub fn check_tls(settings: &TlsSettings) -> Result<(), Cause> {
    let key = Key::of(settings)?;
    let roots = match &key.ca_file {
        Some(path) => Some(read_roots(path)?),
        None => None,
    };
    build(&key, roots).map(|_| ())
}

impl Key {
    /// The key of these settings.
    ///
    /// # Errors
    ///
    /// [`Cause::Tls`] if a certificate has no key, or a key has no certificate.
    pub fn of(settings: &TlsSettings) -> Result<Self, Cause> {
        let identity = match (&settings.cert_file, &settings.key_file) {
            (Some(cert), Some(key)) => Some((cert.clone(), key.clone())),
            (None, None) => None,
            _ => {
                let text = "tls.cert_file and tls.key_file belong together";
                return Err(Cause::Tls(text.into()));
            }
        };
        Ok(Self {
            // If any certificate is accepted, the authorities are not used.
            ca_file: settings.ca_file.clone().filter(|_| !settings.insecure),
            identity,
            insecure: settings.insecure,
        })
    }

    /// Whether it needs no file.
    pub fn names_no_file(&self) -> bool {
        self.ca_file.is_none() && self.identity.is_none()
    }
}

/// Builds the configuration. Blocks if there is a client certificate to read.
pub(super) fn build(
    key: &Key,
    roots: Option<Arc<Authorities>>,
) -> Result<Arc<ClientConfig>, Cause> {
    let verified = verified(roots)?;
    let mut config = match &key.identity {
        None => verified.with_client_cert_resolver(Arc::new(NoClientCert)),
        Some(files) => verified.with_client_cert_resolver(Arc::new(own(files)?)),
    };
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::in_memory_sessions(MAX_SESSIONS);
    Ok(Arc::new(config))
}

/// The provider is always given: the process default would depend on which crate is first to set
/// it.
fn verified(
    roots: Option<Arc<Authorities>>,
) -> Result<rustls::ConfigBuilder<ClientConfig, WantsClientCert>, Cause> {
    let provider = Arc::new(ring::default_provider());
    let builder = ClientConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(|error| Cause::Tls(error.to_string()))?;
    let verifier: Arc<dyn ServerCertVerifier> = match roots {
        Some(authorities) => Arc::new(Pinned::new(&authorities, provider)?),
        None => Arc::new(InsecureVerifier(provider)),
    };
    Ok(builder
        .dangerous()
        .with_custom_certificate_verifier(verifier))
}
