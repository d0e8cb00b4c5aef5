//! What a fate, or a refusal, of a message means for the queue.

use std::time::Duration;

use everwire::{Fate, Rejected, SendError, config::NatsAck};
use serde_json::{Value, json};

use super::receipts::Settled;
use crate::queue::REST;

/// Between two attempts to send through a name that is closed by hand.
const CLOSED_REST: Duration = Duration::from_secs(1);

/// What becomes of a message that has met a fate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It leaves the queue. The reason is given if it was not sent.
    Leaves(Option<&'static str>),
    /// It may not have arrived: it goes again, before the messages behind it.
    GoesAgain,
    /// It stays in the queue for the next process.
    Stays,
}

impl Verdict {
    /// By the fate of a message. `ends`: the names are about to be closed.
    pub fn of(fate: Fate, ack: NatsAck, ends: bool) -> Self {
        match fate {
            Fate::Cancelled if ends => Self::Stays,
            Fate::Expired | Fate::Evicted | Fate::Cancelled => Self::Leaves(Some(fate.as_str())),
            Fate::InDoubt | Fate::Forgotten if ack == NatsAck::Confirmed => Self::GoesAgain,
            _ => Self::Leaves(None),
        }
    }
}

/// What becomes of a message that a name does not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The name will never take it, for this reason.
    Never(&'static str),
    /// It is tried again after this time.
    Later(Duration),
}

impl Refusal {
    /// By the error of a name.
    pub fn of(error: &SendError) -> Self {
        match error {
            SendError::Rejected(Rejected::TooLarge(_)) => Self::Never("too_large"),
            SendError::Rejected(Rejected::SessionsOnly) => Self::Never("sessions_only"),
            SendError::Rejected(Rejected::NotText) => Self::Never("not_text"),
            SendError::Rejected(Rejected::Closed) | SendError::Gone(_) => Self::Later(CLOSED_REST),
            _ => Self::Later(REST),
        }
    }
}

/// The answer to a message that has left the queue, for this reason if it was not sent.
pub(super) fn answer(stream: &str, settled: &Settled, problem: Option<&'static str>) -> Value {
    let mut answer = json!({
        "stream": stream, "seq": settled.sequence, "name": settled.name,
        "id": settled.id, "epoch": settled.epoch, "fate": settled.fate.as_str(),
    });
    if let Some(reason) = problem {
        answer["problem"] =
            json!({ "reason": reason, "detail": format!("the message was {reason}") });
    }
    answer
}

/// The answer to a message that can never be sent.
pub(super) fn refusal(stream: &str, sequence: u64, reason: &str, text: &str) -> Value {
    json!({
        "stream": stream, "seq": sequence, "fate": "rejected",
        "problem": { "reason": reason, "detail": text },
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_leaves_the_queue_when_its_fate_is_final() {
        let confirmed = |fate| Verdict::of(fate, NatsAck::Confirmed, false);
        assert_eq!(confirmed(Fate::Confirmed), Verdict::Leaves(None));
        assert_eq!(confirmed(Fate::InDoubt), Verdict::GoesAgain);
        assert_eq!(confirmed(Fate::Forgotten), Verdict::GoesAgain);
        for fate in [Fate::Expired, Fate::Evicted, Fate::Cancelled] {
            let leaves = Verdict::Leaves(Some(fate.as_str()));
            assert_eq!(confirmed(fate), leaves);
        }
        // It was written, and nobody asked for more.
        let written = Verdict::of(Fate::InDoubt, NatsAck::Written, false);
        assert_eq!(written, Verdict::Leaves(None));
    }

    #[test]
    fn a_message_that_is_cancelled_at_the_end_stays_in_the_queue() {
        let ending = |fate| Verdict::of(fate, NatsAck::Confirmed, true);
        assert_eq!(ending(Fate::Cancelled), Verdict::Stays);
        assert_eq!(ending(Fate::Confirmed), Verdict::Leaves(None));
        assert_eq!(
            ending(Fate::Expired),
            Verdict::Leaves(Some(Fate::Expired.as_str()))
        );
    }
}
