//! Opens a TCP connection to the first of some addresses that answers (RFC 8305).

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use futures::{StreamExt, stream::FuturesUnordered};
use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{Instant, timeout_at},
};

use super::{descriptors, error_text::plain};
use crate::{
    core::{Cause, Phase},
    settings::Heartbeat,
};

/// How long one address may be silent before the next one is tried in parallel (RFC 8305 §5).
const ATTEMPT_DELAY: Duration = Duration::from_millis(250);

/// The kernel's keepalive probes: the last resort if the heartbeat is off.
const KEEPALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Heartbeat::KEEPALIVE_TIME)
    .with_interval(Duration::from_secs(15));

/// The options of the local end of a connection.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Local {
    /// The address to dial from.
    pub address: Option<IpAddr>,
    /// Whether the kernel probes a silent peer.
    pub keepalive: bool,
}

/// Tries the addresses in parallel until `deadline`, alternating between the families. The next
/// attempt starts a little after the previous one, or as soon as that has failed. The first
/// connection wins, and the other attempts are dropped.
///
/// # Errors
///
/// The most informative failure: a refusal, then a timeout, then any other.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    local: Local,
    deadline: Instant,
) -> Result<(TcpStream, SocketAddr), Cause> {
    let usable = |to: &SocketAddr| match local.address {
        Some(from) => from.is_ipv4() == to.is_ipv4(),
        None => true,
    };
    // One address needs no race: a race would cost five allocations and a timer. The deadline of
    // the dial applies.
    if let [only] = addresses
        && usable(only)
    {
        return connect_one(*only, local).await;
    }
    let mut waiting = interleave(addresses.iter().copied().filter(usable)).into_iter();
    let mut running = FuturesUnordered::new();
    let mut worst: Option<Cause> = None;
    loop {
        match waiting.next() {
            Some(to) => running.push(connect_one(to, local)),
            None if running.is_empty() => break,
            None => {}
        }
        let patience = match waiting.len() {
            0 => deadline,
            _ => deadline.min(Instant::now() + ATTEMPT_DELAY),
        };
        match timeout_at(patience, running.next()).await {
            Ok(Some(Ok(connected))) => return Ok(connected),
            Ok(Some(Err(cause))) => keep_worst(&mut worst, cause),
            Err(_) if Instant::now() >= deadline => {
                keep_worst(&mut worst, Cause::ConnectTimeout(Phase::Tcp));
                break;
            }
            Ok(None) | Err(_) => {}
        }
    }
    Err(worst.unwrap_or_else(|| {
        Cause::Unreachable("no address of the host is of source_address's family".into())
    }))
}

/// Alternates between the families, beginning with that of the first address. The order within a
/// family stays (RFC 8305 §4).
fn interleave(addresses: impl Iterator<Item = SocketAddr>) -> Vec<SocketAddr> {
    let addresses: Vec<_> = addresses.collect();
    let first = addresses.first().is_some_and(SocketAddr::is_ipv4);
    let family = |is_first: bool| {
        let of_it = move |to: &&SocketAddr| (to.is_ipv4() == first) == is_first;
        addresses.iter().filter(of_it).copied()
    };
    let (mut ones, mut others) = (family(true), family(false));
    let mut mixed = Vec::with_capacity(addresses.len());
    while mixed.len() < addresses.len() {
        mixed.extend(ones.next());
        mixed.extend(others.next());
    }
    mixed
}

/// Keeps the more informative failure.
pub(super) fn keep_worst(worst: &mut Option<Cause>, cause: Cause) {
    if worst.as_ref().is_none_or(|w| weight(&cause) > weight(w)) {
        *worst = Some(cause);
    }
}

fn weight(cause: &Cause) -> u8 {
    match cause {
        Cause::Refused(_) | Cause::Reset(_) => 2,
        Cause::ConnectTimeout(_) => 1,
        _ => 0,
    }
}

async fn connect_one(to: SocketAddr, local: Local) -> Result<(TcpStream, SocketAddr), Cause> {
    let socket = prepare(to, local.keepalive).map_err(|error| connect_failure(&error, to))?;
    descriptors::check(&socket).map_err(Cause::Tcp)?;
    if let Some(source) = local.address {
        socket
            .bind(SocketAddr::new(source, 0))
            .map_err(|error| Cause::Tcp(format!("source_address {source}: {}", plain(&error))))?;
    }
    match socket.connect(to).await {
        Ok(tcp) => Ok((tcp, to)),
        Err(error) => Err(connect_failure(&error, to)),
    }
}

/// The cause of a TCP connection that failed.
fn connect_failure(error: &io::Error, to: SocketAddr) -> Cause {
    let text = format!("{to}: {}", plain(error));
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Cause::Refused(text),
        io::ErrorKind::HostUnreachable
        | io::ErrorKind::NetworkUnreachable
        | io::ErrorKind::NetworkDown => Cause::Unreachable(text),
        io::ErrorKind::ConnectionReset => Cause::Reset(text),
        _ => Cause::Tcp(text),
    }
}

fn prepare(to: SocketAddr, keepalive: bool) -> io::Result<TcpSocket> {
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_nodelay(true)?;
    if keepalive {
        SockRef::from(&socket).set_tcp_keepalive(&KEEPALIVE)?;
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_keep_their_order() {
        let addresses = |text: &str| -> Vec<SocketAddr> {
            text.split(' ')
                .map(|ip| SocketAddr::new(ip.parse().unwrap(), 1))
                .collect()
        };
        for (given, raced) in [
            ("::1 ::2 ::3 0.0.0.1 0.0.0.2", "::1 0.0.0.1 ::2 0.0.0.2 ::3"),
            ("0.0.0.1 ::1 ::2", "0.0.0.1 ::1 ::2"),
            ("0.0.0.2 0.0.0.1", "0.0.0.2 0.0.0.1"),
        ] {
            assert_eq!(interleave(addresses(given).into_iter()), addresses(raced));
        }
        assert!(interleave(std::iter::empty()).is_empty());
    }

    #[test]
    fn errors_of_a_connect_are_told_apart() {
        let to = SocketAddr::from(([127, 0, 0, 1], 9));
        let kind = |errno| connect_failure(&io::Error::from_raw_os_error(errno), to).kind();
        assert_eq!(kind(111), "refused");
        assert_eq!(kind(113), "unreachable");
        assert_eq!(kind(101), "unreachable");
        assert_eq!(kind(104), "reset");
        assert_eq!(kind(24), "tcp");
    }
}
