//! Accepts a server that shows a certificate which is itself in `tls.ca_file`.

use std::sync::Arc;

use rustls::{
    CertificateError, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    client::{
        WebPkiServerVerifier,
        danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier},
    },
    crypto::CryptoProvider,
    pki_types::{CertificateDer, ServerName, UnixTime},
};

use super::{pem_files::Authorities, report::validity};
use crate::core::Cause;

/// Verifies as usual, and also accepts a server that shows one of these certificates, byte for
/// byte.
///
/// Such a certificate may claim to be an authority, as self-signed ones do. Otherwise a server must
/// not show one of these. It need not contain the server's name: the author of `tls.ca_file` trusts
/// it for this server. It must not be expired, and the server must prove that it holds the key.
#[derive(Debug)]
pub(super) struct Pinned {
    usual: Arc<WebPkiServerVerifier>,
    accepted: Arc<Authorities>,
}

impl Pinned {
    /// A verifier for certificates of these authorities and for these certificates themselves.
    pub fn new(
        authorities: &Arc<Authorities>,
        provider: Arc<CryptoProvider>,
    ) -> Result<Self, Cause> {
        let roots: Arc<RootCertStore> = Arc::clone(&authorities.roots);
        let usual = WebPkiServerVerifier::builder_with_provider(roots, provider).build();
        Ok(Self {
            usual: usual.map_err(|error| Cause::Tls(error.to_string()))?,
            accepted: Arc::clone(authorities),
        })
    }
}

impl ServerCertVerifier for Pinned {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let usual = self.usual.verify_server_cert(
            end_entity,
            intermediates,
            server_name,
            ocsp_response,
            now,
        );
        if usual.is_ok() || !self.accepted.hold(end_entity) {
            return usual;
        }
        let (from, to) = validity(end_entity).ok_or(CertificateError::BadEncoding)?;
        let seconds = now.as_secs();
        if seconds < from {
            let not_before = UnixTime::since_unix_epoch(std::time::Duration::from_secs(from));
            return Err(CertificateError::NotValidYetContext {
                time: now,
                not_before,
            }
            .into());
        }
        if seconds > to {
            let not_after = UnixTime::since_unix_epoch(std::time::Duration::from_secs(to));
            return Err(CertificateError::ExpiredContext {
                time: now,
                not_after,
            }
            .into());
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual
            .verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.usual
            .verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.usual.supported_verify_schemes()
    }
}
