use std::{
    sync::{Arc, mpsc},
    time::Duration,
};

use everwire_proto::{
    dialogue::Holder,
    language::{MessageTemplate, Names, NothingOutside, Scope, TemplateKind, json::PointerSet},
    settings::dialogue::{
        Asking, DeclaredSubscription, Dialogue, Sending, SubscribeSettings, SubscriptionItem,
        SubscriptionWords,
    },
};
use tokio::time::timeout;

use super::{Handle, Manager};
use crate::{
    connection::{HoldError, RecalledWish},
    core::ConnectionName,
    settings::{ConnectionSettings, InvalidSubscription, Settings, SubscriptionWish},
};

const SESSION: Holder = Holder::Session(7);
const SOON: Duration = Duration::from_secs(15);

fn template(text: &str) -> MessageTemplate {
    let (names, mut pointers) = (Names::default(), PointerSet::default());
    let mut scope = Scope::new(&names, &mut pointers, &NothingOutside);
    MessageTemplate::parse(text, TemplateKind::Text, &mut scope).unwrap()
}

/// Settings of a name that is not dialled, with subscriptions.
fn settings() -> ConnectionSettings {
    let words = SubscriptionWords {
        on: Some(Asking::Send(Sending::Text(template("${item}")))),
        ..SubscriptionWords::default()
    };
    let mut settings = ConnectionSettings::new("ws://127.0.0.1:9/").unwrap();
    settings.enabled = false;
    settings.dialogue = Some(Arc::new(Dialogue {
        subscribe: Some(Arc::new(SubscribeSettings::new(words))),
        ..Dialogue::default()
    }));
    settings
}

/// The key is the item; `bad` is refused.
fn compile(
    _: &Dialogue,
    key: &str,
    _: &SubscriptionWish,
) -> Result<Arc<DeclaredSubscription>, InvalidSubscription> {
    match key {
        "bad" => Err(InvalidSubscription("it is bad".into())),
        _ => Ok(Arc::new(DeclaredSubscription {
            key: key.into(),
            item: SubscriptionItem::Text(template(key)),
            words: None,
        })),
    }
}

fn open() -> (Manager, Handle) {
    let manager = Manager::spawn(Settings::default()).unwrap();
    let handle = manager.open("feed", settings()).unwrap();
    (manager, handle)
}

async fn hold(handle: &Handle, key: &str, holder: Holder) -> Result<(), HoldError> {
    let wish = SubscriptionWish::default();
    let held = handle.hold_compiled(key, wish, holder, compile).await;
    held.map(drop)
}

/// The holders of all keys, the API first.
async fn held(handle: &Handle) -> Vec<(String, Vec<Holder>)> {
    let all = handle.subscriptions().await.unwrap();
    all.into_iter()
        .map(|mut status| {
            status.holders.sort_by_key(|holder| *holder != Holder::Api);
            (status.key.to_string(), status.holders)
        })
        .collect()
}

/// Blocks the actor of the name until this is dropped.
fn occupy(manager: &Manager) -> mpsc::Sender<()> {
    let (release, wait) = mpsc::channel();
    let (begin, begun) = mpsc::channel();
    let arbiter = manager.0.names.read().entries["feed"].arbiter;
    let spawned = manager.0.arbiters.get(arbiter).spawn(async move {
        begin.send(()).unwrap();
        let _released = wait.recv_timeout(SOON);
    });
    assert!(spawned);
    // Messages sent to the actor earlier would be handled first.
    begun.recv_timeout(SOON).unwrap();
    release
}

