//! TLS configurations, built once and shared, and what a failed handshake means.

use std::{
    collections::HashMap,
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use parking_lot::Mutex;
use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    client::Resumption,
    crypto::ring,
    pki_types::{CertificateDer, pem::PemObject},
};
use tokio::sync::OnceCell;

use super::{failure::plain, files};
use crate::{config::TlsSettings, core::Cause};

/// The longest `tls.ca_file`, in bytes; a whole system's bundle is a tenth of it.
const MAX_CA_FILE: u64 = 4 << 20;
/// As many authority files are kept parsed; beyond that some are read again.
const MAX_KEPT: usize = 64;
/// As many servers' session tickets are kept per configuration.
const MAX_SESSIONS: usize = 32;

/// The TLS configurations of a process. Cloning shares them.
///
/// The system's roots are loaded once, by the first dial that needs them. A `tls.ca_file` is looked at for each
/// dial, and read again when its length or its time of modification changed.
#[derive(Clone, Default)]
pub(crate) struct TlsCache(Arc<Configs>);

#[derive(Default)]
struct Configs {
    system: OnceCell<Arc<ClientConfig>>,
    files: Mutex<HashMap<PathBuf, (Stamp, Arc<ClientConfig>)>>,
}

/// Tells whether a file is still the one that was read.
type Stamp = (u64, Option<SystemTime>);

impl TlsCache {
    /// The configuration for these settings.
    ///
    /// # Errors
    ///
    /// [`Cause::Tls`] when the authorities cannot be read, or there are none.
    pub(crate) async fn config(&self, settings: &TlsSettings) -> Result<Arc<ClientConfig>, Cause> {
        match &settings.ca_file {
            None => {
                let system = self.0.system.get_or_try_init(load_system);
                system.await.cloned()
            }
            Some(path) => {
                let (configs, path) = (Arc::clone(&self.0), path.clone());
                let loaded = files::off_thread(move || Ok(configs.load(&path))).await;
                loaded.unwrap_or_else(|error| Err(Cause::Tls(plain(&error))))
            }
        }
    }
}

impl Configs {
    /// Blocks.
    fn load(&self, path: &Path) -> Result<Arc<ClientConfig>, Cause> {
        let unusable = |why: &str| {
            let text = format!("tls.ca_file {} cannot be used: {why}", path.display());
            Cause::Tls(text)
        };
        let stamp = stamp(path).map_err(|error| unusable(&plain(&error)))?;
        if let Some((known, config)) = self.files.lock().get(path)
            && *known == stamp
        {
            return Ok(Arc::clone(config));
        }
        let pem =
            files::read_bounded(path, MAX_CA_FILE).map_err(|error| unusable(&plain(&error)))?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&pem) {
            let certificate = certificate.map_err(|error| unusable(&error.to_string()))?;
            let added = roots.add(certificate);
            added.map_err(|error| unusable(&error.to_string()))?;
        }
        if roots.is_empty() {
            return Err(unusable("it holds no certificate"));
        }
        let config = client(roots)?;
        let mut files = self.files.lock();
        if files.len() >= MAX_KEPT && !files.contains_key(path) {
            let any = files.keys().next().cloned();
            any.and_then(|any| files.remove(&any));
        }
        files.insert(path.to_owned(), (stamp, Arc::clone(&config)));
        Ok(config)
    }
}

fn stamp(path: &Path) -> io::Result<Stamp> {
    let metadata = path.metadata()?;
    Ok((metadata.len(), metadata.modified().ok()))
}

async fn load_system() -> Result<Arc<ClientConfig>, Cause> {
    let loaded = files::off_thread(|| Ok(rustls_native_certs::load_native_certs())).await;
    let loaded = loaded.map_err(|error| Cause::Tls(plain(&error)))?;
    let mut roots = RootCertStore::empty();
    // Some systems carry roots that no longer parse; the others still serve.
    roots.add_parsable_certificates(loaded.certs);
    if roots.is_empty() {
        let why = loaded.errors.first().map(|error| format!(" ({error})"));
        return Err(Cause::Tls(format!(
            "the system has no usable root certificates{}; set tls.ca_file",
            why.unwrap_or_default()
        )));
    }
    client(roots)
}

