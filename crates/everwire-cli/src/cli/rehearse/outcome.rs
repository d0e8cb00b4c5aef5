//! The result of a run.

use std::{fmt, time::Duration};

use everwire::language::NotInvertible;
use serde_json::{Value as Json, json};

use super::fault::{Fault, Place};

/// Why a run failed, or could not run.
#[derive(Clone, Debug, PartialEq)]
pub enum Trouble {
    /// This did not happen in time. The second text is the last error.
    Hangs(String, String),
    /// The name opened this number of sockets, and lost each for this reason.
    Spins(usize, String),
    /// The name opened this number of sockets, and was never ready.
    NeverReady(usize, String),
    /// The name has given up though it should not.
    GaveUp(String),
    /// The name should give up, and has not.
    GoesOn,
    /// A secret was shown: which, and where.
    Shows(String, String),
    /// A decision differs from the recording: its number from 1, the recorded one, and the new one.
    Differs(usize, String, String),
    /// The name did not reach this place: its `if` was false.
    NotTaken(Place),
    /// The peer cannot make this message.
    NotInverted(Place, NotInvertible),
    /// The run could not run at all.
    Broken(String),
}

/// The result of a run.
#[derive(Clone, Debug)]
pub struct Outcome {
    pub fault: Fault,
    /// What was observed, or why it failed.
    pub result: Result<String, Trouble>,
    pub took: Duration,
}

/// The verdict on an outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Passed,
    Failed,
    /// The run was skipped: the peer cannot make the message, or the name does not reach the place.
    Untold,
}

impl Outcome {
    /// Its verdict.
    pub fn verdict(&self) -> Verdict {
        match &self.result {
            Ok(_) => Verdict::Passed,
            Err(Trouble::NotInverted(..) | Trouble::NotTaken(_)) => Verdict::Untold,
            Err(_) => Verdict::Failed,
        }
    }

    /// A line about it.
    pub fn text(&self) -> String {
        match &self.result {
            Ok(seen) => seen.clone(),
            Err(trouble) => trouble.to_string(),
        }
    }

    /// As JSON.
    pub fn json(&self) -> Json {
        let (outcome, kind) = match &self.result {
            Ok(_) => ("passed", None),
            Err(trouble) => match trouble {
                Trouble::NotInverted(..) => ("not_inverted", None),
                Trouble::NotTaken(_) => ("not_taken", None),
                other => ("failed", Some(other.kind())),
            },
        };
        json!({
            "place": self.fault.place.to_string(),
            "what": self.fault.what.to_string(),
            "outcome": outcome,
            "trouble": kind,
            "text": self.text(),
            "took_ms": u64::try_from(self.took.as_millis()).unwrap_or(u64::MAX),
        })
    }
}

impl Trouble {
    fn kind(&self) -> &'static str {
        match self {
            Self::Hangs(..) => "hangs",
            Self::Spins(..) | Self::NeverReady(..) => "spins",
            Self::GaveUp(_) => "gave_up",
            Self::GoesOn => "goes_on",
            Self::Shows(..) => "shows_secret",
            Self::Differs(..) => "differs",
            Self::NotTaken(_) => "not_taken",
            Self::NotInverted(..) => "not_inverted",
            Self::Broken(_) => "broken",
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let because = |last: &str| match last {
            "" => String::new(),
            last => format!("; last: {last}"),
        };
        match self {
            Self::Hangs(what, last) => {
                write!(f, "hangs: waited in vain for {what}{}", because(last))
            }
            Self::Spins(dials, last) => {
                write!(
                    f,
                    "spins: {dials} sockets, one after the other{}",
                    because(last)
                )
            }
            Self::NeverReady(dials, last) => {
                write!(
                    f,
                    "spins: {dials} sockets, one after the other, and none ready{}",
                    because(last)
                )
            }
            Self::GaveUp(cause) => write!(f, "never comes back: it gave up: {cause}"),
            Self::GoesOn => f.write_str("should give up, but goes on"),
            Self::Shows(what, place) => write!(f, "shows {what} in {place}"),
            Self::NotInverted(place, reason) => {
                write!(
                    f,
                    "not rehearsed: no message was found that {place} expects: {reason}"
                )
            }
            Self::Differs(at, recorded, now) => {
                write!(
                    f,
                    "decision {at} differs: recorded \"{recorded}\", now {now}"
                )
            }
            Self::NotTaken(place) => {
                write!(
                    f,
                    "not rehearsed: {place} was not taken, since its `if` did not hold"
                )
            }
            Self::Broken(why) => write!(f, "could not be rehearsed: {why}"),
        }
    }
}
