//! The peer over TLS: its own authority signs for 127.0.0.1.

use std::{fs, io, sync::Arc};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use tokio_rustls::{
    TlsAcceptor, TlsConnector,
    rustls::{
        ClientConfig, RootCertStore, ServerConfig,
        pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
    },
};

/// A server's side with a new certificate. The certificate of its authority is written to
/// `ca_file`.
pub fn acceptor(ca_file: &str) -> io::Result<TlsAcceptor> {
    let ca_key = KeyPair::generate().map_err(io::Error::other)?;
    let mut ca = CertificateParams::default();
    ca.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    fs::write(
        ca_file,
        ca.self_signed(&ca_key).map_err(io::Error::other)?.pem(),
    )?;
    let issuer = Issuer::new(ca, ca_key);

    let key = KeyPair::generate().map_err(io::Error::other)?;
    let names = CertificateParams::new(["127.0.0.1".to_owned()]).map_err(io::Error::other)?;
    let certificate = names.signed_by(&key, &issuer).map_err(io::Error::other)?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(io::Error::other)?;
    let config = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], key)
        .map_err(io::Error::other)?;
    Ok(TlsAcceptor::from(Arc::new(config)))
}

/// A client's side that trusts the authority in `ca_file`.
///
/// # Panics
///
/// If there is no certificate.
pub fn connector(ca_file: &str) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    let certificate = CertificateDer::from_pem_file(ca_file).expect("a certificate");
    roots.add(certificate).expect("an authority");
    let config = ClientConfig::builder()
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}
