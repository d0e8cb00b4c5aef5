//! Many names at once: a server that restarts, a host that drops packets, a name that floods.

mod support;

use std::{
    collections::HashSet,
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use everwire::{EventKind, Manager, Pattern, Send, Settings, Snapshot, State, testing::How};
use parking_lot::Mutex;
use socket2::{Domain, Socket, Type};
use support::{SOON, rig::*};

const NAMES: usize = 500;

#[tokio::test]
async fn five_hundred_names_come_back_from_a_restart_one_by_one() {
    let rig = Rig::new();
    let delays = Arc::new(Mutex::new(HashSet::new()));
    let told = Arc::clone(&delays);
    let open = Arc::new(AtomicUsize::new(0));
    let (ready, events) = (Arc::clone(&open), Pattern::all());
    let _guard = rig
        .manager
        .on_event(events, move |update| match update.kind() {
            Some(EventKind::Retrying(retrying)) => {
                told.lock().insert(retrying.delay);
            }
            Some(EventKind::Ready) => {
                ready.fetch_add(1, Ordering::Relaxed);
            }
            _ => {}
        });
    for number in 0..NAMES {
        let mut settings = quick(rig.peer.url("/echo"));
        with_backoff(&mut settings, |backoff| {
            backoff.min = ms(100);
            backoff.initial = ms(1000);
            backoff.max = ms(2000);
        });
        rig.manager
            .open(format!("name-{number}"), settings)
            .unwrap();
    }
    rig.peer.wait_open(NAMES, SOON).await.unwrap();
    let before = rig.peer.accepted();
    assert_eq!(before, NAMES as u64, "no dial was wasted");

    rig.peer.outage(How::Reset, ms(50)).await.unwrap();
    rig.peer.wait_open(NAMES, 2 * SOON).await.unwrap();
    wait_for("all names ready again", async || {
        let count = open.load(Ordering::Relaxed);
        if count >= 2 * NAMES {
            Ok(())
        } else {
            Err(count)
        }
    })
    .await;
    for status in rig.manager.statuses(&Pattern::all()).await {
        assert_eq!(status.state, State::Open, "{}", status.name);
    }

    // Nearly every name drew a different delay.
    let different = delays.lock().len();
    assert!(different > NAMES / 2, "only {different} different delays");
    let dials: Vec<_> = rig
        .peer
        .connections()
        .into_iter()
        .filter(|log| log.id > before)
        .collect();
    let mut arrivals: Vec<Instant> = dials.iter().map(|log| log.accepted_at).collect();
    arrivals.sort();
    // In a burst, the middle half would arrive within a moment; drawn from 100 ms to 1 s it takes
    // about 450 ms.
    let middle = arrivals[arrivals.len() * 3 / 4].duration_since(arrivals[arrivals.len() / 4]);
    assert!(
        middle > ms(100),
        "the middle half arrived within {middle:?}"
    );
    let handshakes: Vec<_> = dials
        .iter()
        .filter_map(|log| Some((log.accepted_at, log.opened_at?)))
        .collect();
    assert!(
        most_at_once(&handshakes) <= 16,
        "{} handshakes at once",
        most_at_once(&handshakes)
    );
}

fn most_at_once(spans: &[(Instant, Instant)]) -> usize {
    let during = |at: Instant| {
        spans
            .iter()
            .filter(|(from, to)| (*from..*to).contains(&at))
            .count()
    };
    spans
        .iter()
        .map(|(from, _)| during(*from))
        .max()
        .unwrap_or(0)
}

/// A host that accepts SYNs and never answers: its backlog is full.
struct BlackHole {
    addr: SocketAddr,
    _listener: Socket,
    _held: Vec<Socket>,
}

impl BlackHole {
    fn new(ip: [u8; 4]) -> Self {
        let listener = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        listener.bind(&SocketAddr::from((ip, 0)).into()).unwrap();
        listener.listen(0).unwrap();
        let addr = listener.local_addr().unwrap().as_socket().unwrap();
        let mut held = Vec::new();
        while TcpStream::connect_timeout(&addr, ms(100)).is_ok_and(|tcp| {
            held.push(tcp.into());
            true
        }) {
            assert!(held.len() < 100, "the backlog of {addr} never fills");
        }
        Self {
            addr,
            _listener: listener,
            _held: held,
        }
    }
}

#[tokio::test]
async fn a_black_holed_host_does_not_hold_up_a_healthy_one() {
    let rig = Rig::new();
    let dark = BlackHole::new([127, 0, 0, 2]);
    let mut dark_events = Watch::new(&rig.manager, "dark-*");
    for number in 0..100 {
        let mut settings = quick(format!("ws://{}/", dark.addr));
        settings.connect_timeout = 10 * SOON;
        rig.manager
            .open(format!("dark-{number}"), settings)
            .unwrap();
    }
    // All of them wait before the first healthy name requests a dial.
    for _ in 0..100 {
        assert_eq!(dark_events.next().await.type_name(), "connecting");
    }
    for number in 0..50 {
        rig.manager
            .open(format!("healthy-{number}"), quick(rig.peer.url("/echo")))
            .unwrap();
    }
    rig.peer.wait_open(50, SOON).await.unwrap();
    let dark_names = rig.manager.statuses(&Pattern::new("dark-*").unwrap()).await;
    assert_eq!(dark_names.len(), 100);
    assert!(
        dark_names
            .iter()
            .all(|status| status.state == State::Connecting)
    );
    let healthy = rig.manager.find("healthy-7").unwrap();
    healthy.close(1000, "").await.unwrap();
    // A name that still waits for its turn can be closed, too.
    let waiting = rig.manager.find("dark-99").unwrap();
    waiting.close(1000, "").await.unwrap();
    wait_for_state(&waiting, State::Closed).await;
}

#[tokio::test]
async fn hosts_take_turns_where_black_holes_hold_every_handshake() {
    let mut settings = Settings::default();
    settings.service.workers = 1;
    let manager = Manager::spawn(settings).unwrap();
    let rig = Rig::new();
    // Five hosts with 16 each want more than the 64 allowed handshakes.
    let holes: Vec<_> = (2..7)
        .map(|last| BlackHole::new([127, 0, 0, last]))
        .collect();
    for (host, hole) in holes.iter().enumerate() {
        for number in 0..40 {
            let mut settings = quick(format!("ws://{}/", hole.addr));
            settings.connect_timeout = ms(300);
            manager
                .open(format!("dark-{host}-{number}"), settings)
                .unwrap();
        }
    }
    let mut watch = Watch::new(&manager, "healthy-*");
    for number in 0..5 {
        manager
            .open(format!("healthy-{number}"), quick(rig.peer.url("/echo")))
            .unwrap();
    }
    for _ in 0..5 {
        watch.ready().await;
    }
    drop(manager.shutdown(Duration::ZERO).await);
}

#[tokio::test]
async fn a_refused_host_is_not_a_listener() {
    // A port where nobody listens any more: the machine answers with a reset at once.
    let addr = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let mut rig = Rig::new();
    rig.manager
        .open("feed", quick(format!("ws://{addr}/")))
        .unwrap();
    assert_eq!(rig.watch.error().await.kind(), "refused");
}

#[tokio::test]
async fn a_flooded_mailbox_does_not_silence_a_quiet_name_beside_it() {
    const FLOOD: usize = 300_000;
    let mut rig = Rig::new();
    let quiet = rig.open("/echo");
    rig.watch.ready().await;
    let loud = rig
        .manager
        .open("loud", quick(rig.peer.url("/sink")))
        .unwrap();
    rig.watch.ready().await;

    let addr = loud.addr().clone();
    let flood = std::thread::spawn(move || {
        for number in 0..FLOOD {
            if number % 2 == 0 {
                addr.do_send(Snapshot);
            } else {
                addr.do_send(Send::text("x"));
            }
        }
        // It is answered after all messages before it.
        addr.send(Snapshot)
    });
    let mut echoes = 0;
    let mut drained = None;
    let mut flood = Some(flood);
    loop {
        rig.echoes(&quiet, &format!("echo {echoes}")).await;
        if flood.as_ref().is_some_and(|flood| flood.is_finished()) {
            let last = flood.take().unwrap().join().unwrap();
            drained = Some(tokio::spawn(last));
        }
        if drained
            .as_ref()
            .is_some_and(|drained| drained.is_finished())
        {
            break;
        }
        echoes += 1;
    }
    drained.unwrap().await.unwrap().unwrap();
    assert!(
        echoes >= 20,
        "only {echoes} echoes while the neighbour was flooded"
    );
    assert_eq!(quiet.status().await.unwrap().incarnation, 1);
}
