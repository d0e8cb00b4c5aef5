//! Binance's market data: five messages a second including pings and pongs, 1,024 streams, and the
//! end of each socket after a day.

use std::{
    collections::HashSet,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use everwire::{SubscriptionWish, connection::HoldError, dialogue::Holder};
use serde_json::{Value, json};
use tungstenite::Message;

use super::{
    checks::Window,
    peer::Gone,
    plan::{Mishap, Plan},
    stage::{Recipe, eager, impatient},
    support::{SOON, poll_until},
    talk::Talk,
    world::{Answer, Call, Servers},
};

const RECIPE: Recipe = Recipe {
    file: "binance",
    name: "binance-market",
    variables: &[
        ("BINANCE_KEY", "binance-s3cret-key"),
        ("BINANCE_SECRET", "binance-s3cret"),
    ],
    files: &[],
};
const KEYS: [&str; 2] = ["btcusdt@trade", "ethusdt@trade"];
/// The most streams of a socket.
const STREAMS: usize = 1024;

#[derive(Clone, Default)]
struct Market {
    /// The stream that it refuses.
    refuses: Arc<Mutex<Option<&'static str>>>,
    /// The number of streams on the last socket.
    streams: Arc<Mutex<usize>>,
    /// The interval of its pings, if it sends any.
    pings: Option<Duration>,
    /// Whether the first socket gets a warning before its end.
    warns: bool,
}

/// One socket, with the server's counters.
struct Feed<'t> {
    talk: &'t mut Talk,
    window: Window,
    streams: HashSet<String>,
    trade: u64,
    pinged: usize,
    ponged: usize,
}

impl Servers for Market {
    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        let is_right = call.host == "stream.binance.com:9443" && call.target == "/stream";
        is_right.then_some(None).ok_or(Answer::new(404, ""))
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        let mut feed = Feed {
            talk,
            window: Window::new(5, Duration::from_secs(1)),
            streams: HashSet::new(),
            trade: 0,
            pinged: 0,
            ponged: 0,
        };
        let mut pinged = Instant::now();
        loop {
            if self.pings.is_some_and(|every| pinged.elapsed() > every) {
                pinged = Instant::now();
                feed.pinged += 1;
                feed.talk.ping()?;
                let unanswered = feed.pinged - feed.ponged;
                feed.talk
                    .ask(unanswered < 3, format!("{unanswered} pings without a pong"));
            }
            let Some(frame) = feed.talk.hear_any_within(Duration::from_millis(50))? else {
                continue;
            };
            feed.window.count(feed.talk)?;
            match frame {
                Message::Text(text) => self.asked(&mut feed, &text)?,
                Message::Pong(_) => feed.ponged += 1,
                _ => {}
            }
        }
    }
}

impl Market {
    fn asked(&self, feed: &mut Feed<'_>, text: &str) -> Result<(), Gone> {
        let said: Value = serde_json::from_str(text).unwrap_or_default();
        let id = &said["id"];
        feed.talk.ask(id.is_u64(), format!("the id: {text}"));
        let params = said["params"].as_array().cloned().unwrap_or_default();
        let streams = params
            .iter()
            .map(|one| one.as_str().unwrap_or_default().to_owned());
        let streams: Vec<String> = streams.collect();
        let refuses = *self.refuses.lock().unwrap();
        match said["method"].as_str() {
            Some("SUBSCRIBE") if streams.iter().any(|one| Some(&**one) == refuses) => {
                return feed.talk.say(json!({ "error": { "code": 2, "msg": "Invalid request: unknown stream" }, "id": id }).to_string());
            }
            Some("SUBSCRIBE") => {
                let is_named = streams
                    .iter()
                    .all(|one| one.contains('@') && *one == one.to_lowercase());
                feed.talk.ask(
                    is_named && !streams.is_empty(),
                    format!("the streams: {text}"),
                );
                feed.streams.extend(streams.iter().cloned());
                let count = feed.streams.len();
                feed.talk.ask(count <= STREAMS, format!("{count} streams"));
                *self.streams.lock().unwrap() = count;
            }
            Some("UNSUBSCRIBE") => {
                for stream in &streams {
                    let was_there = feed.streams.remove(stream);
                    feed.talk
                        .ask(was_there, format!("{stream} was not subscribed"));
                }
                *self.streams.lock().unwrap() = feed.streams.len();
            }
            _ => feed.talk.fault(format!("it does not know: {text}")),
        }
        feed.talk.answer(
            "subscribe",
            &json!({ "result": null, "id": id }).to_string(),
        )?;
        for stream in streams.iter().filter(|stream| KEYS.contains(&&***stream)) {
            feed.trade += 1;
            let trade = json!({ "stream": stream, "data": { "e": "trade", "t": feed.trade } });
            feed.talk.answer("trade", &trade.to_string())?;
        }
        if self.warns && feed.talk.number == 0 {
            let warning =
                r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}"#;
            feed.talk.answer("warning", warning)?;
        }
        Ok(())
    }
}

