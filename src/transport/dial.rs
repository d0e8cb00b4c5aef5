//! One dial, from the settings to an upgraded stream.

use std::{net::SocketAddr, rc::Rc};

use bytes::Bytes;
use tokio::time::timeout_at;

use super::{
    address::Address,
    hop::{self, Hop, Way},
    prepared::PreparedDial,
    progress::{DialError, Progress, Timings},
    redact::{masked, without_secrets},
    redirect::{Redirect, Trail},
    request::{Prepared, render_url},
    resolve::Resolver,
    secrets::Secrets,
    stream::Stream,
    tls::{self, TlsCache},
    trace,
    upgrade::{self, Upgraded},
    upgrade_error::without_tls,
};
use crate::{
    core::{Cause, Owner},
    events::TlsReport,
    secret_store::SecretStore,
    settings::{ConnectionSettings, PlainUrl, Template},
    wire::deflate::Agreed,
};

/// The inputs of [`dial`]. All dials of a process share the caches, and cloning them is cheap.
#[derive(Clone, Copy)]
pub(crate) struct DialRequest<'a> {
    /// The settings of the connection.
    pub settings: &'a ConnectionSettings,
    /// The URL to dial, one of the settings' URLs.
    pub url: &'a Template,
    /// The owner of the name that dials. Its lookups count towards the share of this owner.
    pub owner: Option<&'a Owner>,
    /// Whether the server may choose no subprotocol though some are offered.
    pub may_choose_none: bool,
    /// The TLS configurations.
    pub tls: &'a TlsCache,
    /// The lookups of host names.
    pub resolver: &'a Resolver,
    /// The secrets that templates name.
    pub secret_store: &'a SecretStore,
}

/// An upgraded connection.
#[derive(Debug)]
pub(crate) struct Opened {
    /// The connection itself, with no wrapper.
    pub stream: Stream,
    /// Bytes that the peer sent directly behind its 101: the first frames.
    pub leftover: Bytes,
    /// The subprotocol that the server chose, always one of those that were offered.
    pub subprotocol: Option<String>,
    /// The negotiated compression, if compression was offered.
    pub compression: Option<Agreed>,
    /// The address of the peer, or of its proxy.
    pub peer: SocketAddr,
    /// How long the steps took.
    pub timings: Timings,
    /// What TLS reports about the peer; `None` for `ws`.
    pub tls: Option<TlsReport>,
    /// The files of all templates of these settings, with `on_open`, as they were read for this
    /// dial.
    pub secrets: Secrets,
    /// The result of the steps before the dial, if there were any.
    pub prepared: Option<Box<PreparedDial>>,
}

/// Dials and upgrades within `connect_timeout`. Call it on an arbiter, since it uses `spawn_local`.
///
/// Dropping the future closes all that was open. A running `getaddrinfo` or file read cannot be
/// stopped: it ends on its own thread. The number of these threads is bounded for the process.
///
/// # Errors
///
/// [`DialError`]: the cause, and how far the dial had come.
pub(crate) async fn dial(request: DialRequest<'_>) -> Result<Opened, DialError> {
    let progress = Progress::new(request.settings.connect_timeout);
    timeout_at(progress.deadline, run(request, &progress))
        .await
        .unwrap_or_else(|_| Err(Cause::ConnectTimeout(progress.phase())))
        .map_err(|cause| progress.fail(cause))
}

/// The [`host_key`] of a URL whose host is written out, without a template. It needs no memory and
/// no waiting.
pub(crate) fn written_host_key(url: &Template) -> Option<&str> {
    let plain = PlainUrl::of(url.as_literal()?)?;
    plain.port.map(|_| plain.authority)
}

/// The `host:port` that this URL dials: the key of the dial budget. It always has the port.
///
/// # Errors
///
/// [`Cause::SecretMissing`] or [`Cause::InvalidRequest`] when the URL cannot be rendered.
pub(crate) async fn host_key(url: &Template, secret_store: &SecretStore) -> Result<String, Cause> {
    let secrets = Secrets::read([url], secret_store).await?;
    render_url(url, &secrets).map(|to| to.host_and_port())
}

