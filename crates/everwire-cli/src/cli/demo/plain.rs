//! The demo without a terminal: a line for each event, a summary every two seconds, and the names
//! at the end.

use std::{
    future::Future,
    pin::pin,
    time::{Duration, Instant},
};

use everwire::{Events, Pattern};
use futures::StreamExt;
use jiff::Timestamp;

use super::{board::Board, stage::Stage, words};
use crate::cli::{Failure, output};

/// How often the summary is written.
const SUMMARY: Duration = Duration::from_secs(2);

/// Writes lines until `stop`.
///
/// # Errors
///
/// [`Failure::Output`].
pub async fn lines(
    stage: &Stage,
    mut events: Events,
    stop: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let mut stop = pin!(stop);
    let mut board = Board::new(Timestamp::now());
    output::print(&format!("the peer listens on {}", stage.peer()))?;
    output::print(&format!("the page is at {}", stage.page_url()))?;
    update(&mut board, stage).await;
    let mut summaries = tokio::time::interval(SUMMARY);
    summaries.tick().await;
    loop {
        tokio::select! {
            Some(update) = events.next() => {
                board.record(&update);
                output::print(&board.line(&update))?;
            }
            _ = summaries.tick() => {
                update(&mut board, stage).await;
                output::print(&summary(&board))?;
            }
            () = &mut stop => break,
        }
    }
    update(&mut board, stage).await;
    output::print(&summary(&board))?;
    output::print(&names(&board, Timestamp::now()))
}

/// Writes the events as JSON lines until `stop`.
///
/// # Errors
///
/// [`Failure::Output`].
pub async fn json_lines(mut events: Events, stop: impl Future<Output = ()>) -> Result<(), Failure> {
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            Some(update) = events.next() => {
                let line = serde_json::to_string(&update).map_err(std::io::Error::from);
                output::print_json(&line.map_err(Failure::Output)?)?;
            }
            () = &mut stop => return Ok(()),
        }
    }
}

async fn update(board: &mut Board, stage: &Stage) {
    let statuses = stage.manager().statuses(&Pattern::all()).await;
    board.update(&statuses, Instant::now());
}

fn summary(board: &Board) -> String {
    let states: Vec<_> = board
        .states()
        .into_iter()
        .map(|(state, count)| format!("{count} {}", state.as_str()))
        .collect();
    let total = board.total();
    format!(
        "--- {} names: {}; {:.1} messages/s in, {:.1} out",
        board.rows().len(),
        states.join(", "),
        total.received,
        total.sent
    )
}

fn names(board: &Board, now: Timestamp) -> String {
    let lines: Vec<_> = board
        .rows()
        .iter()
        .map(|row| {
            let since = words::span(words::between(row.since, now));
            let line = format!(
                "{:<12} {:<10} for {since:<4} reconnects {:<3} {}",
                row.name,
                row.state.as_str(),
                row.reconnects,
                row.waits_for(now)
            );
            line.trim_end().to_owned()
        })
        .collect();
    lines.join("\n")
}
