//! A TCP connection to the first of some addresses that answers.

use std::{
    io,
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use socket2::{SockRef, TcpKeepalive};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{Instant, timeout_at},
};

use super::failure;
use crate::core::{Cause, Phase};

/// The kernel's own probes: the last resort where the heartbeat is off.
const KEEPALIVE: TcpKeepalive = TcpKeepalive::new()
    .with_time(Duration::from_secs(60))
    .with_interval(Duration::from_secs(15));

/// Tries the addresses in order until `deadline`; each may take an even share of the time that is left.
///
/// # Errors
///
/// Of all the failures the one that says most: a refusal, then a timeout, then the rest.
pub(super) async fn connect(
    addresses: &[SocketAddr],
    source: Option<IpAddr>,
    deadline: Instant,
) -> Result<(TcpStream, SocketAddr), Cause> {
    let usable = |to: &&SocketAddr| source.is_none_or(|from| from.is_ipv4() == to.is_ipv4());
    let left = addresses.iter().filter(usable).count();
    let mut worst: Option<Cause> = None;
    for (to, left) in addresses.iter().filter(usable).zip((1..=left).rev()) {
        let now = Instant::now();
        let share = deadline.saturating_duration_since(now) / left as u32;
        let failed = match timeout_at(now + share, connect_one(*to, source)).await {
            Ok(Ok(tcp)) => return Ok((tcp, *to)),
            Ok(Err(cause)) => cause,
            Err(_) => Cause::ConnectTimeout(Phase::Tcp),
        };
        if worst.as_ref().is_none_or(|w| weight(&failed) > weight(w)) {
            worst = Some(failed);
        }
    }
    Err(worst.unwrap_or_else(|| {
        Cause::Unreachable("no address of the host is of source_address's family".into())
    }))
}

fn weight(cause: &Cause) -> u8 {
    match cause {
        Cause::Refused(_) | Cause::Reset(_) => 2,
        Cause::ConnectTimeout(_) => 1,
        _ => 0,
    }
}

async fn connect_one(to: SocketAddr, source: Option<IpAddr>) -> Result<TcpStream, Cause> {
    let socket = prepare(to).map_err(|error| failure::connect(&error, to))?;
    if let Some(source) = source {
        socket.bind(SocketAddr::new(source, 0)).map_err(|error| {
            Cause::Tcp(format!(
                "source_address {source}: {}",
                failure::plain(&error)
            ))
        })?;
    }
    let connected = socket.connect(to).await;
    connected.map_err(|error| failure::connect(&error, to))
}

fn prepare(to: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match to {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_nodelay(true)?;
    SockRef::from(&socket).set_tcp_keepalive(&KEEPALIVE)?;
    Ok(socket)
}
