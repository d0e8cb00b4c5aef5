use super::*;
use crate::settings::Heartbeat;

fn timed() -> D {
    D {
        interval: "${beat}ms",
        timeout: "${wait}s",
        idle: "${idle}s",
        capture: &[
            ("beat", "/beat"),
            ("wait", "/wait"),
            ("idle", "/idle"),
            ("seq", "/seq"),
        ],
        ..D::default()
    }
}

fn all(talk: &Talk) -> [Option<Duration>; 3] {
    let talk = &talk.conversation;
    [talk.interval(), talk.timeout(), talk.idle()]
}

#[test]
fn times_take_effect_when_they_first_have_a_value() {
    let mut talk = timed().talk();
    assert_eq!(talk.opened(), "passed");
    assert_eq!(all(&talk), [None; 3]);
    assert_eq!(talk.hear(r#"{"beat":41250}"#), "times");
    assert_eq!(all(&talk), [Some(millis(41_250)), None, None]);
    // Another capture, and the same value again.
    assert_eq!(talk.hear(r#"{"seq":1}"#), "");
    assert_eq!(talk.hear(r#"{"beat":41250}"#), "");
    assert_eq!(talk.hear(r#"{"wait":5,"idle":45}"#), "times");
    assert_eq!(
        all(&talk),
        [Some(millis(41_250)), Some(secs(5)), Some(secs(45))]
    );
    assert_eq!(talk.hear(r#"{"beat":1000}"#), "times");
    assert_eq!(all(&talk)[0], Some(secs(1)));
    // The next socket has them from the beginning.
    talk.lost(&Cause::Eof, None);
    assert_eq!(talk.opened(), "times; passed");
    assert_eq!(all(&talk), [Some(secs(1)), Some(secs(5)), Some(secs(45))]);
}

#[test]
fn what_is_cleared_holds_until_the_next_socket() {
    let mut dialogue = timed();
    dialogue.rules = vec![R {
        when: r#"/op == "forget""#,
        clear: &["beat"],
        ..R::default()
    }];
    let mut talk = dialogue.open();
    talk.hear(r#"{"beat":5000}"#);
    assert_eq!(talk.hear(r#"{"op":"forget"}"#), "");
    assert_eq!(all(&talk)[0], Some(secs(5)));
    talk.lost(&Cause::Eof, None);
    assert_eq!(talk.opened(), "times; passed");
    assert_eq!(all(&talk)[0], None);
}

#[test]
fn what_a_peer_names_is_clamped_and_what_is_no_duration_is_told_once() {
    let day = secs(24 * 60 * 60);
    let bad = |came_to: &str, key: &str, default: &str| {
        Some(format!(
            "error template: {key} came to {came_to:?}, which is not a duration: {default}"
        ))
    };
    let interval = "heartbeat.interval (${beat}ms)";
    for (value, expected, told) in [
        ("0", Some(secs(1)), None),
        ("-30", Some(secs(1)), None),
        ("300", Some(secs(1)), None),
        ("1e12", Some(day), None),
        ("1000000000000", Some(day), None),
        (r#""300""#, Some(secs(1)), None),
        (
            r#""soon""#,
            Some(Heartbeat::DEFAULT_INTERVAL),
            bad("soonms", interval, "10s is taken"),
        ),
        (
            r#"{"s":1}"#,
            Some(Heartbeat::DEFAULT_INTERVAL),
            bad(r#"{"s":1}ms"#, interval, "10s is taken"),
        ),
        (
            r#"""#.repeat(2).as_str(),
            Some(Heartbeat::DEFAULT_INTERVAL),
            bad("ms", interval, "10s is taken"),
        ),
        ("null", None, None),
    ] {
        let mut talk = timed().open();
        talk.hear(format!(r#"{{"beat":{value}}}"#));
        assert_eq!(talk.conversation.interval(), expected, "{value}");
        let told_of: Vec<String> = talk.out.iter().map(text).collect();
        let error = told_of.iter().find(|reply| reply.starts_with("error"));
        assert_eq!(error, told.as_ref(), "{value}");
        let has_changed = told_of.iter().any(|reply| reply == "times");
        assert_eq!(has_changed, expected.is_some(), "{value}");
    }
}

#[test]
fn each_key_tells_once_per_socket_what_its_default_is() {
    let mut talk = timed().open();
    let bad = r#"{"beat":"x","wait":"y","idle":"z"}"#;
    assert_eq!(
        talk.hear(bad),
        "error template: heartbeat.interval (${beat}ms) came to \"xms\", which is not a duration: 10s is taken; \
         error template: heartbeat.timeout (${wait}s) came to \"ys\", which is not a duration: 20s is taken; \
         error template: idle_timeout (${idle}s) came to \"zs\", which is not a duration: there is none; times"
    );
    assert_eq!(all(&talk), [Some(secs(10)), Some(secs(20)), None]);
    assert_eq!(talk.hear(r#"{"beat":"v","wait":"v","idle":"v"}"#), "");
    assert_eq!(talk.hear(r#"{"idle":60}"#), "times");
    talk.lost(&Cause::Eof, None);
    let told = talk.opened();
    assert_eq!(told.matches("error template").count(), 2, "{told}");
}

#[test]
fn a_step_that_comes_again_has_its_time_from_the_peer() {
    let boot = script([S {
        send: "boot",
        expect: "/ok",
        again: "/again",
        after: "${/after}s",
        ..S::default()
    }]);
    let day = secs(24 * 60 * 60);
    let slow = secs(30);
    for (message, after, told) in [
        (r#"{"again":1,"after":7}"#, secs(7), ""),
        (r#"{"again":1,"after":0}"#, secs(1), ""),
        (r#"{"again":1,"after":-30}"#, secs(1), ""),
        (r#"{"again":1,"after":300}"#, secs(300), ""),
        (r#"{"again":1,"after":1000000000000}"#, day, ""),
        (
            r#"{"again":1,"after":"soon"}"#,
            slow,
            "error template: again.after of step 1 of open_script (${/after}s) came to \"soons\", which is not a duration: 30s is taken",
        ),
        (
            r#"{"again":1}"#,
            slow,
            "error template: again.after of step 1 of open_script (${/after}s) has no value: 30s is taken",
        ),
    ] {
        let mut talk = boot.open();
        talk.send();
        assert_eq!(talk.hear(message), told, "{message}");
        assert_eq!(talk.left(), Some(after), "{message}");
        talk.wait(after);
        talk.send();
        assert_eq!(talk.hear(message), "", "{message}");
    }
}

#[test]
fn times_of_a_successor_are_those_of_its_socket() {
    let mut talk = timed().open();
    talk.hear(r#"{"beat":5000,"wait":9}"#);
    let mut successor = Talk::of(talk.conversation.successor());
    assert_eq!(successor.opened(), "times; passed");
    successor.hear(r#"{"beat":7000}"#);
    talk.hear(r#"{"wait":3}"#);
    talk.conversation
        .adopt(successor.conversation, &mut Vec::new());
    assert_eq!(talk.conversation.interval(), Some(secs(7)));
    // A value that only the old socket received takes effect with the next message.
    assert_eq!(talk.hear("x"), "times");
    assert_eq!(all(&talk), [Some(secs(7)), Some(secs(3)), None]);
}

#[test]
fn a_time_that_a_let_says_follows_its_captures() {
    let mut talk = D {
        lets: &[("half", "${beat}00")],
        interval: "${half}ms",
        capture: &[("beat", "/beat")],
        ..D::default()
    }
    .open();
    assert_eq!(talk.conversation.interval(), None);
    assert_eq!(talk.hear(r#"{"beat":50}"#), "times");
    assert_eq!(talk.conversation.interval(), Some(secs(5)));
}
