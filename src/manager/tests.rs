use std::time::Duration;

use futures::StreamExt;

use super::*;
use crate::{
    core::Pattern,
    events::{Notice, Stamp, Update},
    hub::{Delivery, Kinds},
    settings::{ConnectionSettings, Settings},
};

/// Settings of a connection without a server.
fn settings() -> ConnectionSettings {
    ConnectionSettings::new("ws://127.0.0.1:9/").unwrap()
}

/// Starts a process with one name. Returns the stamp of its first event.
async fn begin() -> (Manager, Stamp) {
    let manager = Manager::spawn(Settings::default()).unwrap();
    let mut events = manager.resume(Pattern::all(), Delivery::default(), None);
    manager.open("feed", settings()).unwrap();
    let first = events.next().await.unwrap();
    (manager, first.stamp().unwrap().clone())
}

/// Nothing is stored: neither the events of an earlier process nor its last position.
#[tokio::test]
async fn a_cursor_of_an_earlier_process_is_answered_lagged() {
    let (earlier, old) = begin().await;
    let receipt = earlier.find("feed").unwrap().send("hello").unwrap();
    earlier.shutdown(Duration::from_secs(1)).await;
    let (later, new) = begin().await;
    for kinds in ["message", "sent", "connecting", "message,sent,error"] {
        let delivery = Delivery::default().kinds(Kinds::parse(kinds).unwrap());
        let mut events = later.resume(Pattern::all(), delivery, Some(old.cursor));
        let first = events.next().await;
        assert!(
            matches!(first, Some(Update::Notice(Notice::Lagged(_)))),
            "{kinds}: {first:?}"
        );
    }
    if cfg!(not(feature = "durable")) {
        let feed = later.find("feed").unwrap();
        assert_ne!(new.epoch, old.epoch);
        feed.send("another").unwrap();
        assert!(feed.receipt_in(old.epoch, receipt.id()).is_none());
    }
    later.shutdown(Duration::from_secs(1)).await;
}

#[cfg(not(feature = "durable"))]
mod without_a_store {
    use std::sync::Arc;

    use everwire_proto::{
        language::{Expression, Names, NothingOutside, Scope, json::PointerSet},
        settings::dialogue::{Capture, Dialogue},
    };

    use super::*;

    /// A change of the settings that needs a store, and its key.
    type Durable = (&'static str, fn(&mut ConnectionSettings));

    const DURABLE: [Durable; 3] = [
        ("outbox.durable", |settings| settings.outbox.durable = true),
        ("history.durable", |settings| {
            settings.history.durable = true
        }),
        ("capture.keep", |settings| {
            settings.dialogue = Some(Arc::new(keeps_a_number()));
        }),
    ];

    /// A dialogue with one capture that outlives the process.
    fn keeps_a_number() -> Dialogue {
        let mut names = Names::default();
        names.capture("seq").unwrap();
        let mut pointers = PointerSet::default();
        let mut scope = Scope::new(&names, &mut pointers, &NothingOutside);
        let capture = Capture {
            name: 0,
            value: Expression::value("/s", &mut scope).unwrap(),
            when: None,
            secret: false,
            keep: true,
        };
        Dialogue {
            names,
            pointers,
            captures: vec![capture],
            ..Dialogue::default()
        }
    }

    #[tokio::test]
    async fn a_name_that_is_to_be_durable_is_refused_and_told_why() {
        let manager = Manager::spawn(Settings::default()).unwrap();
        manager.open("plain", settings()).unwrap();
        for (key, change) in DURABLE {
            let mut settings = settings();
            change(&mut settings);
            let refused = manager.open("feed", settings.clone());
            let Err(OpenError::FeatureMissing(missing)) = refused else {
                panic!("{key}: {refused:?}");
            };
            assert_eq!((missing.feature, missing.key), ("durable", key));
            let text = missing.to_string();
            assert!(text.contains(&format!("set {key} = false")), "{text}");
            assert!(manager.find("feed").is_none());

            let refused = manager.configure("plain", settings.clone()).await;
            assert_eq!(refused, Err(ConfigureError::FeatureMissing(missing)));
            assert_eq!(*manager.settings("plain").unwrap(), self::settings());

            // Sessions have no durable state.
            settings.sessions_only = true;
            manager
                .open(format!("sessions-{}", &key[..3]), settings)
                .unwrap();
        }
        manager.shutdown(Duration::from_secs(1)).await;
    }

    #[test]
    fn no_manager_begins_with_what_it_cannot_keep() {
        let mut remembers = Settings::default();
        remembers.service.remember = true;
        let mut durable = Settings::default();
        let mut feed = settings();
        feed.outbox.durable = true;
        let name = crate::core::ConnectionName::new("feed").unwrap();
        durable.connections.insert(name, feed);
        for (settings, begins) in [
            (remembers, "service.remember needs the feature \"durable\""),
            (
                durable,
                "the connection \"feed\": outbox.durable needs the feature \"durable\"",
            ),
        ] {
            let refused = Manager::spawn(settings);
            let Err(StartError::FeatureMissing { missing, .. }) = &refused else {
                panic!("{refused:?}");
            };
            assert_eq!(missing.feature, "durable");
            let text = refused.unwrap_err().to_string();
            assert!(text.starts_with(begins), "{text}");
        }
    }
}

#[cfg(not(feature = "socks"))]
#[tokio::test]
async fn a_name_whose_proxy_speaks_socks_is_refused_and_told_why() {
    use crate::settings::{Proxy, ProxyUrl};

    let manager = Manager::spawn(Settings::default()).unwrap();
    let mut settings = settings();
    settings.proxy = Some(Proxy::Url(ProxyUrl::new("socks5h://127.0.0.1:1").unwrap()));
    let refused = manager.open("feed", settings.clone());
    let Err(OpenError::FeatureMissing(missing)) = refused else {
        panic!("{refused:?}");
    };
    assert_eq!((missing.feature, missing.key), ("socks", "proxy"));
    settings.proxy = Some(Proxy::Url(ProxyUrl::new("http://127.0.0.1:1").unwrap()));
    manager.open("feed", settings).unwrap();
    manager.shutdown(Duration::from_secs(1)).await;
}