#[tokio::test]
async fn who_stops_waiting_holds_nothing_that_was_not_held() {
    let (manager, handle) = open();
    hold(&handle, "kept", Holder::Api).await.unwrap();
    let release = occupy(&manager);
    for key in ["new", "kept"] {
        let late = timeout(Duration::from_millis(50), hold(&handle, key, Holder::Api));
        assert!(late.await.is_err(), "{key}");
    }
    drop(release);
    assert_eq!(held(&handle).await, [("kept".into(), vec![Holder::Api])]);
    // Another attempt succeeds like the first.
    hold(&handle, "new", Holder::Api).await.unwrap();
    assert_eq!(held(&handle).await.len(), 2);
    manager.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn an_answer_that_nobody_hears_holds_nothing() {
    let (manager, handle) = open();
    hold(&handle, "kept", Holder::Api).await.unwrap();
    for key in ["new", "kept"] {
        let release = occupy(&manager);
        let mut unheard = Box::pin(hold(&handle, key, Holder::Api));
        assert!(futures::poll!(&mut unheard).is_pending());
        drop(release);
        // It was accepted before this is answered.
        let all = held(&handle).await;
        assert!(all.iter().any(|(held, _)| held == key), "{all:?}");
        drop(unheard);
        assert_eq!(held(&handle).await, [("kept".into(), vec![Holder::Api])]);
    }
    manager.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn who_lets_go_without_waiting_has_let_go() {
    let (manager, handle) = open();
    hold(&handle, "a", Holder::Api).await.unwrap();
    let release = occupy(&manager);
    let released = handle.release_subscription("a", Holder::Api);
    assert!(timeout(Duration::from_millis(50), released).await.is_err());
    drop(release);
    assert_eq!(held(&handle).await, []);
    manager.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn what_is_recalled_is_there_when_the_name_is_opened() {
    let manager = Manager::spawn(Settings::default()).unwrap();
    let (feed, other) = (name("feed"), name("other"));
    for (name, key) in [(&feed, "a"), (&feed, "bad"), (&other, "x")] {
        manager.recall_compiled(name, recalled(key));
    }
    manager.forget_recalled(&other);
    let handle = manager.open(&feed, settings()).unwrap();
    assert_eq!(held(&handle).await, [("a".into(), vec![Holder::Api])]);
    // An existing name has it at once.
    manager.recall_compiled(&feed, recalled("b"));
    assert_eq!(held(&handle).await.len(), 2);
    assert_eq!(
        handle.release_subscription("a", Holder::Api).await,
        Ok(true)
    );
    let handle = manager.open(&other, settings()).unwrap();
    assert_eq!(held(&handle).await, []);
    manager.shutdown(Duration::from_secs(1)).await;
}

fn name(name: &str) -> ConnectionName {
    ConnectionName::new(name).unwrap()
}

fn recalled(key: &str) -> RecalledWish {
    RecalledWish {
        key: key.into(),
        wish: SubscriptionWish::default(),
        holder: Holder::Api,
        compile,
    }
}

#[tokio::test]
async fn a_wish_that_panics_costs_the_name_no_life() {
    let (manager, handle) = open();
    let wish = RecalledWish {
        compile: |_, _, _| panic!("a wish that panics"),
        ..recalled("bad")
    };
    manager.recall_compiled(&name("feed"), wish);
    assert_eq!(held(&handle).await, []);
    hold(&handle, "a", Holder::Api).await.unwrap();
    assert_eq!(held(&handle).await, [("a".into(), vec![Holder::Api])]);
    assert_eq!(manager.find("feed").unwrap().epoch(), handle.epoch());
    manager.shutdown(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn what_callers_hold_outlives_settings_that_do_not_subscribe() {
    let (manager, handle) = open();
    hold(&handle, "a", Holder::Api).await.unwrap();
    hold(&handle, "b", SESSION).await.unwrap();
    let mut plain = settings();
    plain.dialogue = None;
    manager.configure("feed", plain).await.unwrap();
    let released = handle.release_subscription("b", SESSION).await;
    assert!(matches!(released, Ok(_) | Err(HoldError::NoSubscribe)));
    manager.configure("feed", settings()).await.unwrap();
    assert_eq!(held(&handle).await, [("a".into(), vec![Holder::Api])]);
    manager.shutdown(Duration::from_secs(1)).await;
}

/// The handle of the name after its actor died.
#[cfg(feature = "faults")]
async fn dies(manager: &Manager, handle: &Handle) -> Handle {
    let died = handle.epoch();
    let _dead = handle.addr().send(crate::connection::Fault::Death).await;
    let until = std::time::Instant::now() + SOON;
    loop {
        let handle = manager.find("feed").unwrap();
        if handle.epoch() > died && handle.status().await.is_ok() {
            return handle;
        }
        assert!(std::time::Instant::now() < until, "it is not made anew");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[cfg(feature = "faults")]
#[tokio::test]
async fn what_callers_hold_outlives_the_actor() {
    let (manager, handle) = open();
    hold(&handle, "a", Holder::Api).await.unwrap();
    hold(&handle, "b", SESSION).await.unwrap();
    hold(&handle, "b", Holder::Api).await.unwrap();
    let next = dies(&manager, &handle).await;
    let both = vec![Holder::Api, SESSION];
    assert_eq!(
        held(&next).await,
        [("a".into(), vec![Holder::Api]), ("b".into(), both)]
    );
    // A release with a handle of the earlier actor counts, too.
    for key in ["a", "b"] {
        let released = handle.release_subscription(key, Holder::Api).await;
        assert!(matches!(released, Err(HoldError::Gone(_))), "{released:?}");
    }
    assert_eq!(held(&next).await, [("b".into(), vec![SESSION])]);
    let next = dies(&manager, &next).await;
    assert_eq!(held(&next).await, [("b".into(), vec![SESSION])]);
    manager.shutdown(Duration::from_secs(1)).await;
}
