//! Decides between a retry and giving up, by one exhaustive match over the cause.

use std::{fmt, num::NonZeroU32, time::Duration};

use super::Cause;
use crate::{
    settings::{Backoff, GiveUpRule, Reconnect},
    wire::{CloseFrame, code},
};

/// The longest `Retry-After` that is honoured.
pub const MAX_RETRY_AFTER: Duration = Duration::from_secs(3600);

/// The decision after a loss, and its rule.
#[derive(Clone, Debug, PartialEq)]
pub enum Verdict {
    /// Dial again after a delay.
    Retry {
        /// How the delay is chosen.
        delay_kind: DelayKind,
        /// The rule that decided.
        rule: Rule,
    },
    /// No further attempt.
    GiveUp(Rule),
}

/// How the delay before a retry is chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DelayKind {
    /// No delay.
    AtOnce,
    /// Below a cap that grows with the attempts.
    Usual,
    /// Below `max`, from the first attempt on.
    Slow,
    /// Not before this much time has passed: [`retry_after`](super::retry_after).
    After(Duration),
}

/// The rule that decided. `Display` is the text for an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// The usual: exponential backoff.
    Backoff,
    /// Repeating it soon cannot help: the backoff starts at `max`.
    BackoffFromMax,
    /// The server said when to come back.
    RetryAfter(Duration),
    /// The peer closed with 1001 or 1012, as one that goes or restarts: the first retry is at once.
    PeerRestarts,
    /// `reconnect = "never"`.
    Never,
    /// `reconnect.max_attempts` was reached.
    MaxAttempts(NonZeroU32),
    /// An entry of `reconnect.give_up_on` matched.
    GiveUpOn(GiveUpRule),
    /// `give_up` of a script's step held.
    StepGivesUp,
    /// `give_up` of a step in `prepare` held.
    PrepareGivesUp,
    /// A rule of the dialogue with `do = "give_up"` matched.
    RuleGivesUp,
    /// It was the answer of the proxy, and not of the server, that this rule goes by.
    ProxyAnswer(Box<Self>),
    /// This rule holds the URL that failed; another URL of the name is dialled meanwhile.
    NextUrl(Box<Self>),
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Backoff => f.write_str("backoff"),
            Self::BackoffFromMax => f.write_str("backoff, from max"),
            Self::RetryAfter(after) => write!(f, "retry-after {}s", after.as_secs()),
            Self::PeerRestarts => f.write_str("at once, the peer goes or restarts"),
            Self::Never => f.write_str("reconnect = \"never\""),
            Self::MaxAttempts(count) => write!(f, "max_attempts = {count}"),
            Self::GiveUpOn(rule) => write!(f, "give_up_on {rule}"),
            Self::StepGivesUp => f.write_str("give_up of a step in open_script"),
            Self::PrepareGivesUp => f.write_str("give_up of a step in prepare"),
            Self::RuleGivesUp => f.write_str("do = \"give_up\" of a rule"),
            Self::ProxyAnswer(rule) => write!(f, "{rule}, by the proxy's answer"),
            Self::NextUrl(rule) => write!(f, "{rule}; meanwhile the next url"),
        }
    }
}

/// A failed dial, or a lost socket.
#[derive(Clone, Copy, Debug)]
pub struct Loss<'a> {
    /// The cause.
    pub cause: &'a Cause,
    /// The close code of a socket that the peer ended or that died (RFC 6455 §7.1.5): 1005 for a
    /// close frame without one, 1006 if none came. `None` for a dial, and for a socket that we have
    /// failed.
    pub close: Option<u16>,
    /// The failed attempts in a row, including this one; with several URLs, those of the URL with
    /// the fewest.
    pub failures: u32,
    /// The retries of this URL since its last stable socket.
    pub attempt: u32,
}

