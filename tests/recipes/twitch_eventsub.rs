//! Twitch's EventSub: a socket that accepts only pongs, subscriptions that are made by HTTP with
//! its id, and that move to the URL that the server names.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use everwire::{SubscriptionWish, dialogue::Holder};
use serde_json::{Value, json};
use tungstenite::Message;

use super::{
    peer::Gone,
    plan::{CUTS, Mishap, Plan},
    stage::{Recipe, eager, hasty, impatient},
    support::{SOON, poll_until},
    talk::Talk,
    world::{Answer, Call, Servers},
};

const RECIPE: Recipe = Recipe {
    file: "twitch-eventsub",
    name: "twitch",
    variables: &[
        ("TWITCH_CLIENT", "client-1"),
        ("TWITCH_TOKEN", "twitch-s3cret"),
        ("TWITCH_USER", "1234"),
    ],
    files: &[],
};
const KEY: &str = "channel.follow";
/// How long a socket may be without a subscription.
const UNUSED: Duration = Duration::from_secs(10);
/// The interval of its messages.
const BEAT: Duration = Duration::from_millis(100);

#[derive(Clone, Default)]
struct Twitch {
    desk: Arc<Mutex<Desk>>,
    /// Whether the first socket must move to another URL, and whether that URL can be dialled.
    moves: Option<bool>,
}

#[derive(Default)]
struct Desk {
    /// The session and the type of each subscription.
    subscriptions: HashMap<String, (String, String)>,
    /// The sessions that are open.
    sessions: Vec<String>,
    made: usize,
    deleted: usize,
    /// The number of calls to refuse, with status and body.
    refuses: Option<(usize, u16, &'static str)>,
    /// Whether it revokes the subscription.
    revokes: bool,
}

impl Servers for Twitch {
    fn answer(&self, call: &Call) -> Answer {
        if call.host != "api.twitch.tv" || call.path() != "/helix/eventsub/subscriptions" {
            return Answer::new(404, "");
        }
        let is_known = call.header("authorization") == "Bearer twitch-s3cret"
            && call.header("client-id") == "client-1";
        if !is_known {
            return Answer::new(
                401,
                r#"{"error":"Unauthorized","status":401,"message":"Invalid OAuth token"}"#,
            );
        }
        let mut desk = self.desk.lock().unwrap();
        if let Some((times, status, why)) = desk.refuses {
            desk.refuses = (times > 1).then_some((times - 1, status, why));
            return Answer::new(
                status,
                json!({ "error": "Refused", "status": status, "message": why }).to_string(),
            );
        }
        if call.method == "DELETE" {
            desk.deleted += usize::from(desk.subscriptions.remove(call.query("id")).is_some());
            return Answer::new(204, "");
        }
        let asked: Value = serde_json::from_str(&call.body).unwrap_or_default();
        let session = asked["transport"]["session_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let kind = asked["type"].as_str().unwrap_or_default().to_owned();
        let is_whole = [KEY, "channel.raid"].contains(&&*kind)
            && asked["version"] == "2"
            && asked["condition"]["broadcaster_user_id"] == "1234"
            && asked["transport"]["method"] == "websocket"
            && call.header("content-type") == "application/json";
        if !is_whole || !desk.sessions.contains(&session) {
            return Answer::new(400, json!({ "error": "Bad Request", "status": 400, "message": format!("session or condition: {asked}") }).to_string());
        }
        let wanted = (session, kind);
        if desk.subscriptions.values().any(|known| *known == wanted) {
            return Answer::new(
                409,
                r#"{"error":"Conflict","status":409,"message":"subscription already exists"}"#,
            );
        }
        desk.made += 1;
        let id = format!("sub-{}", desk.made);
        desk.subscriptions.insert(id.clone(), wanted);
        Answer::new(
            202,
            json!({ "data": [{ "id": id, "status": "enabled" }], "total": 1 }).to_string(),
        )
        .of("subscribe")
    }

    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        let is_usual = call.host == "eventsub.wss.twitch.tv"
            && call.target == "/ws?keepalive_timeout_seconds=30";
        let is_named = call.host == "eventsub.wss.twitch.tv" && call.path() == "/reconnect";
        if is_named && self.moves == Some(false) {
            return Err(Answer::new(503, ""));
        }
        (is_usual || is_named)
            .then_some(None)
            .ok_or(Answer::new(404, ""))
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        // The named URL continues the session in its query.
        let session = match talk.call.query("session") {
            "" => format!("session-{}", talk.number),
            session => session.to_owned(),
        };
        self.desk.lock().unwrap().sessions.push(session.clone());
        let played = self.session(talk, &session);
        let mut desk = self.desk.lock().unwrap();
        let at = desk.sessions.iter().position(|known| *known == session);
        at.map(|at| desk.sessions.remove(at));
        if !desk.sessions.contains(&session) {
            desk.subscriptions.retain(|_, (of, _)| *of != session);
        }
        played
    }
}

fn message(kind: &str, payload: Value) -> String {
    json!({ "metadata": { "message_id": "1", "message_type": kind, "message_timestamp": "2026-11-30T09:00:00Z" }, "payload": payload }).to_string()
}

impl Twitch {
    fn session(&self, talk: &mut Talk, session: &str) -> Result<(), Gone> {
        // Ten seconds is the shortest allowed value; rehearsals use one second.
        let welcome = json!({ "session": { "id": session, "status": "connected", "keepalive_timeout_seconds": 1, "reconnect_url": null } });
        talk.answer("welcome", &message("session_welcome", welcome))?;
        let begun = Instant::now();
        let mut spoken: Option<Instant> = None;
        let mut notified = false;
        let mut moved = false;
        loop {
            // Anything but a pong closes the socket with 4001.
            let heard = talk.hear_any_within(BEAT)?;
            if let Some(frame) = heard.filter(|frame| !frame.is_pong()) {
                talk.fault(format!("it says something: {frame:?}"));
                return Err(talk.close(4001));
            }
            if spoken.is_some_and(|spoken| spoken.elapsed() < BEAT) {
                continue;
            }
            spoken = Some(Instant::now());
            talk.send(Message::Ping("x".into()))?;
            talk.answer("keepalive", &message("session_keepalive", json!({})))?;
            let (sub, revokes) = {
                let mut desk = self.desk.lock().unwrap();
                let wanted = (session.to_owned(), KEY.to_owned());
                let found = desk.subscriptions.iter().find(|(_, of)| **of == wanted);
                let found = found.map(|(id, _)| id.clone());
                (found, std::mem::take(&mut desk.revokes))
            };
            let Some(sub) = sub else {
                if begun.elapsed() > UNUSED {
                    return Err(talk.close(4003));
                }
                continue;
            };
            if !std::mem::replace(&mut notified, true) {
                let payload = json!({ "subscription": { "id": sub, "type": KEY }, "event": { "socket": talk.number } });
                talk.answer("event", &message("notification", payload))?;
            }
            if revokes {
                self.desk.lock().unwrap().subscriptions.remove(&sub);
                notified = false;
                let payload = json!({ "subscription": { "id": sub, "status": "authorization_revoked", "type": KEY } });
                talk.answer("revocation", &message("revocation", payload))?;
            }
            if self.moves.is_some() && talk.number == 0 && !std::mem::replace(&mut moved, true) {
                let url = format!("wss://eventsub.wss.twitch.tv/reconnect?session={session}");
                let payload = json!({ "session": { "id": session, "status": "reconnecting", "keepalive_timeout_seconds": null, "reconnect_url": url } });
                talk.answer("reconnect", &message("session_reconnect", payload))?;
            }
        }
    }