/// The provider is always named: a process default would depend on which crate came first.
fn client(roots: RootCertStore) -> Result<Arc<ClientConfig>, Cause> {
    let provider = Arc::new(ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Cause::Tls(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.resumption = Resumption::in_memory_sessions(MAX_SESSIONS);
    Ok(Arc::new(config))
}

/// What an I/O error during the handshake means.
pub(super) fn handshake_failure(error: &io::Error) -> Cause {
    let inner = error.get_ref();
    if let Some(error) = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
        return failure(error);
    }
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            Cause::Tls("the server closed the connection during the TLS handshake".into())
        }
        io::ErrorKind::ConnectionReset
        | io::ErrorKind::ConnectionAborted
        | io::ErrorKind::BrokenPipe => {
            Cause::Reset(format!("{}, during the TLS handshake", plain(error)))
        }
        _ => Cause::Tls(plain(error)),
    }
}

/// What an error of `rustls` means.
pub(super) fn failure(error: &rustls::Error) -> Cause {
    match error {
        rustls::Error::InvalidCertificate(error) => {
            let why = certificate(error);
            Cause::TlsCertificate(format!("the server's certificate is not accepted: {why}"))
        }
        rustls::Error::NoCertificatesPresented => {
            Cause::TlsCertificate("the server presented no certificate".into())
        }
        rustls::Error::AlertReceived(alert) => {
            Cause::Tls(format!("the server refused the TLS handshake: {alert:?}"))
        }
        error => Cause::Tls(error.to_string()),
    }
}

fn certificate(error: &CertificateError) -> String {
    use CertificateError as E;
    match error {
        E::Expired | E::ExpiredContext { .. } => "it has expired".into(),
        E::NotValidYet | E::NotValidYetContext { .. } => "it is not valid yet".into(),
        E::Revoked => "it was revoked".into(),
        E::UnknownIssuer => "unknown issuer".into(),
        E::BadEncoding => "it is badly encoded".into(),
        E::BadSignature => "its signature is wrong".into(),
        E::NotValidForName => "it is not valid for the host's name".into(),
        E::NotValidForNameContext { expected, .. } => {
            format!("it is not valid for name {}", expected.to_str())
        }
        error => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::tests::ScratchDir;

    fn settings(path: PathBuf) -> TlsSettings {
        TlsSettings {
            ca_file: Some(path),
        }
    }

    fn authority() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.self_signed(&key).unwrap().pem()
    }

    #[tokio::test]
    async fn an_authority_file_is_parsed_again_only_when_it_changed() {
        let dir = ScratchDir::new("tls_change");
        let path = dir.write("ca.pem", authority());
        let cache = TlsCache::default();
        let first = cache.config(&settings(path.clone())).await.unwrap();
        let again = cache.config(&settings(path.clone())).await.unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        dir.write("ca.pem", authority() + &authority());
        let changed = cache.config(&settings(path)).await.unwrap();
        assert!(!Arc::ptr_eq(&first, &changed));
    }

    #[tokio::test]
    async fn an_authority_file_that_cannot_be_used_says_why() {
        let dir = ScratchDir::new("tls_bad");
        dir.write("empty", "");
        let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        dir.write("bad", bad);
        for (name, why) in [
            ("none", "no such file"),
            ("empty", "no certificate"),
            ("bad", ""),
        ] {
            let cause = TlsCache::default()
                .config(&settings(dir.path(name)))
                .await
                .unwrap_err();
            assert_eq!(cause.kind(), "tls");
            assert!(cause.text().contains(why), "{name}: {cause}");
        }
    }

    #[tokio::test]
    async fn no_more_authority_files_are_kept_than_agreed() {
        let dir = ScratchDir::new("tls_bound");
        let pem = authority();
        let cache = TlsCache::default();
        for i in 0..MAX_KEPT + 3 {
            let path = dir.write(&i.to_string(), &pem);
            cache.config(&settings(path)).await.unwrap();
        }
        assert_eq!(cache.0.files.lock().len(), MAX_KEPT);
    }
}