/// Decides what follows a loss.
pub fn verdict(loss: Loss<'_>, reconnect: &Reconnect) -> Verdict {
    let Loss { cause, attempt, .. } = loss;
    let backoff = match reconnect {
        Reconnect::Never => return Verdict::GiveUp(Rule::Never),
        Reconnect::Backoff(backoff) => backoff,
    };
    if let Some(rule) = give_up_rule(loss, backoff) {
        return Verdict::GiveUp(by_its_author(cause, Rule::GiveUpOn(rule.clone())));
    }
    if let Some(rule) = said_by_the_dialogue(cause) {
        return Verdict::GiveUp(rule);
    }
    let most = backoff.max_attempts;
    if let Some(most) = most.filter(|most| loss.failures >= most.get()) {
        return Verdict::GiveUp(Rule::MaxAttempts(most));
    }
    let usual = Verdict::Retry {
        delay_kind: DelayKind::Usual,
        rule: Rule::Backoff,
    };
    let slow = Verdict::Retry {
        delay_kind: DelayKind::Slow,
        rule: by_its_author(cause, Rule::BackoffFromMax),
    };
    match cause {
        Cause::HandshakeStatus {
            retry_after: Some(after),
            ..
        }
        | Cause::Proxy {
            retry_after: Some(after),
            ..
        }
        | Cause::Prepare {
            retry_after: Some(after),
            ..
        }
        | Cause::ScriptRefused {
            retry_after: Some(after),
            ..
        } => {
            let after = (*after).min(MAX_RETRY_AFTER);
            Verdict::Retry {
                delay_kind: DelayKind::After(after),
                rule: by_its_author(cause, Rule::RetryAfter(after)),
            }
        }
        Cause::HandshakeStatus { .. } | Cause::Proxy { .. }
            if cause.status().is_some_and(repeats_itself) =>
        {
            slow
        }
        Cause::Proxy { denied: true, .. }
        | Cause::Prepare {
            is_refusal: true, ..
        } => slow,
        Cause::ScriptRefused { may_pass: true, .. } => usual,
        Cause::TlsCertificate(_)
        | Cause::Forbidden(_)
        | Cause::ScriptRefused { .. }
        | Cause::Template(_) => slow,
        Cause::Redirected { cause, .. } => verdict(Loss { cause, ..loss }, reconnect),
        Cause::Closed(CloseFrame {
            code: Some(code::GOING_AWAY | code::SERVICE_RESTART),
            ..
        }) if attempt == 0 => Verdict::Retry {
            delay_kind: DelayKind::AtOnce,
            rule: Rule::PeerRestarts,
        },
        Cause::HandshakeStatus { .. }
        | Cause::SecretMissing(_)
        | Cause::InvalidRequest(_)
        | Cause::Dns(_)
        | Cause::Proxy { .. }
        | Cause::Refused(_)
        | Cause::Unreachable(_)
        | Cause::ConnectTimeout(_)
        | Cause::Tcp(_)
        | Cause::Tls(_)
        | Cause::HandshakeInvalid(_)
        | Cause::Subprotocol(_)
        | Cause::Extension(_)
        | Cause::Closed(_)
        | Cause::Eof
        | Cause::Reset(_)
        | Cause::PongTimeout
        | Cause::ForeignPongs
        | Cause::FenceTimeout
        | Cause::WriteTimeout
        | Cause::IdleTimeout
        | Cause::OutOfMemory
        | Cause::Protocol(_)
        | Cause::Decode(_)
        | Cause::Prepare { .. }
        | Cause::ScriptTimeout(_)
        | Cause::Rule { .. }
        | Cause::Store(_)
        | Cause::Panic(_) => usual,
    }
}

/// The step or rule of the dialogue that gives up, if one does.
fn said_by_the_dialogue(cause: &Cause) -> Option<Rule> {
    match cause {
        Cause::ScriptRefused { gives_up: true, .. } => Some(Rule::StepGivesUp),
        Cause::Prepare { gives_up: true, .. } => Some(Rule::PrepareGivesUp),
        Cause::Rule { gives_up: true, .. } => Some(Rule::RuleGivesUp),
        _ => None,
    }
}

/// A client error is permanent, except for a timeout and for too many requests (RFC 9110 §15.5).
pub(crate) fn repeats_itself(status: u16) -> bool {
    matches!(status, 400..=499) && !matches!(status, 408 | 429)
}

/// The rule, marked if it is based on a proxy's answer.
fn by_its_author(cause: &Cause, rule: Rule) -> Rule {
    match (cause, &rule) {
        // The rule's own text says it.
        (_, Rule::GiveUpOn(GiveUpRule::Cause(_))) => rule,
        (Cause::Proxy { .. }, _) => Rule::ProxyAnswer(Box::new(rule)),
        _ => rule,
    }
}

