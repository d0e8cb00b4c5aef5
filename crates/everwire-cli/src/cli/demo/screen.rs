//! The demo on a terminal.

use std::{
    future::Future,
    pin::pin,
    time::{Duration, Instant},
};

use everwire::{Events, Pattern};
use futures::StreamExt;
use jiff::Timestamp;
use ratatui::DefaultTerminal;

use super::{
    board::Board,
    draw,
    keys::{Key, Keys},
    stage::Stage,
};
use crate::cli::Failure;

/// The interval between two draws.
const FRAME: Duration = Duration::from_millis(200);

/// Draws until `stop`, or until the user quits.
///
/// # Errors
///
/// [`Failure::Terminal`].
pub async fn show(
    stage: &Stage,
    mut events: Events,
    stop: impl Future<Output = ()>,
) -> Result<(), Failure> {
    let mut stop = pin!(stop);
    let mut board = Board::new(Timestamp::now());
    let page_url = stage.page_url();
    let mut screen = Screen::enter()?;
    let mut keys = Keys::read().map_err(Failure::Terminal)?;
    let mut frames = tokio::time::interval(FRAME);
    frames.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
    loop {
        tokio::select! {
            _ = frames.tick() => {
                let statuses = stage.manager().statuses(&Pattern::all()).await;
                board.update(&statuses, Instant::now());
                screen.draw(&board, &page_url)?;
            }
            Some(update) = events.next() => board.record(&update),
            Some(key) = keys.next() => match key {
                Key::Quit => return Ok(()),
                Key::Cut => stage.cut(),
                Key::Redraw => screen.draw(&board, &page_url)?,
            },
            () = &mut stop => return Ok(()),
        }
    }
}

/// The alternate screen of the terminal. The normal one is restored when this is dropped or when
/// there is a panic.
struct Screen(DefaultTerminal);

impl Screen {
    fn enter() -> Result<Self, Failure> {
        ratatui::try_init().map(Self).map_err(Failure::Terminal)
    }

    fn draw(&mut self, board: &Board, page_url: &str) -> Result<(), Failure> {
        self.0
            .draw(|frame| draw::draw(frame, board, page_url, Timestamp::now()))
            .map(|_| ())
            .map_err(Failure::Terminal)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        // If the terminal is gone, there is nothing to restore.
        let _gone = ratatui::try_restore();
    }
}
