//! The effects of rules on a lost socket or a failed dial.

use super::made::fill_url;
use crate::{
    core::Cause,
    dialogue::{context::Context, happening::Happening, reply::Reply, report},
    settings::{
        GiveUpRule,
        dialogue::{DialogueRule, RuleAction, Trigger},
    },
    wire::code,
};

/// A loss, or a failed dial.
#[derive(Clone, Copy, Debug)]
pub(in crate::dialogue) struct Loss<'a> {
    pub cause: &'a Cause,
    /// The close code, as [`core::Loss`](crate::core::Loss) has it.
    pub close: Option<u16>,
    /// Whether it was a dial.
    pub is_dial: bool,
}

/// The close code of a loss for rules, if it has one: 1005 if the peer gave none, 1006 if it did
/// not close (RFC 6455 §7.4.1).
pub fn close_code(cause: &Cause) -> Option<u16> {
    match cause {
        Cause::Closed(frame) => Some(frame.code.unwrap_or(code::NO_STATUS)),
        Cause::Eof | Cause::Reset(_) => Some(code::ABNORMAL),
        _ => None,
    }
}

/// A socket is lost, or a dial has failed: the first rule that matches acts. There is no peer to
/// answer, and nothing is delayed.
pub(in crate::dialogue) fn lost(loss: Loss<'_>, cx: &mut Context<'_>) {
    let dialogue = cx.dialogue;
    let mut rules = dialogue.rules.iter().enumerate();
    let Some((at, rule)) = rules.find(|(_, rule)| matches_loss(rule, loss)) else {
        return;
    };
    let (caught, url) = {
        let world = cx.world(None, None);
        let step = cx.step(&world);
        let url = rule.url.as_ref().map(|url| fill_url(url, &step));
        (cx.captures.catch(&rule.capture, &step), url)
    };
    cx.captures.keep(caught, &dialogue.names);
    cx.captures.clear(&rule.clear);
    cx.tell(|dialogue| Happening::ruled(at, rule, &dialogue.names));
    match rule.action {
        Some(action @ RuleAction::GiveUp) => {
            let text = report::by_rule(
                &report::rule(at, rule),
                action.as_str(),
                &loss.cause.to_string(),
            );
            let gives_up = true;
            cx.lose(Cause::Rule { text, gives_up });
        }
        // The name dials again anyway.
        Some(RuleAction::Reconnect | RuleAction::Rotate) => match url {
            Some(Ok(url)) => cx.out.push(Reply::NextUrl(url)),
            Some(Err(unfilled)) => {
                let text = format!("{}: {unfilled}", report::rule(at, rule));
                cx.out.push(Reply::Error(Cause::Template(text)));
            }
            None => {}
        },
        Some(RuleAction::Beat) | None => {}
    }
}

/// The word for a failed dial of any cause.
const DIAL: &str = "dial";

fn matches_loss(rule: &DialogueRule, loss: Loss<'_>) -> bool {
    let Trigger::Loss(kinds) = &rule.trigger else {
        return false;
    };
    let Loss {
        cause,
        close,
        is_dial,
    } = loss;
    kinds.iter().any(|kind| match kind {
        GiveUpRule::Status(range) => {
            let status = cause.dial_status();
            status.is_some_and(|status| range.contains(&status))
        }
        GiveUpRule::Close(range) => close.is_some_and(|code| range.contains(&code)),
        GiveUpRule::Cause(DIAL) => is_dial,
        GiveUpRule::Cause(kind) => cause.kind() == *kind,
    })
}