fn give_up_rule<'a>(loss: Loss<'_>, backoff: &'a Backoff) -> Option<&'a GiveUpRule> {
    let Loss { cause, close, .. } = loss;
    backoff.give_up_on.iter().find(|rule| match rule {
        GiveUpRule::Status(range) => {
            let status = cause.dial_status();
            status.is_some_and(|status| range.contains(&status))
        }
        GiveUpRule::Close(range) => close.is_some_and(|code| range.contains(&code)),
        GiveUpRule::Cause(kind) => cause.kind() == *kind,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::CloseFrame;

    fn status(status: u16, retry_after: Option<u64>) -> Cause {
        Cause::HandshakeStatus {
            status,
            retry_after: retry_after.map(Duration::from_secs),
            text: String::new(),
        }
    }

    fn by_proxy(status: u16, retry_after: Option<u64>) -> Cause {
        Cause::Proxy {
            status: Some(status),
            retry_after: retry_after.map(Duration::from_secs),
            denied: false,
            text: String::new(),
        }
    }

    fn refused_by_step(gives_up: bool) -> Cause {
        Cause::script_refused("no", gives_up)
    }

    fn by_rule(gives_up: bool) -> Cause {
        Cause::Rule {
            text: "link_disabled".into(),
            gives_up,
        }
    }

    fn closed(code: u16) -> Cause {
        Cause::Closed(CloseFrame {
            code: Some(code),
            ..CloseFrame::default()
        })
    }

    fn redirected(cause: Cause) -> Cause {
        Cause::Redirected {
            to: "b.example:80".into(),
            cause: Box::new(cause),
        }
    }

    fn loss(cause: &Cause, failures: u32, attempt: u32) -> Loss<'_> {
        let close = match cause {
            Cause::Closed(frame) => Some(frame.code.unwrap_or(code::NO_STATUS)),
            Cause::Eof => Some(code::ABNORMAL),
            _ => None,
        };
        Loss {
            cause,
            close,
            failures,
            attempt,
        }
    }

    fn rule(cause: &Cause, reconnect: &Reconnect, failures: u32) -> String {
        match verdict(loss(cause, failures, 0), reconnect) {
            Verdict::Retry { rule, .. } => format!("retry: {rule}"),
            Verdict::GiveUp(rule) => format!("give up: {rule}"),
        }
    }

    #[test]
    fn each_cause_meets_the_rule_of_the_contract() {
        let usual = Reconnect::default();
        for (cause, expected) in [
            (status(401, None), "retry: backoff, from max"),
            (status(404, None), "retry: backoff, from max"),
            (status(408, None), "retry: backoff"),
            (status(429, None), "retry: backoff"),
            (status(429, Some(7)), "retry: retry-after 7s"),
            (status(503, Some(86_400)), "retry: retry-after 3600s"),
            (status(503, None), "retry: backoff"),
            (status(301, None), "retry: backoff"),
            (
                Cause::TlsCertificate("expired".into()),
                "retry: backoff, from max",
            ),
            (closed(1000), "retry: backoff"),
            (closed(1001), "retry: at once, the peer goes or restarts"),
            (closed(1012), "retry: at once, the peer goes or restarts"),
            (closed(1013), "retry: backoff"),
            (Cause::Eof, "retry: backoff"),
            (redirected(status(429, Some(7))), "retry: retry-after 7s"),
            (redirected(status(404, None)), "retry: backoff, from max"),
            (Cause::proxy("unreachable"), "retry: backoff"),
            (
                by_proxy(407, None),
                "retry: backoff, from max, by the proxy's answer",
            ),
            (
                by_proxy(429, Some(7)),
                "retry: retry-after 7s, by the proxy's answer",
            ),
            (by_proxy(429, None), "retry: backoff"),
            (by_proxy(502, None), "retry: backoff"),
            (refused_by_step(false), "retry: backoff, from max"),
            (
                refused_by_step(true),
                "give up: give_up of a step in open_script",
            ),
            (Cause::ScriptTimeout("slow".into()), "retry: backoff"),
            (by_rule(false), "retry: backoff"),
            (by_rule(true), "give up: do = \"give_up\" of a rule"),
            (Cause::Template("absent".into()), "retry: backoff, from max"),
        ] {
            assert_eq!(rule(&cause, &usual, 1), expected, "{cause:?}");
        }
    }

    #[test]
    fn only_the_first_retry_after_a_restart_of_the_peer_is_at_once() {
        let again = verdict(loss(&closed(1012), 2, 1), &Reconnect::default());
        assert!(matches!(
            again,
            Verdict::Retry {
                delay_kind: DelayKind::Usual,
                rule: Rule::Backoff,
                ..
            }
        ));
    }

    #[test]
    fn the_codes_that_stand_in_no_frame_match_what_they_stand_for() {
        let mut backoff = Backoff::default();
        for (given, matching) in [(1005, 0), (1006, 1), (1011, 2)] {
            backoff.give_up_on = vec![GiveUpRule::Close(given..=given)];
            let reconnect = Reconnect::Backoff(backoff.clone());
            let causes = [
                Cause::Closed(CloseFrame::default()),
                Cause::Eof,
                closed(1011),
                Cause::Refused(String::new()),
            ];
            for (number, cause) in causes.iter().enumerate() {
                let gives_up = rule(cause, &reconnect, 1).starts_with("give up");
                assert_eq!(gives_up, number == matching, "close:{given} of {cause:?}");
            }
        }
    }

    #[test]
    fn a_name_gives_up_only_where_the_settings_say_so() {
        let mut backoff = Backoff::default();
        backoff.max_attempts = NonZeroU32::new(3);
        backoff.give_up_on = vec![
            GiveUpRule::Status(401..=401),
            GiveUpRule::Close(4010..=4014),
            GiveUpRule::Cause("refused"),
        ];
        let reconnect = Reconnect::Backoff(backoff);
        for (cause, failures, expected) in [
            (status(401, None), 1, "give up: give_up_on status:401"),
            (
                by_proxy(401, None),
                1,
                "give up: give_up_on status:401, by the proxy's answer",
            ),
            (closed(4012), 1, "give up: give_up_on close:4010-4014"),
            (closed(4015), 1, "retry: backoff"),
            (
                Cause::Refused(String::new()),
                1,
                "give up: give_up_on cause:refused",
            ),
            (Cause::Eof, 2, "retry: backoff"),
            (Cause::Eof, 3, "give up: max_attempts = 3"),
            (by_rule(true), 3, "give up: do = \"give_up\" of a rule"),
        ] {
            assert_eq!(rule(&cause, &reconnect, failures), expected, "{cause:?}");
        }
        assert_eq!(
            rule(&Cause::Eof, &Reconnect::Never, 1),
            "give up: reconnect = \"never\""
        );
    }
}
