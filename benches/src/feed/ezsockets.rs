//! ezsockets: a client for each socket, all on one thread.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use ezsockets::{ClientConfig, ClientExt, Error, Utf8Bytes};

use super::{Meter, Outcome, Peer};

struct Listener(Arc<Meter>);

#[async_trait]
impl ClientExt for Listener {
    type Call = ();

    async fn on_text(&mut self, text: Utf8Bytes) -> Result<(), Error> {
        self.0.hear(text.as_bytes());
        Ok(())
    }

    async fn on_binary(&mut self, _bytes: Bytes) -> Result<(), Error> {
        Ok(())
    }

    async fn on_call(&mut self, _call: ()) -> Result<(), Error> {
        Ok(())
    }
}

/// Receives the messages of its clients.
pub async fn sample(peer: &Peer<'_>) -> Outcome {
    let meter = peer.load.meter(1);
    let url = format!("{}{}", peer.url, peer.load.path(false));
    let mut handles = Vec::new();
    for _ in 0..peer.load.sockets {
        let listener = Listener(Arc::clone(&meter));
        let config = ClientConfig::new(url.as_str());
        let (handle, ended) = ezsockets::connect(|_| listener, config).await;
        tokio::spawn(ended);
        handles.push(handle);
    }
    peer.measure(&meter).await
}