    fn made(&self) -> usize {
        self.desk.lock().unwrap().made
    }
}

#[tokio::test]
async fn it_says_nothing_but_pongs_and_events_are_routed() {
    let twitch = Twitch::default();
    let mut stage = RECIPE.play(twitch.clone(), Plan::default(), eager);
    stage.active(&[KEY]).await;
    stage.routed(KEY, "notification").await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    stage.is_clean().await;
    assert_eq!((stage.world.sockets(), twitch.made()), (1, 1));
    assert!(!stage.watch.seen().join("").contains("session_keepalive"));
    let wish = SubscriptionWish::of(json!({ "broadcaster_user_id": "1234" }));
    stage
        .handle
        .hold_subscription("channel.raid", wish, Holder::Api)
        .await
        .unwrap();
    stage.active(&[KEY, "channel.raid"]).await;
    stage
        .handle
        .release_subscription("channel.raid", Holder::Api)
        .await
        .unwrap();
    poll_until("the end of it", SOON, || {
        twitch.desk.lock().unwrap().deleted == 1
    })
    .await;
    stage.is_clean().await;
}

#[tokio::test]
async fn at_a_named_url_the_subscription_goes_on_and_is_not_made_again() {
    let twitch = Twitch {
        moves: Some(true),
        ..Twitch::default()
    };
    let mut stage = RECIPE.play(twitch.clone(), Plan::default(), eager);
    stage.watch.rotated().await;
    stage.routed(KEY, r#"\"socket\":1"#).await;
    stage.active(&[KEY]).await;
    stage.is_clean().await;
    assert_eq!((stage.world.sockets(), twitch.made()), (2, 1));
    assert!(!stage.was_told("retrying"));
}

/// Only what the server has continued goes on there by itself.
#[tokio::test]
async fn at_a_named_url_what_is_first_wanted_there_is_made_and_what_is_revoked_is_made_again() {
    let twitch = Twitch {
        moves: Some(true),
        ..Twitch::default()
    };
    let mut stage = RECIPE.play(twitch.clone(), Plan::default(), eager);
    stage.watch.rotated().await;
    stage.routed(KEY, r#"\"socket\":1"#).await;
    let wish = SubscriptionWish::of(json!({ "broadcaster_user_id": "1234" }));
    stage
        .handle
        .hold_subscription("channel.raid", wish, Holder::Api)
        .await
        .unwrap();
    stage.active(&[KEY, "channel.raid"]).await;
    assert_eq!((stage.world.sockets(), twitch.made()), (2, 2));
    twitch.desk.lock().unwrap().revokes = true;
    stage.told_of(KEY, "ended", "authorization_revoked").await;
    stage.active(&[KEY, "channel.raid"]).await;
    assert_eq!((stage.world.sockets(), twitch.made()), (2, 3));
    stage
        .handle
        .release_subscription("channel.raid", Holder::Api)
        .await
        .unwrap();
    poll_until("the end of it", SOON, || {
        twitch.desk.lock().unwrap().deleted == 1
    })
    .await;
    stage.is_clean().await;
}

#[tokio::test]
async fn where_the_named_url_cannot_be_dialled_the_usual_one_is_and_it_is_made_again() {
    let twitch = Twitch {
        moves: Some(false),
        ..Twitch::default()
    };
    let mut stage = RECIPE.play(twitch.clone(), Plan::default(), eager);
    stage.routed(KEY, r#"\"socket\":1"#).await;
    stage.active(&[KEY]).await;
    stage.is_clean().await;
    assert_eq!((stage.world.sockets(), twitch.made()), (2, 2));
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    let twitch = Twitch::default();
    let plan = Plan::cuts(&["welcome", "event", "keepalive"]);
    let mut stage = RECIPE.play(twitch.clone(), plan, hasty);
    stage.all_went_wrong().await;
    stage.sockets(10).await;
    stage.active(&[KEY]).await;
    stage.is_clean().await;
}

/// The call succeeded and its answer was lost: the next call learns that the subscription exists.
#[tokio::test]
async fn a_call_that_is_cut_before_within_or_behind_its_answer_is_made_again() {
    for cut in CUTS {
        let twitch = Twitch::default();
        let plan = Plan::of([("subscribe", cut)]);
        let mut stage = RECIPE.play(twitch.clone(), plan, hasty);
        stage.routed(KEY, "notification").await;
        stage.active(&[KEY]).await;
        stage.is_clean().await;
        assert_eq!((stage.world.sockets(), twitch.made()), (1, 1));
    }
}

#[tokio::test]
async fn a_refused_subscription_and_a_token_that_has_expired_are_told_and_asked_again() {
    for (status, why) in [
        (403, "subscription missing proper authorization"),
        (401, "Invalid OAuth token"),
        (429, "too many"),
    ] {
        let twitch = Twitch::default();
        twitch.desk.lock().unwrap().refuses = Some((2, status, why));
        let mut stage = RECIPE.play(twitch, Plan::default(), eager);
        stage.told_of(KEY, "refused", why).await;
        stage.active(&[KEY]).await;
        stage.is_clean().await;
        assert_eq!(stage.world.sockets(), 1);
    }
}

#[tokio::test]
async fn a_subscription_that_is_revoked_is_told_and_made_again() {
    let twitch = Twitch::default();
    let mut stage = RECIPE.play(twitch.clone(), Plan::default(), eager);
    stage.active(&[KEY]).await;
    twitch.desk.lock().unwrap().revokes = true;
    stage.told_of(KEY, "ended", "authorization_revoked").await;
    stage.active(&[KEY]).await;
    stage.is_clean().await;
    assert_eq!((stage.world.sockets(), twitch.made()), (1, 2));
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    let plan = Plan::of([("welcome", Mishap::Silence)]);
    let mut stage = RECIPE.play(Twitch::default(), plan, impatient);
    let error = stage.watch.error().await.to_string();
    assert!(error.contains("script_timeout"), "{error}");
    stage.active(&[KEY]).await;
    stage.is_clean().await;
    // It is silent for longer than announced: one second, and five more.
    let plan = Plan::of([("event", Mishap::Silence)]);
    let mut stage = RECIPE.play(Twitch::default(), plan, eager);
    let error = stage.watch.error().await.to_string();
    assert!(error.contains("idle"), "{error}");
    stage.active(&[KEY]).await;
    stage.is_clean().await;
    let plan = Plan::of([("subscribe", Mishap::Silence)]);
    let mut stage = RECIPE.play(Twitch::default(), plan, impatient);
    stage.told_of(KEY, "unanswered", "").await;
    stage.active(&[KEY]).await;
    stage.is_clean().await;
}
