//! A dial is a span of `tracing`, with its phases.
#![cfg(feature = "tracing")]

mod support;

use std::{
    collections::HashMap,
    fmt::Debug,
    sync::{Arc, Mutex},
};

use everwire::{ConnectionSettings, Manager, Settings, testing::Peer};
use support::{SOON, poll_until};
use tracing::{
    Event, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, layer::Context, prelude::*, registry::LookupSpan};

/// The fields of a span, and those of each event in it.
#[derive(Clone, Debug, Default)]
struct Seen {
    span: HashMap<&'static str, String>,
    events: Vec<HashMap<&'static str, String>>,
}

/// All dials, by span id in the order of their start.
#[derive(Clone, Default)]
struct Recorder(Arc<Mutex<Vec<(u64, Seen)>>>);

struct Fields<'a>(&'a mut HashMap<&'static str, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        self.0
            .insert(field.name(), text.trim_matches('"').to_owned());
    }
}

impl Recorder {
    fn with(&self, id: &Id, change: impl FnOnce(&mut Seen)) {
        let id = id.into_u64();
        let mut dials = self.0.lock().unwrap();
        // An id is used again after its span is closed: the last one counts.
        if let Some((_, seen)) = dials.iter_mut().rev().find(|(known, _)| *known == id) {
            change(seen);
        }
    }

    fn of(&self, name: &str) -> Vec<Seen> {
        let dials = self.0.lock().unwrap();
        let dials = dials.iter().filter(|(_, seen)| seen.span["name"] == name);
        dials.map(|(_, seen)| seen.clone()).collect()
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Recorder {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, _: Context<'_, S>) {
        if attributes.metadata().name() == "dial" {
            let mut seen = Seen::default();
            attributes.record(&mut Fields(&mut seen.span));
            self.0.lock().unwrap().push((id.into_u64(), seen));
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        self.with(id, |seen| values.record(&mut Fields(&mut seen.span)));
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        if let Some(span) = context
            .event_span(event)
            .filter(|span| span.name() == "dial")
        {
            self.with(&span.id(), |seen| {
                let mut fields = HashMap::new();
                event.record(&mut Fields(&mut fields));
                seen.events.push(fields);
            });
        }
    }
}

#[tokio::test]
async fn each_dial_is_a_span_with_its_phases_and_its_end() {
    let recorder = Recorder::default();
    let subscriber = tracing_subscriber::registry().with(recorder.clone());
    tracing::subscriber::set_global_default(subscriber).unwrap();
    let peer = Peer::spawn_thread().unwrap();
    let manager = Manager::spawn(Settings::default()).unwrap();
    manager
        .open("up", ConnectionSettings::new(peer.url("/echo")).unwrap())
        .unwrap();
    let down = ConnectionSettings::new("ws://127.0.0.1:1/?key=s3cret").unwrap();
    manager.open("down", down).unwrap();
    let refused = ConnectionSettings::new(peer.url("/status/503")).unwrap();
    manager.open("refused", refused).unwrap();
    poll_until("dials that have failed", SOON, || {
        let failed = |dials: Vec<Seen>| dials.iter().any(|dial| dial.events.len() >= 2);
        failed(recorder.of("down"))
            && failed(recorder.of("refused"))
            && recorder.of("down").len() > 1
            && recorder.of("up").iter().any(|dial| dial.events.len() == 2)
    })
    .await;

    let phases = |seen: &Seen| -> Vec<String> {
        let phases = seen
            .events
            .iter()
            .filter(|event| event["message"] == "phase");
        phases.map(|event| event["phase"].clone()).collect()
    };
    let dial = &recorder.of("up")[0];
    assert_eq!(dial.span["attempt"], "0");
    assert_eq!(dial.span["host"], peer.addr().to_string());
    assert_eq!(phases(dial), ["tcp", "upgrade"]);
    assert!(
        dial.events
            .iter()
            .all(|event| event.contains_key("took_ms")),
        "{dial:?}"
    );

    let dials = recorder.of("down");
    assert_eq!(
        (&*dials[0].span["attempt"], &*dials[1].span["attempt"]),
        ("0", "1")
    );
    assert_eq!(dials[0].span["host"], "127.0.0.1:1");
    assert_eq!(phases(&dials[0]), ["tcp"]);
    let end = dials[0].events.last().unwrap();
    assert_eq!(
        (&*end["message"], &*end["phase"], &*end["cause"]),
        ("failed", "tcp", "refused")
    );
    let dial = &recorder.of("refused")[0];
    assert_eq!(phases(dial), ["tcp", "upgrade"]);
    assert_eq!(dial.events.last().unwrap()["cause"], "handshake_status");
    assert!(!format!("{dials:?}").contains("s3cret"));
}
