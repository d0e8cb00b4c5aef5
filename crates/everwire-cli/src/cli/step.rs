//! The current step of a script, the waiting answers of rules, and the numbers of requests and
//! subscriptions.

use jiff::Timestamp;

use super::{
    client::{Requests, Rotation, RuleRate, Step, Subscriptions},
    words,
};

/// How a rotation fails, and when it is tried again.
pub fn rotation(rotation: Rotation, error: Option<&str>, now: Timestamp) -> String {
    let times = words::count(rotation.failures, "time");
    let next = match rotation.retry_at {
        Some(at) => format!("next dial {}", words::until(words::between(now, at))),
        None => "a dial is on its way".into(),
    };
    match error {
        Some(error) => format!("failed {times}, {next}: {error}"),
        None => format!("failed {times}, {next}"),
    }
}

/// Where a script stands, in one line.
pub fn line(step: &Step, now: Timestamp) -> String {
    let time = |earlier, later| words::duration(words::between(earlier, later).as_secs_f64() * 1e3);
    let of = match &*step.script {
        "open_script" => String::new(),
        script => format!(" of {}", words::one_line(script)),
    };
    let place = format!("step {} of {}{of}", step.number, step.steps);
    let since = time(step.since, now);
    let does = step.send.as_ref().or(step.call.as_ref());
    let sends = does.map(|does| words::printable(does));
    let left = step.until.map(|until| time(now, until));
    if let ("subscribe", Some(awaited)) = (&*step.script, &step.expect) {
        return format!("awaits {} for {since}", words::printable(awaited));
    }
    match (&*step.state, sends) {
        ("rests", _) => {
            let left = left.unwrap_or_default();
            format!("{place}, comes again in {left}")
        }
        ("queued", Some(sends)) => {
            format!("{place}, {sends} waits for its turn for {since}")
        }
        ("made", Some(sends)) => format!("{place}, {sends} is being written for {since}"),
        ("calls", Some(calls)) => format!("{place}, {calls} called {since} ago"),
        (_, sends) => {
            let sent = sends.map(|sends| format!(", {sends} sent {since} ago"));
            let began = || format!(", began {since} ago");
            let waits = step.expect.as_deref().map(|expect| {
                let met = match step.count {
                    0 | 1 => String::new(),
                    count => format!(" ({} of {count})", step.met),
                };
                format!(", waits for {}{met}", words::printable(expect))
            });
            let left = left.map(|left| format!(", {left} left"));
            [Some(place), Some(sent.unwrap_or_else(began)), waits, left]
                .into_iter()
                .flatten()
                .collect()
        }
    }
}

/// The waiting answers, in one line.
pub fn waiting(rate: RuleRate) -> String {
    let (answers, verb) = match rate.waiting {
        1 => ("answer of rules", "waits"),
        _ => ("answers of rules", "wait"),
    };
    format!(
        "{} {answers} {verb}: at most 100 go out in a second",
        rate.waiting
    )
}

/// The requests without an answer, in one line.
pub fn requests(Requests { waiting, in_flight }: Requests) -> String {
    format!("{waiting} not sent yet, {in_flight} sent and not answered yet")
}

/// The number of subscriptions in each state, in one line.
pub fn subscriptions(counts: Subscriptions) -> String {
    let Subscriptions {
        wanted,
        sent,
        active,
        refused,
        unanswered,
        ended,
    } = counts;
    let all = [
        ("active", active),
        ("wanted", wanted),
        ("sent", sent),
        ("refused", refused),
        ("unanswered", unanswered),
        ("ended", ended),
    ];
    let told = all.iter().filter(|(_, count)| *count > 0);
    let told = told.map(|(state, count)| format!("{count} {state}"));
    told.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use serde::Deserialize as _;
    use serde_json::json;

    use super::*;

    #[test]
    fn a_rotation_that_fails_is_told_with_what_comes_next() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let told = |failures, seconds: Option<i64>, error| {
            let retry_at = seconds.map(|seconds| now + jiff::SignedDuration::from_secs(seconds));
            rotation(Rotation { failures, retry_at }, error, now)
        };
        assert_eq!(told(1, None, None), "failed 1 time, a dial is on its way");
        assert_eq!(
            told(5, Some(7), Some("busy")),
            "failed 5 times, next dial in 7s: busy"
        );
        assert_eq!(told(5, Some(0), None), "failed 5 times, next dial now");
    }

    #[test]
    fn subscriptions_are_told_by_their_keys() {
        let now: Timestamp = "2026-01-02T03:04:05Z".parse().unwrap();
        let step = json!({
            "script": "subscribe", "number": 38, "steps": 40, "state": "listens", "send": null, "call": null,
            "expect": "3 of 40 subscriptions: a, b, c", "met": 0, "count": 1, "since": "2026-01-02T03:04:00Z", "until": null,
        });
        let step = Step::deserialize(step).unwrap();
        assert_eq!(
            line(&step, now),
            "awaits 3 of 40 subscriptions: a, b, c for 5.0s"
        );
    }

    #[test]
    fn a_call_is_told_by_its_method_and_url() {
        for (state, expected) in [
            (
                "queued",
                "step 1 of 2 of periodic, PUT https://h/key waits for its turn for 5.0s",
            ),
            (
                "calls",
                "step 1 of 2 of periodic, PUT https://h/key called 5.0s ago",
            ),
        ] {
            let step = json!({
                "script": "periodic", "number": 1, "steps": 2, "state": state, "send": null, "call": "PUT https://h/key", "expect": null,
                "since": "2026-01-02T03:04:10Z", "until": null,
            });
            let step = Step::deserialize(step).unwrap();
            assert_eq!(
                line(&step, "2026-01-02T03:04:15Z".parse().unwrap()),
                expected
            );
        }
    }

    fn told(state: &str, send: Option<&str>, count: u64) -> String {
        let step = json!({
            "script": "open_script", "number": 1, "steps": 2, "state": state, "send": send, "expect": "/a", "met": 1, "count": count,
            "since": "2026-01-02T03:04:10Z", "until": "2026-01-02T03:04:20Z",
        });
        let step = Step::deserialize(step).unwrap();
        line(&step, "2026-01-02T03:04:15Z".parse().unwrap())
    }

    #[test]
    fn each_state_of_a_step_is_a_sentence() {
        for (state, send, count, expected) in [
            (
                "queued",
                Some("x"),
                1,
                "step 1 of 2, x waits for its turn for 5.0s",
            ),
            (
                "made",
                Some("x"),
                1,
                "step 1 of 2, x is being written for 5.0s",
            ),
            (
                "listens",
                None,
                1,
                "step 1 of 2, began 5.0s ago, waits for /a, 5.0s left",
            ),
            (
                "listens",
                Some("x"),
                3,
                "step 1 of 2, x sent 5.0s ago, waits for /a (1 of 3), 5.0s left",
            ),
            ("rests", Some("x"), 1, "step 1 of 2, comes again in 5.0s"),
        ] {
            assert_eq!(told(state, send, count), expected);
        }
        let counts = Subscriptions {
            active: 37,
            refused: 3,
            ..Subscriptions::default()
        };
        assert_eq!(subscriptions(counts), "37 active, 3 refused");
        assert_eq!(
            waiting(RuleRate { waiting: 1 }),
            "1 answer of rules waits: at most 100 go out in a second"
        );
    }
}
