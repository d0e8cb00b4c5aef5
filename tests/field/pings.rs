//! Reported: the payloads of a client's pings counted 1, 2, 3, so that a server could predict the
//! pongs without reading; and the client reported messages as confirmed that nobody had read.

use everwire::{
    Fate,
    config::{Heartbeat, Resend},
};

use crate::{
    raw::{PONG, RawPeer},
    support::{SOON, rig::*},
};

#[tokio::test]
async fn a_peer_that_has_read_nothing_cannot_say_the_pong() {
    let peer = RawPeer::start(None, |_, mut socket| {
        // All possible counters, in their possible forms.
        for number in 0..200_u64 {
            socket.send(PONG, &number.to_be_bytes())?;
            socket.send(PONG, &number.to_le_bytes())?;
            socket.send(PONG, number.to_string().as_bytes())?;
        }
        socket.send(PONG, b"")?;
        socket.wait_for_end();
        Ok(())
    });
    let manager = one_arbiter();
    let mut watch = Watch::new(&manager, "feed");
    let mut settings = quick(&peer.url);
    settings.outbox.resend = Resend::InDoubt;
    settings.heartbeat = Heartbeat::Protocol {
        interval: ms(50),
        timeout: ms(500),
    };
    let feed = manager.open("feed", settings).unwrap();
    watch.ready().await;
    let receipt = feed.send("nobody reads this").unwrap();
    assert_eq!(watch.error().await.kind(), "pong_timeout");
    assert_ne!(receipt.now(), Fate::Confirmed);
    manager.shutdown(SOON).await;
}
