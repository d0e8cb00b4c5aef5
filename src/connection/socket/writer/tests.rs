use std::{
    path::PathBuf,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tokio::net::{TcpListener, TcpStream};

use super::{super::allowed::Allowed, *};
use crate::{
    connection::outbox::shared::SharedOutbox,
    core::{ConnectionName, Outbox},
    memory::{Charge, MemoryBudget, MemoryUse},
    persistence::Persistence,
    settings::OutboxSettings,
    transport::{Stream, Tcp},
};

/// Everything in the outbox, without a heartbeat.
fn all() -> Allowed<'static> {
    Allowed {
        outbox: true,
        buckets: None,
        pings: None,
        conversation: None,
        requests: None,
        has_spoken: false,
    }
}

fn outbox() -> Arc<SharedOutbox> {
    let outbox = Outbox::new(OutboxSettings::default(), 1 << 20);
    let name = ConnectionName::new("feed").unwrap();
    let charge = Charge::new(&MemoryBudget::unlimited(), MemoryUse::Outboxes);
    SharedOutbox::new(
        name,
        outbox,
        Persistence::new(PathBuf::from("unused")),
        charge,
    )
}

/// A stream whose peer has reset it.
async fn reset() -> Stream {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await;
    let (peer, _) = listener.accept().await.unwrap();
    peer.set_zero_linger().unwrap();
    drop(peer);
    let stream = stream.unwrap();
    stream.readable().await.unwrap();
    Stream::Tcp(Tcp::new(stream))
}

#[tokio::test]
async fn what_a_failed_write_did_not_take_is_not_written() {
    let (outbox, mut writer) = (outbox(), Writer::new(None));
    outbox.send(Message::text("hello")).unwrap();
    let mut stream = reset().await;
    let mut cx = Context::from_waker(Waker::noop());
    let written = writer.poll_write(&mut stream, &outbox, &mut all(), &mut cx);
    assert!(matches!(written, Poll::Ready(Err(_))), "{written:?}");
    writer.settle_on_close();
    assert_eq!(writer.take_written(), None);
}

#[tokio::test]
async fn what_the_kernel_has_is_told_once() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await;
    let (outbox, mut writer) = (outbox(), Writer::new(None));
    let ids = ["a", "b", "c"].map(|text| outbox.send(Message::text(text)).unwrap().id());
    let mut stream = Stream::Tcp(Tcp::new(stream.unwrap()));
    let mut cx = Context::from_waker(Waker::noop());
    let written = writer.poll_write(&mut stream, &outbox, &mut all(), &mut cx);
    assert!(matches!(written, Poll::Ready(Ok(()))), "{written:?}");
    assert_eq!(writer.take_written(), Some(ids[2]));
    assert_eq!(writer.take_written(), None);
}
