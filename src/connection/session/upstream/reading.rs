//! Messages from the peer of a session to its client.

use std::{
    task::{Context, Poll, ready},
    time::Instant,
};

use super::{MAX_FRAMES, MAX_PONGS, Phase, Turn, Upstream};
use crate::{
    connection::session::SessionEnd,
    core::{Cause, Message},
    wire::{CloseFrame, Incoming, code},
};

impl Upstream {
    pub(super) fn poll_read(&mut self, now: Instant, cx: &mut Context<'_>) -> Result<Turn, Cause> {
        let received = self.reader.received();
        let turn = self.read(now, cx);
        if self.reader.received() > received {
            self.pings.heard(now);
        }
        turn
    }

    fn read(&mut self, now: Instant, cx: &mut Context<'_>) -> Result<Turn, Cause> {
        let turn = self.read_turn(now, cx);
        self.reader.rest();
        turn
    }

    fn read_turn(&mut self, now: Instant, cx: &mut Context<'_>) -> Result<Turn, Cause> {
        for _ in 0..MAX_FRAMES {
            let is_heard = match self.poll_listener(now, cx) {
                Poll::Ready(is_heard) => is_heard,
                // A slow client slows the peer down.
                Poll::Pending => {
                    self.pings.does_not_listen();
                    return Ok(Turn::Rest);
                }
            };
            self.pings.listens(now);
            let Poll::Ready(incoming) = self.reader.poll_next(&mut self.stream, now, cx)? else {
                return Ok(Turn::Rest);
            };
            // Messages are passed on unchanged: nothing is decoded.
            let Some(incoming) = incoming else {
                continue;
            };
            match incoming {
                Incoming::Close(frame) => return Ok(self.closed_by_peer(frame, now)),
                Incoming::Text(text) if is_heard => self.hand_over(Message::Text(text)),
                Incoming::Binary(bytes) if is_heard => self.hand_over(Message::Binary(bytes)),
                Incoming::Ping(payload) if is_heard => {
                    if self.pongs.len() == MAX_PONGS {
                        self.pongs.pop_front();
                    }
                    self.pongs.push_back(payload);
                }
                Incoming::Text(_) | Incoming::Binary(_) | Incoming::Ping(_) | Incoming::Pong(_) => {
                }
            }
        }
        Ok(Turn::Again)
    }

    /// Waits until the client has room for a message; `false` if it has left.
    fn poll_listener(&mut self, now: Instant, cx: &mut Context<'_>) -> Poll<bool> {
        if matches!(self.phase, Phase::Closing(..)) {
            return Poll::Ready(false);
        }
        if let Ok(()) = ready!(self.hears.poll_room(cx)) {
            return Poll::Ready(true);
        }
        // The client may have closed just before.
        self.watch_client(now, cx);
        if matches!(self.phase, Phase::Serving) {
            self.close(None, CloseFrame::new(code::GOING_AWAY, ""), now);
        }
        Poll::Ready(false)
    }

    fn closed_by_peer(&mut self, frame: CloseFrame, now: Instant) -> Turn {
        match self.phase {
            // The answer to our close frame.
            Phase::Closing(None, _) if self.buffer.is_empty() => return Turn::Over,
            Phase::Closing(..) => {}
            Phase::Serving | Phase::Flushing(_) => {
                let answer = CloseFrame {
                    code: frame.code,
                    reason: Default::default(),
                };
                let end = SessionEnd::Lost(Cause::Closed(frame));
                self.close(Some(end), answer, now);
            }
        }
        Turn::Again
    }
}
