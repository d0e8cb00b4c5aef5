//! TLS towards the service.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};

use super::Error;

/// What the HTTP client takes.
pub type Config = Arc<ClientConfig>;

/// Trusts the authorities of this file, or the system's.
///
/// # Errors
///
/// [`Error::CaFile`], [`Error::SystemAuthorities`].
pub fn config(ca_file: Option<&Path>) -> Result<Config, Error> {
    Ok(with(match ca_file {
        Some(path) => of_file(path)?,
        None => of_system()?,
    }))
}

/// For a service without TLS: trusts nobody.
pub fn unused() -> Config {
    with(RootCertStore::empty())
}

fn of_file(path: &Path) -> Result<RootCertStore, Error> {
    let unusable = |text: String| Error::CaFile {
        path: path.to_owned(),
        text,
    };
    let pem = std::fs::read(path).map_err(|error| unusable(error.to_string()))?;
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
        let added = roots.add(certificate);
        added.map_err(|error| unusable(error.to_string()))?;
    }
    match roots.is_empty() {
        true => Err(unusable("there is no certificate in it".into())),
        false => Ok(roots),
    }
}

fn of_system() -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    // A certificate that cannot be read is one authority less.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match roots.is_empty() {
        true => Err(Error::SystemAuthorities),
        false => Ok(roots),
    }
}

fn with(roots: RootCertStore) -> Config {
    let config = ClientConfig::builder().with_root_certificates(roots);
    Arc::new(config.with_no_client_auth())
}
