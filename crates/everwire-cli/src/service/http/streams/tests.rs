//! How long a client may be silent, with a clock that advances while everybody waits.

use std::{
    future::{Future, poll_fn},
    pin::Pin,
};

use actix::System;
use actix_http::Payload;
use actix_web::{
    App,
    body::{BoxBody, MessageBody},
    error::PayloadError,
    test::{TestRequest, call_service, init_service},
    web::Data,
};
use bytes::Bytes;
use everwire::{ConnectionSettings, Manager, Settings};
use futures::StreamExt;
use tokio::{sync::mpsc, time::Instant};

use crate::service::{
    http::routes::{self, Serves},
    rules::Rules,
    state::AppState,
};

/// A client's requests, and the answers.
struct Client {
    sends: mpsc::UnboundedSender<Bytes>,
    body: Pin<Box<BoxBody>>,
    came_in: Instant,
}

impl Client {
    /// Requests a stream; on a WebSocket it keeps sending.
    async fn open(state: &Data<AppState>, target: &str) -> Self {
        let app = App::new().app_data(state.clone());
        let app = app.configure(|config| routes::add(config, Serves::Everything));
        let app = init_service(app).await;
        let request = TestRequest::get()
            .uri(target)
            .insert_header(("Host", "localhost"))
            .insert_header(("Connection", "Upgrade"))
            .insert_header(("Upgrade", "websocket"))
            .insert_header(("Sec-WebSocket-Version", "13"))
            .insert_header(("Sec-WebSocket-Key", "AAAAAAAAAAAAAAAAAAAAAA=="))
            .to_request();
        let (sends, mut sent) = mpsc::unbounded_channel();
        let sent = futures::stream::poll_fn(move |cx| sent.poll_recv(cx));
        let payload = Payload::from(Box::pin(sent.map(Ok::<Bytes, PayloadError>)) as Pin<Box<_>>);
        let (request, _) = request.replace_payload(payload);
        let response = call_service(&app, request).await;
        assert!(
            [101, 200].contains(&response.status().as_u16()),
            "{response:?}"
        );
        Self {
            sends,
            body: Box::pin(response.into_body()),
            came_in: Instant::now(),
        }
    }

    /// The next event, and the seconds until it came; `None` at the end.
    async fn next(&mut self) -> (u64, Option<Bytes>) {
        let told = poll_fn(|cx| self.body.as_mut().poll_next(cx)).await;
        let told = told.map(|told| told.expect("a body without errors"));
        (self.came_in.elapsed().as_secs(), told)
    }
}

/// Runs a test with a clock that advances only while everybody waits.
fn on_a_clock_of_its_own<F: Future<Output = ()>>(test: impl FnOnce(Data<AppState>) -> F) {
    let settings = Settings::default();
    let manager = Manager::spawn(settings.clone()).unwrap();
    let mut feed = ConnectionSettings::new("ws://127.0.0.1:1/").unwrap();
    feed.enabled = false;
    manager.open("feed", feed).unwrap();
    let rules = Rules::of(&settings);
    let state = Data::new(AppState::new(manager, settings.service, rules, None));
    System::new().block_on(async {
        tokio::time::pause();
        test(state).await;
    });
}

const PING: &[u8] = &[0x89, 0];
const PONG: &[u8] = &[0x8a, 0x80, 0, 0, 0, 0];

#[test]
fn a_websocket_client_that_says_nothing_is_asked_twice_and_let_go() {
    on_a_clock_of_its_own(async |state| {
        for target in ["/v1/ws", "/v1/connections/feed/raw?session=shared"] {
            let mut client = Client::open(&state, target).await;
            for seconds in [15, 30] {
                assert_eq!(
                    client.next().await,
                    (seconds, Some(PING.into())),
                    "{target}"
                );
            }
            let text = b"no answer to pings";
            let close = [&[0x88, 2 + text.len() as u8, 0x03, 0xe9], &text[..]].concat();
            assert_eq!(client.next().await, (45, Some(close.into())), "{target}");
            assert_eq!(client.next().await, (45, None), "{target}");
        }
    });
}

#[test]
fn a_websocket_client_that_answers_pings_stays() {
    on_a_clock_of_its_own(async |state| {
        for target in ["/v1/ws", "/v1/connections/feed/raw?session=shared"] {
            let mut client = Client::open(&state, target).await;
            for round in 1..=100 {
                assert_eq!(
                    client.next().await,
                    (15 * round, Some(PING.into())),
                    "{target}"
                );
                client.sends.send(Bytes::from_static(PONG)).unwrap();
            }
        }
    });
}

#[test]
fn a_client_of_events_is_told_that_there_is_nothing_to_tell() {
    on_a_clock_of_its_own(async |state| {
        let mut client = Client::open(&state, "/v1/events").await;
        let (at, hello) = client.next().await;
        assert!(at == 0 && hello.unwrap().starts_with(b"retry: "));
        for round in 1..=100 {
            let comment = Bytes::from_static(b": still here\n\n");
            assert_eq!(client.next().await, (15 * round, Some(comment)));
        }
    });
}

#[test]
fn keys_are_separated_by_commas_which_a_key_may_have() {
    for (text, keys) in [
        ("a", &["a"][..]),
        ("a,b", &["a", "b"]),
        (",a,,b,", &["a", "b"]),
        (r"a\,b,c\\,d\e", &["a,b", r"c\", "de"]),
    ] {
        assert_eq!(super::split_keys(text), keys, "{text}");
    }
    let many = || (0..super::MAX_KEYS + 1).map(|number| number.to_string());
    assert!(super::keys(many().skip(1).collect()).is_ok());
    let told = super::keys(many().collect()).unwrap_err().to_string();
    assert!(told.contains("at most 1024 keys"), "{told}");
}
