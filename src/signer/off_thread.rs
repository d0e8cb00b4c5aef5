//! Makes slow signatures on separate threads, so that the arbiter of the name is not blocked.

use std::panic::{AssertUnwindSafe, catch_unwind};

use everwire_proto::language::SignatureRequest;
use tokio::{
    sync::{Semaphore, oneshot},
    task::spawn_blocking,
};

use super::RingSigner;

/// How many threads of the process sign at a time: after an outage, a whole fleet logs in.
static SIGNERS: Semaphore = Semaphore::const_new(2);

/// The result of each request.
pub(crate) type Made = Vec<(SignatureRequest, Option<Vec<u8>>)>;

/// Makes these signatures, unless the receiver is dropped before.
pub(crate) fn sign(requests: Vec<SignatureRequest>) -> oneshot::Receiver<Made> {
    let (tx, rx) = oneshot::channel();
    tokio::spawn(async move {
        let Ok(permit) = SIGNERS.acquire().await else {
            return;
        };
        if tx.is_closed() {
            return;
        }
        let signed = spawn_blocking(move || {
            let _permit = permit;
            requests.into_iter().map(signed).collect()
        });
        if let Ok(made) = signed.await {
            // A dropped receiver needs no result.
            let _gone = tx.send(made);
        }
    });
    rx
}

fn signed(request: SignatureRequest) -> (SignatureRequest, Option<Vec<u8>>) {
    let signature = catch_unwind(AssertUnwindSafe(|| request.sign(&RingSigner)));
    (request, signature.unwrap_or_default())
}
