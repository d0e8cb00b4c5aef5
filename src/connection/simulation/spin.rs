//! Detects that a name keeps itself awake while no time passes.

use std::{future::poll_fn, pin::pin};

use tokio::time::Instant;

/// More rounds of the tasks than this at one instant are a busy loop. Each round polls some 60
/// tasks.
const ROUNDS: u32 = 20_000;

/// Runs a future for `LocalSet::run_until`, which polls it in each round of its tasks. Panics if
/// time stands still.
pub(super) async fn unless_it_spins<T>(life: impl Future<Output = T>) -> T {
    let mut life = pin!(life);
    let (mut last, mut rounds) = (Instant::now(), 0);
    poll_fn(|cx| {
        let now = Instant::now();
        rounds = if now == last { rounds + 1 } else { 0 };
        last = now;
        assert!(rounds < ROUNDS, "a task spins");
        life.as_mut().poll(cx)
    })
    .await
}

#[tokio::test(start_paused = true)]
#[should_panic(expected = "a task spins")]
async fn a_task_that_wakes_itself_for_ever_is_found() {
    let tasks = tokio::task::LocalSet::new();
    tasks.spawn_local(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    let long = tokio::time::sleep(std::time::Duration::from_secs(1));
    tasks.run_until(unless_it_spins(long)).await;
}
