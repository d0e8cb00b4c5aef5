//! The files of a connection's TLS settings.

use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::SystemTime,
};

use rustls::{
    RootCertStore,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::handshake_error::why_unusable;
use crate::{
    core::Cause,
    transport::{error_text::plain, files},
};

/// The longest `tls.ca_file`, in bytes: ten times the bundle of a whole system.
const MAX_CA_FILE: u64 = 4 << 20;
/// The longest `tls.cert_file` and `tls.key_file`, in bytes.
const MAX_OWN_FILE: u64 = 256 << 10;

/// Shows whether a file is unchanged: its length, modification time and inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp(u64, Option<SystemTime>, u64);

impl Stamp {
    /// The stamp of the file that `key` names. Blocks.
    pub fn of(key: &str, path: &Path) -> Result<Self, Cause> {
        let metadata = path
            .metadata()
            .map_err(|error| unusable(key, path, &plain(&error)))?;
        Ok(Self(
            metadata.len(),
            metadata.modified().ok(),
            inode(&metadata),
        ))
    }
}

#[cfg(unix)]
fn inode(metadata: &std::fs::Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::ino(metadata)
}

#[cfg(not(unix))]
fn inode(_: &std::fs::Metadata) -> u64 {
    0
}

/// The authorities that we trust.
#[derive(Debug)]
pub(super) struct Authorities {
    pub roots: Arc<RootCertStore>,
    /// The certificates of `tls.ca_file` themselves. Empty for the system's authorities.
    certificates: Vec<CertificateDer<'static>>,
}

impl Authorities {
    /// The authorities of the system.
    pub fn of_system(roots: RootCertStore) -> Self {
        Self {
            roots: Arc::new(roots),
            certificates: Vec::new(),
        }
    }

    /// Whether `tls.ca_file` contains exactly this certificate.
    pub fn hold(&self, certificate: &CertificateDer<'_>) -> bool {
        self.certificates.iter().any(|own| own == certificate)
    }
}

/// Reads the authorities of `tls.ca_file`. Blocks.
pub(super) fn read_roots(path: &Path) -> Result<Arc<Authorities>, Cause> {
    let unusable = |why: &str| unusable("ca_file", path, why);
    let pem = read("ca_file", path, MAX_CA_FILE)?;
    let (mut roots, mut certificates) = (RootCertStore::empty(), Vec::new());
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        let certificate = certificate.map_err(|_| unusable("it is damaged PEM"))?;
        let added = roots.add(certificate.clone());
        added.map_err(|error| unusable(&why_unusable(&error)))?;
        certificates.push(certificate);
    }
    if roots.is_empty() {
        let holds_key = PrivateKeyDer::from_pem_slice(&pem).is_ok();
        return Err(unusable(match holds_key {
            true => "it holds a private key and no certificate",
            false => "it holds no certificate",
        }));
    }
    Ok(Arc::new(Authorities {
        roots: Arc::new(roots),
        certificates,
    }))
}

/// A client certificate: its chain, the leaf first, and its key.
pub(super) type Identity = (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>);

/// Reads a client certificate and its key (PKCS#8, PKCS#1 or SEC1). Blocks.
pub(super) fn read_identity(files: &(PathBuf, PathBuf)) -> Result<Identity, Cause> {
    let (cert_file, key_file) = files;
    let pem = read("cert_file", cert_file, MAX_OWN_FILE)?;
    let chain = CertificateDer::pem_slice_iter(&pem)
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| unusable("cert_file", cert_file, "it is damaged PEM"))?;
    if chain.is_empty() {
        return Err(unusable("cert_file", cert_file, "it holds no certificate"));
    }
    let pem = read("key_file", key_file, MAX_OWN_FILE)?;
    // The error of the parser is dropped: it may quote the key.
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| {
        let encrypted = String::from_utf8_lossy(&pem).contains("ENCRYPTED");
        let why = match encrypted {
            true => "its key is encrypted, which is not supported",
            false => "it holds no private key in PEM (PKCS#8, PKCS#1 or SEC1)",
        };
        unusable("key_file", key_file, why)
    })?;
    Ok((chain, key))
}

fn read(key: &str, path: &Path, max: u64) -> Result<Vec<u8>, Cause> {
    let content: io::Result<Vec<u8>> = files::read_bounded(path, max);
    content.map_err(|error| unusable(key, path, &plain(&error)))
}

/// The cause for a file of the settings that cannot be used.
pub(super) fn unusable(key: &str, path: &Path, why: &str) -> Cause {
    Cause::Tls(format!(
        "tls.{key} {} cannot be used: {why}",
        path.display()
    ))
}
