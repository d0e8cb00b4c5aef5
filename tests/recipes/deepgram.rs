//! Deepgram: audio goes out, transcripts come back, and a KeepAlive goes out during silence.

use std::time::{Duration, Instant};

use everwire::{Message, State};
use tungstenite::Message as Frame;

use super::{
    peer::Gone,
    plan::{Mishap, Plan},
    stage::{Recipe, Stage, eager, impatient},
    support::{SOON, poll_until},
    talk::Talk,
    world::{Answer, Call, Servers},
};

const RECIPE: Recipe = Recipe {
    file: "deepgram",
    name: "transcript-1",
    variables: &[("DEEPGRAM_API_KEY", "dg-s3cret-key")],
    files: &[],
};

/// Without audio or a KeepAlive for this long, the real server closes the socket (NET-0001).
const SILENCE: Duration = Duration::from_secs(10);

/// The server: its key, and its behaviour after a number of KeepAlives.
struct Deepgram {
    key: &'static str,
    /// Whether it closes sockets whose audio it does not understand.
    cuts: bool,
}

const KIND: Deepgram = Deepgram {
    key: "dg-s3cret-key",
    cuts: false,
};

impl Servers for Deepgram {
    fn admit(&self, call: &Call) -> Result<Option<String>, Answer> {
        let is_listen = call.host == "api.deepgram.com" && call.path() == "/v1/listen";
        if !is_listen || call.query("model") != "nova-3" || call.query("sample_rate") != "16000" {
            return Err(Answer::new(400, r#"{"err_code":"Bad Request"}"#));
        }
        match call.header("authorization") == format!("Token {}", self.key) {
            true => Ok(None),
            false => Err(Answer::new(
                401,
                r#"{"err_code":"INVALID_AUTH","err_msg":"Invalid credentials."}"#,
            )),
        }
    }

    fn play(&self, talk: &mut Talk) -> Result<(), Gone> {
        let mut last = Instant::now();
        loop {
            let Some(frame) = talk.hear_any_within(SILENCE.saturating_sub(last.elapsed()))? else {
                talk.fault("no audio and no KeepAlive for ten seconds");
                return Err(talk.close(1011));
            };
            match frame {
                Frame::Binary(_) => {
                    last = Instant::now();
                    talk.answer("transcript", r#"{"type":"Results","is_final":false}"#)?;
                }
                Frame::Text(text) => match text.as_str() {
                    r#"{"type":"KeepAlive"}"# => {
                        last = Instant::now();
                        talk.say(r#"{"type":"Kept"}"#)?;
                    }
                    r#"{"type":"CloseStream"}"# => {
                        talk.say(r#"{"type":"Results","is_final":true}"#)?;
                        talk.answer("metadata", r#"{"type":"Metadata","duration":1.5}"#)?;
                        return Err(talk.close(1000));
                    }
                    other => {
                        talk.fault(format!("a message that it does not know: {other}"));
                        return Err(talk.close(1008));
                    }
                },
                Frame::Ping(_) | Frame::Pong(_) => {}
                other => talk.fault(format!("{other:?}")),
            }
            if self.cuts {
                return Err(talk.close(1011));
            }
        }
    }
}

async fn speak(stage: &mut Stage) {
    stage.handle.send(Message::binary(vec![0_u8; 320])).unwrap();
    stage
        .watch
        .text(r#"{"type":"Results","is_final":false}"#)
        .await;
}

#[tokio::test]
async fn it_is_kept_alive_while_nobody_speaks_and_not_while_somebody_does() {
    let mut stage = RECIPE.play(KIND, Plan::default(), eager);
    stage.watch.ready().await;
    let begun = Instant::now();
    // Three seconds of speech: only audio is sent.
    for _ in 0..6 {
        speak(&mut stage).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    let kept = |stage: &Stage| {
        let seen = stage.watch.seen();
        seen.iter().filter(|event| event.contains("Kept")).count()
    };
    assert_eq!(kept(&stage), 0);
    stage.watch.text(r#"{"type":"Kept"}"#).await;
    let spoken = begun.elapsed();
    assert!(spoken > Duration::from_secs(6), "{spoken:?}");
    stage.is_clean().await;
    assert_eq!(stage.world.sockets(), 1);
}

#[tokio::test]
async fn what_was_said_last_is_transcribed_before_the_end() {
    let mut stage = RECIPE.play(KIND, Plan::default(), eager);
    stage.watch.ready().await;
    speak(&mut stage).await;
    stage.handle.close(1000, "").await.unwrap();
    stage
        .watch
        .text(r#"{"type":"Results","is_final":true}"#)
        .await;
    stage
        .watch
        .text(r#"{"type":"Metadata","duration":1.5}"#)
        .await;
    stage.watch.closed().await;
    assert!(!stage.was_told("error"));
    stage.is_clean().await;
}

#[tokio::test]
async fn it_ends_in_time_whatever_becomes_of_the_last_word() {
    for mishap in [
        Mishap::CutBefore,
        Mishap::CutWithin,
        Mishap::CutBehind,
        Mishap::Silence,
    ] {
        let plan = Plan::of([("metadata", mishap.clone())]);
        let mut stage = RECIPE.play(KIND, plan, impatient);
        stage.watch.ready().await;
        let begun = Instant::now();
        stage.handle.close(1000, "").await.unwrap();
        stage.watch.closed().await;
        assert!(begun.elapsed() < SOON, "{mishap:?}");
        assert_eq!(stage.handle.status().await.unwrap().state, State::Closed);
        assert_eq!(stage.world.sockets(), 1, "{mishap:?}");
        stage.is_clean().await;
    }
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_a_transcript() {
    let mut stage = RECIPE.play(KIND, Plan::cuts(&["transcript"]), eager);
    for _ in 0..3 {
        stage.watch.ready().await;
        stage.handle.send(Message::binary(vec![0_u8; 320])).unwrap();
        stage.watch.retrying().await;
    }
    stage.watch.ready().await;
    speak(&mut stage).await;
    assert_eq!(stage.plan.left(), []);
    stage.is_clean().await;
}

#[tokio::test]
async fn an_error_of_the_server_is_a_loss_like_any_other() {
    let faulty = Deepgram { cuts: true, ..KIND };
    let mut stage = RECIPE.play(faulty, Plan::default(), eager);
    stage.watch.ready().await;
    stage.handle.send(Message::binary(vec![1_u8; 3])).unwrap();
    let retrying = stage.watch.retrying().await;
    assert_eq!(retrying.rule.to_string(), "backoff");
    stage.watch.ready().await;
}

#[tokio::test]
async fn a_refused_key_is_told_and_tried_again() {
    let stranger = Deepgram {
        key: "another",
        ..KIND
    };
    let mut stage = RECIPE.play(stranger, Plan::default(), eager);
    let error = stage.watch.error().await.to_string();
    assert!(error.contains("401"), "{error}");
    poll_until("three dials", SOON, || stage.world.dials().len() >= 3).await;
    assert!(!stage.was_told("ready"));
    stage.is_clean().await;
}

#[tokio::test]
async fn a_silent_server_is_left_in_time() {
    let plan = Plan::of([("transcript", Mishap::Silence)]);
    let mut stage = RECIPE.play(KIND, plan, impatient);
    stage.watch.ready().await;
    stage.handle.send(Message::binary(vec![0_u8; 320])).unwrap();
    let error = stage.watch.error().await.to_string();
    assert!(error.contains("pong_timeout"), "{error}");
    stage.watch.ready().await;
    speak(&mut stage).await;
}