async fn run(request: DialRequest<'_>, progress: &Rc<Progress>) -> Result<Opened, Cause> {
    let settings = request.settings;
    let secrets = Secrets::of(settings, request.url, request.secret_store).await?;
    let mut prepared = Prepared::new(settings, request.url, &secrets)?;
    trace::host(|| prepared.to.host_and_port());
    let mut trail: Option<Trail> = None;
    let upgraded = loop {
        let cause = match hop(request, &mut prepared, &secrets, progress).await {
            Ok(upgraded) => break upgraded,
            Err(cause) => cause,
        };
        let followed = match progress.redirect.take() {
            Some(redirect) => {
                progress.stream.take();
                follow(
                    &redirect, &mut trail, request, &prepared, &secrets, progress,
                )
            }
            None => Err(progress.last_words().unwrap_or(cause)),
        };
        // After a redirect, the server chose the URL, perhaps from the secrets that it was sent.
        // All texts about it are then masked.
        let all = trail.is_some();
        let masked = |cause| without_secrets(cause, settings, request.url, &secrets, all);
        prepared = followed.map_err(masked)?;
    };
    let (Some(stream), Some(peer)) = (progress.stream.take(), progress.peer.get()) else {
        return Err(Cause::HandshakeInvalid(
            "the connection was gone when the upgrade was done".into(),
        ));
    };
    // Without a server name of the peer, the TLS session is the one with the proxy.
    let session = stream.tls().filter(|_| prepared.server_name.is_some());
    let tls = session.map(|session| tls::report(session, &settings.tls));
    Ok(Opened {
        stream,
        leftover: upgraded.leftover,
        subprotocol: upgraded.subprotocol,
        compression: upgraded.compression,
        peer,
        timings: progress.finish(),
        tls,
        secrets,
        prepared: None,
    })
}

/// Builds the request for the target of a redirect. Later errors mention the redirect.
fn follow(
    redirect: &Redirect,
    trail: &mut Option<Trail>,
    request: DialRequest<'_>,
    from: &Prepared,
    secrets: &Secrets,
    progress: &Progress,
) -> Result<Prepared, Cause> {
    let settings = request.settings;
    let trail = match trail {
        Some(trail) => trail,
        None => trail.insert(Trail::new(from.to.url()?)),
    };
    let (to, same_host) = trail.follow(redirect)?;
    let place = to.host_and_port();
    let urls = std::slice::from_ref(request.url);
    let place = masked(&place, settings, urls, secrets).unwrap_or(place);
    progress.redirected.replace(Some(place));
    from.redirected(settings, secrets, to, same_host)
}

/// One connection and one upgrade over it.
///
/// The connection and the upgrade are boxed separately, so that little memory is held during
/// network waits. The pieces stay below 1 KiB, where the fast paths of malloc end.
async fn hop(
    request: DialRequest<'_>,
    prepared: &mut Prepared,
    secrets: &Secrets,
    progress: &Rc<Progress>,
) -> Result<Upgraded, Cause> {
    Box::pin(open(request, prepared, secrets, progress)).await?;
    let is_plain = prepared.server_name.is_none();
    let upgraded = Box::pin(upgrade::upgrade(
        prepared,
        request.may_choose_none,
        progress,
    ))
    .await;
    upgraded.map_err(|cause| match is_plain {
        true => without_tls(cause),
        false => cause,
    })
}

/// Opens the connection of a hop.
async fn open(
    request: DialRequest<'_>,
    prepared: &Prepared,
    secrets: &Secrets,
    progress: &Rc<Progress>,
) -> Result<(), Cause> {
    let reach = request.settings.dial_policy.reach_of(&prepared.to.text);
    let way = Way {
        settings: request.settings,
        owner: request.owner,
        tls: request.tls,
        resolver: request.resolver,
    };
    let hop = Hop {
        to: &prepared.to,
        server_name: prepared.server_name.clone(),
        with_credentials: prepared.with_credentials,
        reach: reach.ok_or_else(|| forbidden(&prepared.to))?,
    };
    hop::open(way, hop, secrets, progress).await
}

/// Says so without secrets: a path may be one.
fn forbidden(to: &Address) -> Cause {
    let (scheme, authority) = (to.scheme(), to.authority());
    Cause::Forbidden(format!(
        "no URL that may be dialled is like this one at {scheme}://{authority}"
    ))
}
