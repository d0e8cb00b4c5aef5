//! Discord's gateway: one zlib stream per socket, heartbeats with the last sequence number at the
//! interval of the hello, sessions that resume, and at most one login in five seconds.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use everwire::State;
use serde_json::{Value, json};
use tungstenite::Message;

use super::{
    compressed::ZlibStream,
    peer::Gone,
    plan::{Mishap, Plan},
    stage::{Recipe, Stage, eager, hasty, impatient},
    support::{SOON, poll_until},
    talk::Talk,
    world::{Answer, Call, Servers},
};

const TOKEN: &str = "MTk4NjIyNDgz.s3cret.Cl2FMQ";
const RECIPE: Recipe = Recipe {
    file: "discord",
    name: "discord",
    variables: &[("DISCORD_TOKEN", TOKEN)],
    files: &[],
};
/// The host where sessions are resumed.
const RESUME: &str = "gateway-us-east1-b.discord.gg";
/// The interval in the hello.
const BEAT: Duration = Duration::from_secs(1);

#[derive(Clone, Default)]
struct Discord {
    desk: Arc<Desk>,
    /// What the first socket does once it is ready.
    first: Option<First>,
}

#[derive(Clone, Copy)]
enum First {
    /// "Reconnect".
    Op7,
    /// "Invalid session", resumable or not.
    Op9(bool),
    /// It answers no heartbeat.
    Deaf,
    /// It closes with this code.
    Close(u16),
}

#[derive(Default)]
struct Desk {
    /// The last number of each session.
    sessions: Mutex<HashMap<String, u64>>,
    logins: Mutex<Vec<Instant>>,
    resumed: Mutex<usize>,
    beats: Mutex<usize>,
}

/// A socket with its zlib stream.
struct Gateway<'t> {
    talk: &'t mut Talk,
    stream: ZlibStream,
    /// The last number sent on this socket or before it.
    seq: Option<u64>,
    /// The deadline of the next heartbeat.
    due: Instant,
    /// The time of the last numbered message.
    said: Instant,
}

impl Servers for Discord {
    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        let is_right = [RESUME, "gateway.discord.gg"].contains(&&*call.host)
            && call.target == "/?v=10&encoding=json&compress=zlib-stream";
        is_right.then_some(None).ok_or(Answer::new(404, ""))
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        let mut gateway = Gateway {
            talk,
            stream: ZlibStream::new(),
            seq: None,
            // A heartbeat may be late by half an interval.
            due: Instant::now() + BEAT + BEAT,
            said: Instant::now(),
        };
        let interval = BEAT.as_millis();
        let hello = json!({ "t": null, "s": null, "op": 10, "d": { "heartbeat_interval": interval as u64 } });
        gateway.say("hello", &hello)?;
        let login = gateway.hear(self)?;
        match login["op"].as_u64() {
            Some(2) => self.identify(&mut gateway, &login)?,
            Some(6) => self.resume(&mut gateway, &login)?,
            _ => gateway.talk.fault(format!("no login: {login}")),
        }
        self.serve(&mut gateway)
    }
}

impl Discord {
    fn identify(&self, gateway: &mut Gateway<'_>, login: &Value) -> Result<(), Gone> {
        self.desk.logins.lock().unwrap().push(Instant::now());
        if login["d"]["token"] != TOKEN {
            return Err(gateway.talk.close(4004));
        }
        let d = &login["d"];
        let is_whole = d["intents"].is_u64() && d["properties"]["os"].is_string();
        gateway
            .talk
            .ask(is_whole, format!("no whole login: {login}"));
        let mut sessions = self.desk.sessions.lock().unwrap();
        let session = format!("session-{}", sessions.len());
        sessions.insert(session.clone(), 1);
        drop(sessions);
        let resume = format!("wss://{RESUME}");
        gateway.seq = Some(1);
        let ready = json!({ "t": "READY", "s": 1, "op": 0, "d": { "v": 10, "session_id": session, "resume_gateway_url": resume } });
        gateway.say("ready", &ready)?;
        self.dispatch(gateway, &session)
    }

