//! The pure core: decides what a name does, without a clock, a socket or a random number generator.
//!
//! Time and randomness are arguments, effects are return values. Nothing here uses actix, tokio,
//! awc, files or the environment; a test enforces this.

mod awaited;
mod backoff;
mod cause;
mod deadlines;
mod deduplication;
mod dial_limiter;
mod display;
mod endpoints;
mod event_counter;
mod fates;
mod heartbeat;
mod id_epochs;
mod idempotency;
mod later;
mod lifecycle;
mod message;
mod outbox;
mod overlap;
mod owner;
mod owner_shares;
mod panic_text;
mod peer_number;
mod rate;
mod rejected;
mod retry;
mod sequence;

pub(crate) use self::rate::SlidingWindow;
pub(crate) use self::retry::repeats_itself;
pub use self::{
    awaited::{Awaited, INBOUND_FLOOR, OUTBOUND_FLOOR},
    backoff::{before_another_url, cap, delay, retry_after},
    cause::{Cause, Phase, code_in},
    deadlines::{Deadlines, Owed, Patience, TcpProgress, WithinFrame},
    deduplication::{Deduplication, Deliverable},
    dial_limiter::{DialId, DialLimiter, DialOutcome},
    display::{displayable, displayable_json, is_displayable},
    endpoints::{Endpoints, NextDial},
    event_counter::{Cursor, EventCounter, InvalidCursor},
    fates::{Fate, Fates},
    heartbeat::{Beat, HeartbeatState, Question},
    id_epochs::{IdEpochs, InvalidIdEpochs},
    idempotency::{Fingerprint, IdempotencyKeys, KeyChanges, Keyed, Lookup},
    later::later,
    lifecycle::{
        CloseBy, ClosedReport, Effect, Happened, Lifecycle, Policy, Rotation, SentClose, State,
    },
    message::Message,
    outbox::{Admitted, Changes, FateRun, Outbox, Queued, Removed},
    overlap::{DuplicateFilter, HoldLimits, MAX_GREETING, MAX_REMEMBERED, OverlapRecorder},
    owner::Owner,
    owner_shares::{OwnerShares, Share},
    panic_text::panic_text,
    peer_number::NumberPlace,
    rate::{Free, RateLimiter, Turn, Wait},
    rejected::{Rejected, TooLarge},
    retry::{DelayKind, Loss, Rule, Verdict, verdict},
    sequence::{MAX_STREAM_NAME, MAX_STREAMS, Observed, RESTART_DISTANCE, Sequence},
};
