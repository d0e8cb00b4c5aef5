//! Home Assistant: it asks for a token, and answers pings by their number.

use everwire::State;

use super::{
    Variables, answered, catch_up, holds_no_secret, open,
    peer::{Gone, Line, Server},
    recipe,
    support::{SOON, poll_until, rig::wait_for_state},
};

const RECIPE: &str = r#"
[connections.home]
url = "URL"
# quick
open_script = [
  { expect = '/type == "auth_required"' },
  { send = '{"type":"auth","access_token":"${HA_TOKEN}"}', expect = '/type == "auth_ok"', give_up = '/type == "auth_invalid"' },
]
heartbeat = { kind = "text", ping = '{"id":${id},"type":"ping"}', pong = { when = '/type == "pong" && /id == id' }, interval = "1s", timeout = "10s", first = "now" }
"#;

const TOKEN: &str = "a-long-lived-token";

fn variables() -> Variables {
    Variables(&[("HA_TOKEN", TOKEN)])
}

/// The server's part up to the login, which it takes or refuses.
fn login(line: &mut Line, token: &str) -> Result<(), Gone> {
    line.say(r#"{"type":"auth_required","ha_version":"2026.11.1"}"#)?;
    let said = line.hear()?;
    line.ask(said["type"] == "auth", format!("no login: {said}"));
    if said["access_token"] != token {
        line.say(r#"{"type":"auth_invalid","message":"Invalid access token or password"}"#)?;
        return Err(line.close(1000));
    }
    line.say(r#"{"type":"auth_ok","ha_version":"2026.11.1"}"#)
}

/// The server's part behind the login: it answers pings, whose numbers must grow.
fn serve(line: &mut Line, pings: usize) -> Result<(), Gone> {
    let mut last = 0;
    for _ in 0..pings {
        let said = line.hear()?;
        let id = said["id"].as_u64().unwrap_or_default();
        line.ask(said["type"] == "ping", format!("no ping: {said}"));
        // `{"id":"id_reuse"}` is what the real server answers else.
        line.ask(id > last, format!("number {id} behind {last}"));
        last = id;
        line.say(format!(r#"{{"id":{id},"type":"pong"}}"#))?;
    }
    Ok(())
}

#[tokio::test]
async fn it_logs_in_and_its_pings_are_answered_by_their_number() {
    let server = Server::start(|line| {
        login(line, TOKEN)?;
        serve(line, usize::MAX)
    });
    let (_manager, handle, mut watch) = open(recipe(RECIPE, "home", &server.url(), variables()));
    watch.ready().await;
    answered(&handle).await;
    assert_eq!(server.sockets(), 1);
    assert_eq!(server.faults(), Vec::<String>::new());
    catch_up(&handle, &mut watch).await;
    // Answers of the heartbeat are no messages; those of the login are.
    assert!(watch.seen().iter().any(|event| event.contains("auth_ok")));
    assert!(!watch.seen().iter().any(|event| event.contains("pong")));
    holds_no_secret(&watch, TOKEN);
}

#[tokio::test]
async fn a_refused_token_is_told_and_never_ready() {
    let server = Server::start(|line| login(line, "another token"));
    let (_manager, handle, mut watch) = open(recipe(RECIPE, "home", &server.url(), variables()));
    watch.failed().await;
    let status = handle.status().await.unwrap();
    let text = serde_json::to_string(&status).unwrap();
    assert!(text.contains("script_refused"), "{text}");
    assert!(text.contains("Invalid access token or password"), "{text}");
    assert!(
        !watch
            .seen()
            .iter()
            .any(|event| event.contains(r#""type":"ready""#))
    );
    assert_eq!(server.sockets(), 1);
    holds_no_secret(&watch, TOKEN);
}

#[tokio::test]
async fn it_comes_back_from_a_cut_before_within_and_behind_each_step() {
    let server = Server::start(|line| match line.number {
        0 => Err(line.cut()),
        1 => {
            line.say(r#"{"type":"auth_required"}"#)?;
            Err(line.cut())
        }
        2 => {
            line.say(r#"{"type":"auth_required"}"#)?;
            line.hear()?;
            Err(line.cut())
        }
        3 => {
            login(line, TOKEN)?;
            Err(line.cut())
        }
        4 => {
            login(line, TOKEN)?;
            serve(line, 1)?;
            Err(line.cut())
        }
        _ => {
            login(line, TOKEN)?;
            serve(line, usize::MAX)
        }
    });
    let (_manager, handle, _watch) = open(recipe(RECIPE, "home", &server.url(), variables()));
    poll_until("the sixth socket", SOON, || server.sockets() == 6).await;
    wait_for_state(&handle, State::Open).await;
    answered(&handle).await;
    assert_eq!(server.sockets(), 6);
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn a_server_that_does_not_answer_the_login_is_left_in_time() {
    let server = Server::start(|line| {
        line.say(r#"{"type":"auth_required"}"#)?;
        line.until_gone()
    });
    let text = RECIPE.replace("give_up =", "within = \"1s\", give_up =");
    let (_manager, _handle, mut watch) = open(recipe(&text, "home", &server.url(), variables()));
    let error = watch.error().await.to_string();
    assert!(error.contains("script_timeout"), "{error}");
    assert!(
        error.contains("auth_ok"),
        "what was expected is told: {error}"
    );
}