    fn resume(&self, gateway: &mut Gateway<'_>, login: &Value) -> Result<(), Gone> {
        let session = login["d"]["session_id"]
            .as_str()
            .unwrap_or_default()
            .to_owned();
        let at = self.desk.sessions.lock().unwrap().get(&session).copied();
        let host = gateway.talk.call.host.clone();
        gateway
            .talk
            .ask(host == RESUME, format!("resumed at {host}"));
        let Some(at) = at else {
            gateway.talk.fault(format!("no such session: {login}"));
            return Err(gateway.talk.close(4007));
        };
        let seq = login["d"]["seq"].as_u64();
        // The number that the client received: never more than was sent. Missed events are sent
        // again.
        let heard = seq.filter(|seq| *seq <= at);
        gateway
            .talk
            .ask(heard.is_some(), format!("resumes {seq:?} of {at}"));
        gateway.talk.ask(login["d"]["token"] == TOKEN, "no token");
        gateway.seq = seq;
        for missed in seq.unwrap_or(at) + 1..=at {
            gateway.seq = Some(missed);
            gateway.say(
                "",
                &json!({ "t": "MESSAGE_CREATE", "s": missed, "op": 0, "d": {} }),
            )?;
        }
        let next = at + 1;
        self.desk
            .sessions
            .lock()
            .unwrap()
            .insert(session.clone(), next);
        gateway.seq = Some(next);
        gateway.say(
            "resumed",
            &json!({ "t": "RESUMED", "s": next, "op": 0, "d": {} }),
        )?;
        *self.desk.resumed.lock().unwrap() += 1;
        self.dispatch(gateway, &session)
    }

    /// Sends two events.
    fn dispatch(&self, gateway: &mut Gateway<'_>, session: &str) -> Result<(), Gone> {
        for _ in 0..2 {
            let mut sessions = self.desk.sessions.lock().unwrap();
            let seq = sessions.entry(session.to_owned()).or_default();
            *seq += 1;
            let seq = *seq;
            drop(sessions);
            gateway.seq = Some(seq);
            gateway.say(
                "event",
                &json!({ "t": "MESSAGE_CREATE", "s": seq, "op": 0, "d": {} }),
            )?;
        }
        Ok(())
    }

    fn serve(&self, gateway: &mut Gateway<'_>) -> Result<(), Gone> {
        let first = self.first.filter(|_| gateway.talk.number == 0);
        match first {
            Some(First::Op7) => gateway.say("warning", &json!({ "op": 7, "d": null }))?,
            Some(First::Op9(may_resume)) => {
                // A session that is gone has no numbers.
                gateway.seq = gateway.seq.filter(|_| may_resume);
                gateway.said = Instant::now();
                gateway.say("", &json!({ "op": 9, "d": may_resume }))?;
            }
            Some(First::Close(code)) => return Err(gateway.talk.close(code)),
            Some(First::Deaf) => return Err(gateway.talk.freeze()),
            None => {}
        }
        loop {
            let said = gateway.hear(self)?;
            gateway.talk.fault(format!("not asked for: {said}"));
        }
    }
}

impl Gateway<'_> {
    fn say(&mut self, step: &'static str, value: &Value) -> Result<(), Gone> {
        let (text, stream) = (value.to_string(), &mut self.stream);
        if value["s"].is_u64() {
            self.said = Instant::now();
        }
        self.talk
            .answer_as(step, &text, |text| Message::binary(stream.compress(text)))
    }

    /// The next message that is not a heartbeat. Checks and answers heartbeats.
    fn hear(&mut self, discord: &Discord) -> Result<Value, Gone> {
        loop {
            let said = self.talk.hear()?;
            if said["op"] != 1 {
                return Ok(said);
            }
            let is_in_time = Instant::now() < self.due;
            self.talk.ask(is_in_time, "a late heartbeat");
            self.due = Instant::now() + BEAT + BEAT;
            let d = said["d"].as_u64();
            // Messages still on their way to the client are not counted in it yet.
            let may_be_older = self.said.elapsed() < BEAT / 2 && d <= self.seq.or(d);
            let is_right = d == self.seq || may_be_older;
            self.talk
                .ask(is_right, format!("{said}, not {:?}", self.seq));
            *discord.desk.beats.lock().unwrap() += 1;
            self.say("beat", &json!({ "op": 11 }))?;
        }
    }
}

impl Discord {
    fn starting(first: First) -> Self {
        Self {
            first: Some(first),
            ..Self::default()
        }
    }

    async fn resumes(&self, count: usize) {
        poll_until("a session that is resumed", 2 * SOON, || {
            *self.desk.resumed.lock().unwrap() >= count
        })
        .await;
    }

    fn logins(&self) -> usize {
        self.desk.logins.lock().unwrap().len()
    }
}

