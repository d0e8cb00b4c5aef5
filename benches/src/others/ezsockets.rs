//! ezsockets: the other reconnecting client with a handle.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use async_trait::async_trait;
use bytes::Bytes;
use ezsockets::{Client, ClientConfig, ClientExt, Error, Utf8Bytes};
use tokio::{
    sync::{Notify, Semaphore},
    task::JoinSet,
};

use crate::{
    load::{Load, SOCKETS},
    process::{cpu, resident},
};

/// Answers each message with the next.
struct Echo {
    handle: Client<Self>,
    answer: Bytes,
    left_to_send: usize,
    left_to_hear: usize,
    ready: Arc<Semaphore>,
    busy: Arc<AtomicUsize>,
    done: Arc<Notify>,
}

#[async_trait]
impl ClientExt for Echo {
    type Call = ();

    async fn on_connect(&mut self) -> Result<(), Error> {
        self.ready.add_permits(1);
        Ok(())
    }

    async fn on_text(&mut self, _text: Utf8Bytes) -> Result<(), Error> {
        Ok(())
    }

    async fn on_binary(&mut self, _bytes: Bytes) -> Result<(), Error> {
        if self.left_to_send > 0 {
            self.left_to_send -= 1;
            self.handle.binary(self.answer.clone())?;
        }
        self.left_to_hear -= 1;
        if self.left_to_hear == 0 && self.busy.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.done.notify_one();
        }
        Ok(())
    }

    async fn on_call(&mut self, _call: ()) -> Result<(), Error> {
        Ok(())
    }
}

/// The CPU time for echoing `load`.
pub async fn echo(url: &str, load: Load) -> Duration {
    let (busy, done) = (Arc::new(AtomicUsize::new(SOCKETS)), Arc::new(Notify::new()));
    let ready = Arc::new(Semaphore::new(0));
    let answer = Bytes::from(vec![7; load.size]);
    let mut handles = Vec::new();
    for _ in 0..SOCKETS {
        let (ready, busy, done) = (Arc::clone(&ready), Arc::clone(&busy), Arc::clone(&done));
        let answer = answer.clone();
        let echo = move |handle| Echo {
            handle,
            answer,
            left_to_send: load.each() - load.in_flight,
            left_to_hear: load.each(),
            ready,
            busy,
            done,
        };
        handles.push(connect(url, echo).await);
    }
    let _all = ready
        .acquire_many(SOCKETS as u32)
        .await
        .expect("all clients");
    let before = cpu();
    for handle in &handles {
        for _ in 0..load.in_flight {
            handle.binary(answer.clone()).expect("room");
        }
    }
    done.notified().await;
    cpu() - before
}

/// The memory of each idle client, in bytes.
pub async fn idle(url: &str, count: usize) -> f64 {
    let before = resident();
    let _clients = dial_all(url, count).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    (resident() - before) as f64 / count as f64
}

/// The CPU time for dialling, 64 at a time.
pub async fn dial(url: &str, count: usize) -> (Duration, Duration) {
    let (before, start) = (cpu(), Instant::now());
    let _clients = dial_all(url, count).await;
    (cpu() - before, start.elapsed())
}

async fn dial_all(url: &str, count: usize) -> Vec<Client<Idle>> {
    let budget = Arc::new(Semaphore::new(64));
    let mut tasks = JoinSet::new();
    for _ in 0..count {
        let (budget, url) = (Arc::clone(&budget), url.to_owned());
        tasks.spawn(async move {
            let _permit = budget.acquire().await.expect("a budget");
            let connected = Arc::new(Notify::new());
            let told = Arc::clone(&connected);
            let handle = connect(&url, move |_| Idle(told)).await;
            connected.notified().await;
            handle
        });
    }
    tasks.join_all().await
}

struct Idle(Arc<Notify>);

#[async_trait]
impl ClientExt for Idle {
    type Call = ();

    async fn on_connect(&mut self) -> Result<(), Error> {
        self.0.notify_one();
        Ok(())
    }

    async fn on_text(&mut self, _text: Utf8Bytes) -> Result<(), Error> {
        Ok(())
    }

    async fn on_binary(&mut self, _bytes: Bytes) -> Result<(), Error> {
        Ok(())
    }

    async fn on_call(&mut self, _call: ()) -> Result<(), Error> {
        Ok(())
    }
}

async fn connect<E, F>(url: &str, client: F) -> Client<E>
where
    E: ClientExt + 'static,
    F: FnOnce(Client<E>) -> E + 'static,
{
    let config = ClientConfig::new(format!("{url}/echo").as_str());
    let (handle, ended) = ezsockets::connect(client, config).await;
    tokio::spawn(ended);
    handle
}
