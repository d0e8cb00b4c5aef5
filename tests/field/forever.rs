//! A program that wants no limit.
//!
//! A Rust program may set timeouts to `Duration::MAX` if it finds no other way to say "never". No
//! clock has a time so far away, so adding the two panics.

use std::time::Duration;

use everwire::{ConnectionSettings, Fate, State, config::Heartbeat};

use crate::support::rig::*;

/// A duration in the settings, with its setter.
type Setting = (&'static str, fn(&mut ConnectionSettings, Duration));

const DURATIONS: [Setting; 8] = [
    ("connect_timeout", |settings, forever| {
        settings.connect_timeout = forever
    }),
    ("close_timeout", |settings, forever| {
        settings.close_timeout = forever
    }),
    ("idle_timeout", |settings, forever| {
        settings.idle_timeout = Some(forever)
    }),
    ("rotate_after", |settings, forever| {
        settings.rotate_after = Some(forever)
    }),
    ("outbox.ttl", |settings, forever| {
        settings.outbox.ttl = Some(forever)
    }),
    ("heartbeat.interval", |settings, forever| {
        settings.heartbeat = Heartbeat::Protocol {
            interval: forever,
            timeout: ms(10_000),
        }
    }),
    ("heartbeat.timeout", |settings, forever| {
        settings.heartbeat = Heartbeat::Protocol {
            interval: ms(50),
            timeout: forever,
        }
    }),
    ("reconnect", |settings, forever| {
        settings.reconnect = everwire::Backoff::default().min(forever).into()
    }),
];

#[tokio::test]
async fn a_duration_without_end_is_a_time_that_never_comes() {
    for (key, set) in DURATIONS {
        let rig = Rig::new();
        let feed = rig.open_with("/echo", |settings| {
            settings.heartbeat = Heartbeat::Protocol {
                interval: ms(50),
                timeout: ms(10_000),
            };
            set(settings, Duration::MAX);
        });
        wait_for(key, async || match feed.status().await {
            Ok(status) if status.last_error.is_some() => panic!("{key}: {:?}", status.last_error),
            Ok(status) if status.state == State::Open => Ok(()),
            other => Err(other.map(|status| status.state)),
        })
        .await;
        let receipt = feed.send("x").unwrap();
        assert_eq!(
            receipt.fate(Fate::Confirmed).await,
            Fate::Confirmed,
            "{key}"
        );
        rig.peer.kick("/echo", everwire::testing::How::Fin);
        if key != "reconnect" {
            wait_for(key, async || match rig.peer.connections_at("/echo").len() {
                2.. => Ok(()),
                so_far => Err(so_far),
            })
            .await;
        }
        wait_for(key, async || {
            let status = feed.status().await.unwrap();
            let error = status.last_error.ok_or("no loss yet")?;
            assert_ne!(error.cause.kind(), "panic", "{key}: {}", error.cause);
            Ok::<_, &str>(())
        })
        .await;
        feed.close(1000, "").await.unwrap();
        wait_for_state(&feed, State::Closed).await;
    }
}