#[tokio::test]
async fn it_logs_in_and_beats_with_the_last_number_in_time() {
    let discord = Discord::default();
    let mut stage = RECIPE.play(discord.clone(), Plan::default(), eager);
    stage.watch.ready().await;
    poll_until("four heartbeats", SOON, || {
        *discord.desk.beats.lock().unwrap() >= 4
    })
    .await;
    stage.open().await;
    stage.is_clean().await;
    assert_eq!((stage.world.sockets(), discord.logins()), (1, 1));
    assert_eq!(stage.world.dials()[0].host, "gateway.discord.gg");
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    let discord = Discord::default();
    let steps = ["hello", "ready", "resumed", "event", "beat"];
    let mut stage = RECIPE.play(discord.clone(), Plan::cuts(&steps), hasty);
    stage.all_went_wrong().await;
    stage.sockets(3 * steps.len() + 1).await;
    stage.open().await;
    discord.resumes(2).await;
    stage.is_clean().await;
    // Until its READY has arrived a session is begun anew, later it is resumed.
    assert_eq!(discord.logins(), 3);
    assert_eq!(stage.world.sockets(), 3 * steps.len() + 1);
}

#[tokio::test]
async fn logins_are_five_seconds_apart() {
    let discord = Discord::default();
    let plan = Plan::of([("ready", Mishap::CutBefore)]);
    let mut stage = RECIPE.play(discord.clone(), plan, eager);
    stage.watch.ready().await;
    let logins = discord.desk.logins.lock().unwrap().clone();
    assert_eq!(logins.len(), 2);
    let apart = logins[1] - logins[0];
    // The first may have been read a little late here.
    assert!(apart >= Duration::from_millis(4_800), "{apart:?}");
    stage.is_clean().await;
}

#[tokio::test]
async fn a_refused_token_fails_the_name() {
    let wrong = Recipe {
        variables: &[("DISCORD_TOKEN", "wr0ng-s3cret")],
        ..RECIPE
    };
    let mut stage = wrong.play(Discord::default(), Plan::default(), eager);
    stage.watch.failed().await;
    assert_eq!(stage.handle.status().await.unwrap().state, State::Failed);
    assert_eq!(stage.world.sockets(), 1);
    stage.is_clean().await;
}

#[tokio::test]
async fn a_warning_is_heeded_by_a_resume() {
    let discord = Discord::starting(First::Op7);
    let mut stage = RECIPE.play(discord.clone(), Plan::default(), eager);
    discord.resumes(1).await;
    stage.open().await;
    stage.is_clean().await;
    assert_eq!((stage.world.sockets(), discord.logins()), (2, 1));
}

/// Whether the session continues after this event on the first socket.
async fn goes_on(first: First) -> (bool, Duration) {
    let discord = Discord::starting(first);
    let begun = Instant::now();
    let mut stage: Stage = RECIPE.play(discord.clone(), Plan::default(), |settings| {
        let rules = settings.dialogue.clone();
        hasty(settings);
        // The pause before the next socket is the one of the file.
        super::stage::dialogue(settings, |dialogue| {
            dialogue.rules = rules
                .map(|shipped| shipped.rules.clone())
                .unwrap_or_default();
        });
    });
    stage.sockets(2).await;
    let paused = begun.elapsed();
    let resumed = || *discord.desk.resumed.lock().unwrap();
    poll_until("a login or a resume", SOON, || {
        resumed() + discord.logins() == 2
    })
    .await;
    stage.open().await;
    stage.is_clean().await;
    (resumed() == 1, paused)
}

#[tokio::test]
async fn a_session_that_has_expired_is_begun_anew_and_others_are_resumed() {
    let second = Duration::from_secs(1);
    let (goes_on_now, paused) = goes_on(First::Op9(true)).await;
    assert!(goes_on_now && paused >= second, "{paused:?}");
    let (goes_on_now, paused) = goes_on(First::Op9(false)).await;
    assert!(!goes_on_now && paused >= second, "{paused:?}");
    for code in [4000, 4001, 4002, 4005, 4008] {
        assert!(goes_on(First::Close(code)).await.0, "{code}");
    }
    for code in [1000, 1001, 4003, 4007, 4009] {
        assert!(!goes_on(First::Close(code)).await.0, "{code}");
    }
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    for (step, told) in [("hello", "script_timeout"), ("ready", "script_timeout")] {
        let plan = Plan::of([(step, Mishap::Silence)]);
        let mut stage = RECIPE.play(Discord::default(), plan, impatient);
        let error = stage.watch.error().await.to_string();
        assert!(error.contains(told), "{step}: {error}");
        stage.watch.ready().await;
        stage.is_clean().await;
    }
    let discord = Discord::starting(First::Deaf);
    let mut stage = RECIPE.play(discord.clone(), Plan::default(), eager);
    let error = stage.watch.error().await.to_string();
    assert!(error.contains("pong_timeout"), "{error}");
    discord.resumes(1).await;
    stage.is_clean().await;
}
