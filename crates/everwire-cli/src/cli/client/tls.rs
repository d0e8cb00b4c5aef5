//! TLS for connections to the service.

use std::{path::Path, sync::Arc};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};

use super::Error;

/// What the HTTP client takes.
pub type Config = Arc<ClientConfig>;

/// The client certificate, for a service that requires one.
#[derive(Clone, Copy)]
pub struct Identity<'a> {
    /// The certificate, followed by its chain.
    pub cert_file: &'a Path,
    /// Its key.
    pub key_file: &'a Path,
}

/// Trusts the authorities in this file, or those of the system. Shows the certificate if the
/// service asks for one.
///
/// # Errors
///
/// [`Error::TlsFile`], [`Error::SystemAuthorities`].
pub fn config(ca_file: Option<&Path>, identity: Option<Identity<'_>>) -> Result<Config, Error> {
    let roots = match ca_file {
        Some(path) => of_file(path)?,
        None => of_system()?,
    };
    let builder = ClientConfig::builder().with_root_certificates(roots);
    let Some(Identity {
        cert_file,
        key_file,
    }) = identity
    else {
        return Ok(Arc::new(builder.with_no_client_auth()));
    };
    let chain = certificates("--cert-file", cert_file)?;
    let key = PrivateKeyDer::from_pem_file(key_file).map_err(|error| {
        let none = "there is no private key in it";
        unusable("--key-file", key_file, message(&error, none))
    })?;
    let config = builder.with_client_auth_cert(chain, key);
    let config = config.map_err(|error| {
        let text = format!("it does not go with --key-file: {error}");
        unusable("--cert-file", cert_file, text)
    });
    config.map(Arc::new)
}

/// For a service without TLS: no authorities.
pub fn unused() -> Config {
    let builder = ClientConfig::builder().with_root_certificates(RootCertStore::empty());
    Arc::new(builder.with_no_client_auth())
}

fn of_file(path: &Path) -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates("--ca-file", path)? {
        let added = roots.add(certificate);
        added.map_err(|error| unusable("--ca-file", path, error.to_string()))?;
    }
    Ok(roots)
}

/// The certificates in a file, at least one.
fn certificates(option: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, Error> {
    let none = "there is no certificate in it";
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect::<Result<Vec<_>, _>>);
    let read = read.map_err(|error| unusable(option, path, message(&error, none)))?;
    match read.is_empty() {
        true => Err(unusable(option, path, none.into())),
        false => Ok(read),
    }
}

fn message(error: &pem::Error, none: &str) -> String {
    match error {
        pem::Error::NoItemsFound => none.to_owned(),
        error => error.to_string(),
    }
}

fn unusable(option: &'static str, path: &Path, text: String) -> Error {
    Error::TlsFile {
        option,
        path: path.to_owned(),
        text,
    }
}

fn of_system() -> Result<RootCertStore, Error> {
    let mut roots = RootCertStore::empty();
    // Authorities that do not parse are ignored.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    match roots.is_empty() {
        true => Err(Error::SystemAuthorities),
        false => Ok(roots),
    }
}
