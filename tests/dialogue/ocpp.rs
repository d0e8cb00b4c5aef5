//! OCPP 1.6: a charge point that boots, waits as long as it is told, and sends heartbeats at the interval that it was given.

use std::time::{Duration, Instant};

use super::{
    Variables, open,
    peer::{Gone, Line, Server},
    recipe,
};

const RECIPE: &str = r#"
[fleet.cp]
range = [1, 1]
name = "cp-{i:04}"
url = "URL"
# quick
heartbeat = { kind = "text", first = "jitter", interval = "${beat}s", timeout = "30s", ping = '[2,"${id}","Heartbeat",{}]', pong = { when = '/0 == 3 && /1 == text(id)' } }
[[fleet.cp.open_script]]
send = '[2,"${id}","BootNotification",{"chargePointVendor":"everwire","chargePointModel":"{name}"}]'
expect = '/0 == 3 && /1 == text(id) && /2/status == "Accepted"'
again = { when = '/0 == 3 && /1 == text(id) && /2/status in ["Pending", "Rejected"]', after = "${/2/interval}s" }
fail = '/0 == 4 && /1 == text(id)'
within = "30s"
capture = { beat = "/2/interval" }
[[fleet.cp.rules]]
when = '/0 == 2 && /2 == "TriggerMessage" && /3/requestedMessage == "Heartbeat"'
send = '[3,"${/1}",{"status":"Accepted"}]'
do = "beat"
[[fleet.cp.rules]]
when = '/0 == 2 && /2 == "GetConfiguration"'
send = '[3,"${/1}",{"configurationKey":[],"unknownKey":[]}]'
[[fleet.cp.rules]]
when = '/0 == 2'
send = '[4,"${/1}","NotImplemented","",{}]'
"#;

/// A boot notification, and its number.
fn boot(line: &mut Line) -> Result<String, Gone> {
    let said = line.hear()?;
    let model = &said[3]["chargePointModel"];
    line.ask(
        said[0] == 2 && said[2] == "BootNotification" && model == "cp-0001",
        format!("nothing but a boot notification before Accepted: {said}"),
    );
    Ok(said[1].as_str().unwrap_or_default().to_owned())
}

fn answer(line: &mut Line, id: &str, status: &str, interval: u64) -> Result<(), Gone> {
    line.say(format!(
        r#"[3,"{id}",{{"status":"{status}","currentTime":"2026-11-29T20:53:32.486Z","interval":{interval}}}]"#
    ))
}

#[tokio::test]
async fn it_boots_again_after_the_time_it_is_told_and_beats_at_its_interval() {
    let server = Server::start(|line| {
        let first = boot(line)?;
        answer(line, &first, "Pending", 1)?;
        let asked = Instant::now();
        let second = boot(line)?;
        line.ask(second != first, "a number that was used before");
        line.ask(
            asked.elapsed() >= Duration::from_millis(900),
            "it did not wait for the interval",
        );
        answer(line, &second, "Accepted", 2)?;
        let mut last = None;
        for _ in 0..3 {
            let said = line.hear()?;
            line.ask(said[2] == "Heartbeat", format!("no heartbeat: {said}"));
            let id = said[1].as_str().unwrap_or_default();
            line.say(format!(
                r#"[3,"{id}",{{"currentTime":"2026-11-29T20:53:32.486Z"}}]"#
            ))?;
            let now = Instant::now();
            let apart = last.map(|last| now.duration_since(last));
            let is_regular =
                apart.is_none_or(|apart: Duration| apart.as_millis().abs_diff(2000) < 700);
            line.ask(is_regular, format!("heartbeats {apart:?} apart"));
            last = Some(now);
        }
        line.say("beaten")?;
        line.until_gone()
    });
    let settings = recipe(RECIPE, "cp-0001", &server.url(), Variables(&[]));
    let (_manager, handle, mut watch) = open(settings);
    watch.ready().await;
    watch.text("beaten").await;
    assert_eq!(server.faults(), Vec::<String>::new());
    assert_eq!(server.sockets(), 1);
    assert!(handle.status().await.unwrap().rtt.is_some());
}

#[tokio::test]
async fn calls_are_answered_by_the_first_rule_that_matches() {
    let server = Server::start(|line| {
        let id = boot(line)?;
        // The interval is long: only a trigger brings a heartbeat.
        answer(line, &id, "Accepted", 3600)?;
        for (call, expected) in [
            (
                r#"[2,"a","GetConfiguration",{}]"#,
                r#"[3,"a",{"configurationKey":[],"unknownKey":[]}]"#,
            ),
            (
                r#"[2,"b\"c","Reset",{}]"#,
                r#"[4,"b\"c","NotImplemented","",{}]"#,
            ),
            (
                r#"[2,"d","TriggerMessage",{"requestedMessage":"Heartbeat"}]"#,
                r#"[3,"d",{"status":"Accepted"}]"#,
            ),
        ] {
            line.say(call)?;
            let said = line.hear_text()?;
            line.ask(said == expected, format!("{call}: {said}"));
        }
        let said = line.hear()?;
        line.ask(said[2] == "Heartbeat", format!("no heartbeat: {said}"));
        line.say("done")?;
        line.until_gone()
    });
    let settings = recipe(RECIPE, "cp-0001", &server.url(), Variables(&[]));
    let (_manager, _handle, mut watch) = open(settings);
    watch.text("done").await;
    assert_eq!(server.faults(), Vec::<String>::new());
}

#[tokio::test]
async fn what_it_is_told_to_wait_is_clamped() {
    for interval in ["0", "-30", "1000000000000", "\"soon\"", "null"] {
        let server = Server::start(move |line| {
            let id = boot(line)?;
            line.say(format!(
                r#"[3,"{id}",{{"status":"Pending","interval":{interval}}}]"#
            ))?;
            line.say("told")?;
            line.until_gone()
        });
        let settings = recipe(RECIPE, "cp-0001", &server.url(), Variables(&[]));
        let (_manager, handle, mut watch) = open(settings);
        watch.text("told").await;
        assert_eq!(
            handle.status().await.unwrap().state.as_str(),
            "opening",
            "{interval}"
        );
        let faults = server.faults();
        assert_eq!(faults, Vec::<String>::new(), "{interval}");
    }
}
