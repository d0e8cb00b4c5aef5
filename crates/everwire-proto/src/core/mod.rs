//! The pure heart: what a name does, decided without a clock, a socket or a random number generator.
//!
//! Time and randomness are arguments, effects are return values. Nothing here knows actix, tokio, awc, files or the
//! environment; a test keeps it so.

mod awaited;
mod backoff;
mod cause;
mod deadlines;
mod deduplication;
mod display;
mod door;
mod endpoints;
mod governor;
mod heartbeat;
mod id_epochs;
mod idempotency;
mod journal;
mod ledger;
mod lifecycle;
mod message;
mod outbox;
mod owner;
mod owner_shares;
mod rate;
mod retry;
mod sequence;
mod splice;

pub use self::{
    awaited::{Awaited, INBOUND_FLOOR, OUTBOUND_FLOOR},
    backoff::{before_another_url, cap, delay, retry_after},
    cause::{Cause, Phase, code_in},
    deadlines::{Deadlines, Owed, Patience, TcpProgress, WithinFrame},
    deduplication::{Deliverable, Passage},
    display::{displayable, displayable_json, is_displayable},
    door::{Rejected, TooLarge},
    endpoints::{Endpoints, NextDial},
    governor::{DialId, DialOutcome, Governor},
    heartbeat::{Beat, HeartbeatState, Question},
    id_epochs::{IdEpochs, InvalidIdEpochs},
    idempotency::{Fingerprint, IdempotencyKeys, KeyChanges, Keyed, Lookup},
    journal::{Cursor, InvalidCursor, Journal},
    ledger::{Fate, Ledger},
    lifecycle::{
        CloseBy, ClosedReport, Effect, Happened, Lifecycle, Policy, Rotation, SentClose, State,
    },
    message::Message,
    outbox::{Admitted, Changes, Outbox, Queued, Removed, Told},
    owner::Owner,
    owner_shares::{OwnerShares, Share},
    rate::{RateLimiter, Turn, Wait},
    retry::{Loss, Pace, Rule, Verdict, verdict},
    sequence::{MAX_STREAM_NAME, MAX_STREAMS, Observed, RESTART_DISTANCE, Sequence},
    splice::{HoldLimits, MAX_GREETING, MAX_REMEMBERED, Seam, Splice},
};
