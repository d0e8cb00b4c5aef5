//! Handles clients that stop reading.

use std::{io, net::TcpListener, time::Duration};

use socket2::SockRef;

/// How long bytes may wait for a client that does not read.
const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// Makes the kernel end the connections of clients that accept no data for too long, also of dead
/// ones. The task of such a client is not polled, so it cannot do this.
///
/// # Errors
///
/// An error of the operating system.
pub fn limit(listener: &TcpListener) -> io::Result<()> {
    set(listener, USER_TIMEOUT)
}

/// Accepted sockets inherit the option.
#[cfg(any(target_os = "linux", target_os = "android"))]
fn set(listener: &TcpListener, timeout: Duration) -> io::Result<()> {
    SockRef::from(listener).set_tcp_user_timeout(Some(timeout))
}

/// Other systems have no such option. Keep-alive finds dead clients, and limits apply to those that
/// do not read.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn set(listener: &TcpListener, patience: Duration) -> io::Result<()> {
    let keep_alive = socket2::TcpKeepalive::new().with_time(patience);
    SockRef::from(listener).set_tcp_keepalive(&keep_alive)
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::{io::Write, net::TcpStream};

    use super::*;

    #[test]
    fn a_client_that_stops_reading_is_cut_off() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        set(&listener, Duration::from_millis(200)).unwrap();
        let idle = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut served, _) = listener.accept().unwrap();
        // It writes until the kernel has no room, and waits there for the end.
        let cut = loop {
            if let Err(error) = served.write(&[0; 64 << 10]) {
                break error;
            }
        };
        assert_eq!(cut.kind(), io::ErrorKind::TimedOut, "{cut}");
        drop(idle);
    }
}
