//! No client certificate, and whether the server asked for one.

use std::{cell::Cell, future::poll_fn, pin::pin, sync::Arc};

use rustls::{SignatureScheme, client::ResolvesClientCert, sign::CertifiedKey};

thread_local! {
    /// Set during the poll of a handshake. Many dials share a configuration, so it cannot store
    /// this per dial.
    static ASKED: Cell<bool> = const { Cell::new(false) };
}

/// Has no certificate to show.
#[derive(Debug)]
pub(super) struct NoClientCert;

impl ResolvesClientCert for NoClientCert {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        ASKED.set(true);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

/// Runs a handshake. Returns `true` if the server asked for a client certificate and
/// [`NoClientCert`] answered.
pub(in crate::transport) async fn noticing<T>(handshake: impl Future<Output = T>) -> (T, bool) {
    let mut handshake = pin!(handshake);
    let mut asked = false;
    let done = poll_fn(|cx| {
        ASKED.set(false);
        let polled = handshake.as_mut().poll(cx);
        asked |= ASKED.take();
        polled
    })
    .await;
    (done, asked)
}
