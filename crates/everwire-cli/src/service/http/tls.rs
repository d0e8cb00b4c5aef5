//! TLS of the service's own addresses.

use std::{io, path::Path, path::PathBuf, sync::Arc};

use everwire::config::ServiceTlsSettings;
use rustls::{
    RootCertStore, ServerConfig,
    crypto::{CryptoProvider, ring},
    pki_types::{CertificateDer, PrivateKeyDer, pem, pem::PemObject},
    server::{VerifierBuilderError, WebPkiClientVerifier},
};

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TlsError {
    /// A file cannot be read, or is not PEM.
    #[error("{key} {} cannot be read: {source}", path.display())]
    File {
        /// The key that names it.
        key: &'static str,
        /// The file.
        path: PathBuf,
        /// The error.
        source: io::Error,
    },
    /// The authorities for client certificates cannot be used.
    #[error("service.tls.client_ca_file cannot be used: {0}")]
    Authorities(#[source] VerifierBuilderError),
    /// The certificate and the key cannot be used, or do not belong together.
    #[error("service.tls.cert_file and key_file cannot be used: {}", words(.0))]
    Certificate(#[source] rustls::Error),
}

fn words(error: &rustls::Error) -> String {
    match error {
        rustls::Error::InconsistentKeys(_) => "the key does not match the certificate".into(),
        error => error.to_string(),
    }
}

/// Reads the files.
///
/// # Errors
///
/// [`TlsError`].
pub fn config(settings: &ServiceTlsSettings) -> Result<ServerConfig, TlsError> {
    let chain = certificates("service.tls.cert_file", &settings.cert_file)?;
    let key = "service.tls.key_file";
    let key = PrivateKeyDer::from_pem_file(&settings.key_file)
        .map_err(|error| unreadable(key, &settings.key_file, error))?;
    let provider = Arc::new(ring::default_provider());
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider))
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Certificate)?;
    let builder = match &settings.client_ca_file {
        None => builder.with_no_client_auth(),
        Some(path) => builder.with_client_cert_verifier(verifier(path, provider)?),
    };
    builder
        .with_single_cert(chain, key)
        .map_err(TlsError::Certificate)
}

/// Admits only clients with a certificate of these authorities.
fn verifier(
    path: &Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("service.tls.client_ca_file", path)? {
        roots.add(certificate).map_err(TlsError::Certificate)?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(TlsError::Authorities)
}

fn certificates(key: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    match read {
        Ok(certificates) if certificates.is_empty() => {
            Err(unreadable(key, path, pem::Error::NoItemsFound))
        }
        Ok(certificates) => Ok(certificates),
        Err(error) => Err(unreadable(key, path, error)),
    }
}

fn unreadable(key: &'static str, path: &Path, error: pem::Error) -> TlsError {
    TlsError::File {
        key,
        path: path.to_owned(),
        source: match error {
            pem::Error::Io(error) => error,
            error => io::Error::other(format!("{error:?}")),
        },
    }
}
