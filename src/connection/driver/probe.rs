//! A trial dial: tests the settings of a name without its socket.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use bytes::BytesMut;
use futures::future::join_all;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    time::timeout,
};

use crate::{
    chance,
    connection::ProcessContext,
    core::{Cause, ConnectionName, Owner},
    events::DialTimings,
    settings::{ConnectionSettings, NameSettings, Template},
    transport::{self, Before, DialError, DialRequest, ForDial, Opened, Stream},
    wire::{CloseFrame, encode_close},
};

/// How long the peer may take to answer our close. After that the socket is dropped.
const CLOSING: Duration = Duration::from_secs(1);

/// The result of a trial dial for one of a name's URLs.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Probed {
    /// The URL, with its variables unexpanded.
    pub url: String,
    /// The peer that answered the upgrade, or the error.
    pub outcome: Result<Reached, Cause>,
    /// How long the steps took; after a failure, up to that step.
    pub timings: DialTimings,
}

/// A peer that accepts the settings.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Reached {
    /// The address that answered: the peer's, or its proxy's.
    pub peer: SocketAddr,
    /// The subprotocol that the server chose.
    pub subprotocol: Option<String>,
}

/// Dials all URLs of a name within the dial budget, and closes each socket with 1000. Must run on
/// an arbiter.
pub(crate) async fn probe(
    name: ConnectionName,
    settings: NameSettings,
    owner: Option<Owner>,
    process: Arc<ProcessContext>,
) -> Vec<Probed> {
    let numbers = 0..settings.urls.len();
    let probes =
        numbers.map(|number| probe_url(&name, &settings, number, owner.as_ref(), &process));
    join_all(probes).await
}

async fn probe_url(
    name: &ConnectionName,
    settings: &NameSettings,
    number: usize,
    owner: Option<&Owner>,
    process: &ProcessContext,
) -> Probed {
    let url = &settings.urls[number];
    let dialled = Box::pin(prepared_dial(name, settings, number, owner, process)).await;
    let timings = match &dialled {
        Ok(opened) => opened.timings,
        Err(error) => error.timings,
    };
    let outcome = match dialled {
        Err(error) => Err(error.cause),
        Ok(opened) => {
            let reached = Reached {
                peer: opened.peer,
                subprotocol: opened.subprotocol,
            };
            // The result is known already, so it does not matter whether the peer answers the
            // close.
            let _unanswered = timeout(CLOSING, close(opened.stream)).await;
            Ok(reached)
        }
    };
    Probed {
        url: url.to_string(),
        outcome,
        timings: timings.into(),
    }
}

/// The dial, after its preparation.
async fn prepared_dial(
    name: &ConnectionName,
    settings: &NameSettings,
    number: usize,
    owner: Option<&Owner>,
    process: &ProcessContext,
) -> Result<Opened, DialError> {
    let common = &settings.common;
    let Some(mut before) = Before::of(common, name) else {
        return dial(common, &settings.urls[number], owner, process).await;
    };
    let for_dial = ForDial {
        settings: common,
        urls: &settings.urls,
        number,
        owner,
    };
    let filled = process.preparer.prepare(&mut before, for_dial).await?;
    let dialled = dial(&filled.settings, &filled.url, owner, process).await;
    dialled
        .inspect_err(|error| filled.failed(&error.cause))
        .map(|opened| filled.opened(opened))
}

async fn dial(
    settings: &ConnectionSettings,
    url: &Template,
    owner: Option<&Owner>,
    process: &ProcessContext,
) -> Result<Opened, DialError> {
    let host = transport::host_key(url, &process.secret_store).await?;
    let permit = process.budget.acquire(&host, owner).await;
    let request = DialRequest {
        settings,
        url,
        owner,
        may_choose_none: false,
        tls: &process.tls,
        resolver: &process.resolver,
        secret_store: &process.secret_store,
    };
    let dialled = Box::pin(transport::dial(request)).await;
    permit.finish(dialled.is_ok());
    dialled
}

/// Sends the close, and reads until the peer has closed.
async fn close(mut stream: Stream) -> std::io::Result<()> {
    let mut frame = BytesMut::new();
    let key = chance::next_u32().to_ne_bytes();
    encode_close(&CloseFrame::new(1000, ""), key, &mut frame);
    stream.write_all(&frame).await?;
    stream.flush().await?;
    let mut space = [0; 1024];
    while stream.read(&mut space).await? > 0 {}
    Ok(())
}
