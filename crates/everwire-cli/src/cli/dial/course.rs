//! The progress of a conversation, and its end.

use std::time::Duration;

use everwire::{
    EventKind, Fate, Status, Update,
    core::{CloseBy, ClosedReport},
};
use futures::future::{BoxFuture, FutureExt as _, OptionFuture};

use super::input::Sent;
use crate::cli::{Failure, words};

/// Close codes that are not a complaint: done, going away, none.
const FRIENDLY: [u16; 3] = [1000, 1001, 1005];

/// The progress of a conversation.
#[derive(Debug, Default)]
pub struct Course {
    /// The number of input messages; `None` while there may be more.
    sent: Option<u64>,
    is_written: bool,
    answers: u64,
    was_up: bool,
    /// The cause of the last failed dial.
    failure: Option<String>,
}

impl Course {
    /// Records an update.
    ///
    /// # Errors
    ///
    /// [`Failure::Undone`] if the connection has given up.
    pub fn hear(&mut self, update: &Update) -> Result<(), Failure> {
        match update.kind() {
            Some(EventKind::Ready) => self.was_up = true,
            Some(EventKind::Message(_)) => self.answers += 1,
            Some(EventKind::Retrying(retrying)) => {
                self.failure = Some(retrying.cause.text().into())
            }
            Some(EventKind::Failed(failed)) => {
                return Err(Failure::Undone(format!("gave up: {}", failed.cause)));
            }
            _ => {}
        }
        Ok(())
    }

    /// Records the end of the input. The future ends when the last message is written, or cannot be
    /// written any more.
    pub fn read(&mut self, sent: Sent) -> OptionFuture<BoxFuture<'static, Fate>> {
        self.sent = Some(sent.count);
        let last = sent.last;
        let written = last.map(|last| async move { last.fate(Fate::Written).await }.boxed());
        written.into()
    }

    /// Records that the last message is written or cannot be written any more. The end says which.
    pub fn written(&mut self) {
        self.is_written = true;
    }

    /// Whether there may be more input.
    pub fn is_reading(&self) -> bool {
        self.sent.is_none()
    }

    /// Whether the last message waits.
    pub fn is_writing(&self) -> bool {
        self.sent.is_some() && !self.is_written
    }

    /// Whether no input message waits.
    pub fn is_written(&self) -> bool {
        self.is_written
    }

    /// Whether everything is sent; with `lingers`, also answered.
    ///
    /// # Errors
    ///
    /// [`Failure::Undone`] if the input has ended and no dial has succeeded.
    pub fn is_over(&self, lingers: bool) -> Result<bool, Failure> {
        let Some(sent) = self.sent else {
            return Ok(false);
        };
        match &self.failure {
            Some(failure) if !self.was_up => {
                Err(Failure::Undone(format!("cannot connect: {failure}")))
            }
            _ => {
                let is_answered = !lingers || self.answers >= sent;
                Ok(self.was_up && self.is_written && is_answered)
            }
        }
    }

    /// The failure if not all answers came within this time.
    pub fn unanswered(&self, within: Duration) -> Failure {
        let (answers, sent) = (self.answers, self.sent.unwrap_or_default());
        let within = words::limit(within);
        Failure::Undone(format!("{answers} of {sent} answers came within {within}"))
    }
}

/// The end of a conversation.
#[derive(Debug)]
pub struct End {
    /// The number of messages in doubt before the close.
    in_doubt: u64,
    /// Whether the peer has answered our close. It has then read all earlier messages (RFC 6455
    /// §5.5.1).
    is_answered: bool,
    /// The peer's complaint, if the last socket ended with one.
    complaint: Option<String>,
}

impl End {
    /// Begins when the close is requested; `status` is from that time.
    pub fn begins(status: &Status) -> Self {
        Self {
            in_doubt: status.outbox.in_doubt,
            is_answered: true,
            complaint: None,
        }
    }

    /// Records the end of a socket.
    pub fn hear(&mut self, report: &ClosedReport) {
        let by_peer = report.by == CloseBy::Peer;
        self.is_answered &= report.clean && !by_peer;
        let complains = by_peer && !FRIENDLY.contains(&report.code);
        self.complaint = complains.then(|| {
            let told = format!("the peer closed: {} {}", report.code, report.reason);
            words::one_line(&told)
        });
    }

    /// Whether everything sent has arrived, from the final status.
    ///
    /// # Errors
    ///
    /// [`Failure::Undone`] if it has not, or may not have.
    pub fn judge(self, status: &Status) -> Result<(), Failure> {
        let outbox = &status.outbox;
        let in_doubt = match self.is_answered {
            true => self.in_doubt,
            false => outbox.in_doubt,
        };
        let count = |count, one, many| {
            let verb = if count == 1 { one } else { many };
            (count > 0).then(|| format!("{} {verb}", words::count(count, "message")))
        };
        let told = [
            count(outbox.dropped, "was not sent", "were not sent"),
            count(in_doubt, "is in doubt", "are in doubt"),
            self.complaint,
        ];
        let told: Vec<_> = told.into_iter().flatten().collect();
        match told.is_empty() {
            true => Ok(()),
            false => Err(Failure::Undone(told.join("; "))),
        }
    }
}
