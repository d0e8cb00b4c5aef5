//! Happenings as lines for a person.

use std::fmt;

use super::{Happening, Place, StepWritten, Verdict};
use crate::dialogue::report::Span;

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "step {} of {}", self.number, self.steps)?;
        match self.script {
            Self::OPEN_SCRIPT => Ok(()),
            script => write!(f, " of {script}"),
        }
    }
}

impl fmt::Display for Happening {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Began { place, written } => write!(f, "{place} {written}"),
            Self::LeftOut { place, condition } => {
                write!(f, "{place} is left out: its if ({condition}) does not hold")
            }
            Self::Sent { place, .. } => write!(f, "{place} is sent"),
            Self::Called { place, .. } => write!(f, "{place}: its call is out"),
            Self::Answered {
                place,
                status,
                text,
                after,
                ..
            } => {
                let after = Span(*after);
                match status {
                    Some(status) => write!(f, "{place}: answered {status} after {after}: {text}"),
                    None => write!(f, "{place}: ended by a signal after {after}: {text}"),
                }
            }
            Self::Unanswered { place, text, after } => {
                write!(f, "{place}: no answer after {}: {text}", Span(*after))
            }
            Self::Came { text, .. } => write!(f, "came: {text}"),
            Self::Decided {
                place,
                key,
                expression,
                after,
                verdict,
            } => {
                let after = Span(*after);
                let held = match verdict {
                    Verdict::Misses => "did not hold",
                    _ => "held",
                };
                write!(
                    f,
                    "{place}: {key} ({expression}) {held} after {after}{verdict}"
                )
            }
            Self::TimedOut { place, within } => {
                write!(f, "{place}: nothing has decided within {}", Span(*within))
            }
            Self::Passed { script, .. } => write!(f, "{script} has passed"),
            Self::Ruled { .. } => self.write_rule(f),
            Self::Acted { rule, action } => write!(f, "rule {rule} says {action} now"),
            Self::Pinged { ping } => match ping {
                Some(ping) => write!(f, "ping {ping}"),
                None => f.write_str("ping"),
            },
            Self::Ponged { when } => write!(f, "pong: when ({when}) held"),
            Self::Lost { text } => write!(f, "lost: {text}"),
        }
    }
}

impl Happening {
    fn write_rule(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::Ruled {
            rule,
            matches,
            answer,
            waiting,
            action,
            delay,
            captures,
            clears,
        } = self
        else {
            return Ok(());
        };
        write!(f, "rule {rule} ({matches})")?;
        let mut does = Vec::new();
        if !captures.is_empty() {
            does.push(format!("captured {}", captures.join(", ")));
        }
        if !clears.is_empty() {
            does.push(format!("forgot {}", clears.join(", ")));
        }
        if let Some(answer) = answer {
            let waits = match waiting {
                0 => String::new(),
                1 => " (1 answer waits)".into(),
                waiting => format!(" ({waiting} answers wait)"),
            };
            does.push(format!("answered {answer}{waits}"));
        }
        if let Some(action) = action {
            let delay = delay.map(|delay| format!(" in {}", Span(delay)));
            does.push(format!("says {action}{}", delay.unwrap_or_default()));
        }
        match does.is_empty() {
            true => f.write_str(" matched"),
            false => write!(f, " {}", does.join("; ")),
        }
    }
}

impl fmt::Display for StepWritten {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            send,
            call,
            expect,
            count,
            within,
        } = self;
        if let Some(call) = call {
            let within = Span(*within);
            return match expect {
                Some(expect) => write!(f, "calls {call}, expects {expect} within {within}"),
                None => write!(f, "calls {call} within {within}"),
            };
        }
        match (send, expect) {
            (Some(send), Some(expect)) => write!(f, "sends {send}, expects {expect}")?,
            (Some(send), None) => return write!(f, "sends {send}"),
            (None, Some(expect)) => write!(f, "expects {expect}")?,
            (None, None) => return f.write_str("does nothing"),
        }
        if *count > 1 {
            write!(f, " {count} times")?;
        }
        write!(f, " within {}", Span(*within))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Passes { captures } if captures.is_empty() => f.write_str(": passed"),
            Self::Passes { captures } => write!(f, ": passed, captured {}", captures.join(", ")),
            Self::Counts { met, count } => write!(f, ", {met} of {count} times"),
            Self::Refuses | Self::Misses => f.write_str(": refused"),
            Self::Lacks { capture } => write!(f, ", but {capture} is not there: refused"),
            Self::Repeats { wait } => write!(f, ": once more in {}", Span(*wait)),
        }
    }
}