#[tokio::test]
async fn each_stream_is_subscribed_and_routed() {
    let mut stage = RECIPE.play(Market::default(), Plan::default(), eager);
    stage.active(&KEYS).await;
    for key in KEYS {
        stage.routed(key, "trade").await;
    }
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn no_second_has_more_than_five_messages_though_the_server_pings() {
    let market = Market {
        // The real one pings every twenty seconds.
        pings: Some(Duration::from_millis(1_200)),
        ..Market::default()
    };
    let mut stage = RECIPE.play(market.clone(), Plan::default(), eager);
    stage.active(&KEYS).await;
    for n in 0..12 {
        let key = format!("coin{n}usdt@kline_1m");
        let wish = SubscriptionWish::default();
        stage
            .handle
            .hold_subscription(&key, wish, Holder::Api)
            .await
            .unwrap();
        tokio::time::sleep(Duration::from_millis(40)).await;
    }
    poll_until("all streams", SOON, || {
        *market.streams.lock().unwrap() == 14
    })
    .await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn it_holds_1024_streams_and_refuses_one_more() {
    let market = Market::default();
    let mut stage = RECIPE.play(market.clone(), Plan::default(), eager);
    stage.active(&KEYS).await;
    for n in 2..STREAMS {
        let wish = SubscriptionWish::default();
        let key = format!("coin{n}usdt@trade");
        stage
            .handle
            .hold_subscription(&key, wish, Holder::Api)
            .await
            .unwrap();
    }
    let wish = SubscriptionWish::default();
    let refused = stage
        .handle
        .hold_subscription("onemore@trade", wish, Holder::Api)
        .await;
    assert!(
        matches!(refused, Err(HoldError::TooMany { .. })),
        "{refused:?}"
    );
    poll_until("all streams", 2 * SOON, || {
        *market.streams.lock().unwrap() == STREAMS
    })
    .await;
    stage
        .handle
        .release_subscription("coin7usdt@trade", Holder::Api)
        .await
        .unwrap();
    poll_until("one stream less", SOON, || {
        *market.streams.lock().unwrap() == STREAMS - 1
    })
    .await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    let steps = ["subscribe", "trade"];
    RECIPE.comes_back(Market::default(), &steps, &KEYS).await;
}

#[tokio::test]
async fn a_shutdown_that_is_announced_is_heeded() {
    for plan in [Plan::default(), Plan::of([("warning", Mishap::CutBehind)])] {
        let is_cut = !plan.left().is_empty();
        let market = Market {
            warns: true,
            ..Market::default()
        };
        let mut stage = RECIPE.play(market, plan, eager);
        if !is_cut {
            stage.watch.rotated().await;
            assert!(!stage.was_told("retrying"));
        }
        stage.sockets(2).await;
        stage.active(&KEYS).await;
        stage.is_clean().await;
    }
}

#[tokio::test]
async fn a_refused_stream_is_told_and_asked_for_again() {
    let market = Market::default();
    *market.refuses.lock().unwrap() = Some("badcoin@trade");
    let mut stage = RECIPE.play(market.clone(), Plan::default(), eager);
    stage.active(&KEYS).await;
    let wish = SubscriptionWish::default();
    stage
        .handle
        .hold_subscription("badcoin@trade", wish, Holder::Api)
        .await
        .unwrap();
    stage
        .told_of("badcoin@trade", "refused", "unknown stream")
        .await;
    *market.refuses.lock().unwrap() = None;
    stage.active(&[KEYS[0], KEYS[1], "badcoin@trade"]).await;
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    for step in ["subscribe", "trade"] {
        let plan = Plan::of([(step, Mishap::Silence)]);
        let mut stage = RECIPE.play(Market::default(), plan, impatient);
        let error = stage.watch.error().await.to_string();
        assert!(error.contains("pong_timeout"), "{step}: {error}");
        stage.active(&KEYS).await;
        stage.is_clean().await;
    }
}
