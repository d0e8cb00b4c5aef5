//! Requests of many callers at once, through a `Handle`.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use everwire::{
    ConnectionSettings, Request,
    dialogue::{Dialogue, RequestSettings},
    language::{Expression, JsonPointer, Names, NothingOutside, Scope, json::PointerSet},
};
use futures::future::join_all;

use super::manager;

/// The time of each of a number of requests that are made at once, repeatedly. The peer echoes.
pub async fn round_trips(url: &str, at_once: usize, rounds: usize) -> Vec<Duration> {
    let mut settings = ConnectionSettings::new(format!("{url}/echo")).expect("a URL");
    settings.dialogue = Some(Arc::new(numbered()));
    let manager = manager(1);
    let name = manager.open("name", settings).expect("a name");
    let ask = async || {
        let start = Instant::now();
        let request =
            Request::new(r#"{"id":7,"of":"some sixty bytes or so, as they are in JSON"}"#);
        name.request(request).await.expect("an answer");
        start.elapsed()
    };
    // The first ones wait for the socket.
    join_all((0..at_once).map(|_| ask())).await;
    let mut all = Vec::with_capacity(at_once * rounds);
    for _ in 0..rounds {
        all.extend(join_all((0..at_once).map(|_| ask())).await);
    }
    all
}

/// Requests and answers have their number at `/id`.
fn numbered() -> Dialogue {
    let (names, mut pointers) = (Names::default(), PointerSet::default());
    let mut scope = Scope::new(&names, &mut pointers, &NothingOutside);
    let answer = Expression::condition("/id == id", &mut scope).expect("a condition");
    let id = JsonPointer::new("/id").expect("a pointer");
    let request = Some(RequestSettings::new(id, answer, &mut pointers));
    Dialogue {
        pointers,
        request,
        ..Dialogue::default()
    }
}
