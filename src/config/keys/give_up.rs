//! `reconnect.give_up_on`.

use std::ops::RangeInclusive;

use serde_json::{Value as Json, json};

use crate::{
    config::read::{Context, Located, Node, Read, Value, backticked, field, similar},
    core::Cause,
    wire::{code, is_sendable},
};
use everwire_proto::settings::GiveUpRule;

/// Causes after which there are no more attempts.
#[derive(Clone, Debug)]
pub(in crate::config) struct GiveUpOn(pub Vec<Located<GiveUpRule>>);

field! {
    GiveUpOn <=> Vec<GiveUpRule>: |rules| rules.0.into_iter().map(|rule| rule.value).collect(),
    |rules| rules.iter().map(ToString::to_string).collect::<Vec<_>>()
}

impl Read for GiveUpOn {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        read_rules(node, &[], context).map(Self)
    }

    fn schema() -> Json {
        schema_of_rules(&[])
    }
}

/// Reads an array of such rules; `others` are more kinds of causes that are allowed.
pub(super) fn read_rules(
    node: &Node,
    others: &[&'static str],
    context: &mut Context<'_>,
) -> Option<Vec<Located<GiveUpRule>>> {
    let Value::Array(items) = &node.value else {
        return context.wrong_type(node, "an array such as [\"status:401\"]");
    };
    let rules = items.iter().filter_map(|item| {
        let Value::String(text) = &item.value else {
            return context.wrong_type(item, "a rule such as \"status:401\"");
        };
        let place = item.place;
        let value = match parse(text, others) {
            Ok(rule) => rule,
            Err(help) => {
                context.wrong(place, format!("invalid rule {}", backticked(text)), help);
                return None;
            }
        };
        if let Some(reason) = never_matches(&value) {
            let message = format!("{} can never match", backticked(text));
            context.wrong(place, message, reason);
            return None;
        }
        Some(Located { value, place })
    });
    Some(rules.collect())
}

/// The JSON Schema of an array of such rules.
pub(super) fn schema_of_rules(others: &[&'static str]) -> Json {
    let causes = kinds(others).collect::<Vec<_>>().join("|");
    let pattern = format!(r"^(status:\d+(-\d+)?|close:\d+(-\d+)?|cause:({causes}))$");
    json!({ "type": "array", "items": { "type": "string", "pattern": pattern } })
}

fn kinds<'k>(others: &'k [&'static str]) -> impl Iterator<Item = &'static str> + Clone + 'k {
    Cause::KINDS.into_iter().chain(others.iter().copied())
}

fn parse(text: &str, others: &[&'static str]) -> Result<GiveUpRule, String> {
    match text.split_once(':') {
        Some(("status", codes)) => range(codes, 100..=599).map(GiveUpRule::Status),
        Some(("close", codes)) => range(codes, 1000..=4999).map(GiveUpRule::Close),
        Some(("cause", cause)) => match kinds(others).find(|kind| *kind == cause) {
            Some(kind) => Ok(GiveUpRule::Cause(kind)),
            None => Err(match similar(cause, kinds(others)) {
                Some(meant) => format!("did you mean \"cause:{meant}\"?"),
                None => {
                    let causes: Vec<_> = kinds(others).collect();
                    format!("the causes are {}", causes.join(", "))
                }
            }),
        },
        _ => Err(
            "write \"status:401\", \"status:400-499\", \"close:4010-4014\" or \"cause:refused\""
                .into(),
        ),
    }
}

fn range(text: &str, bounds: RangeInclusive<u16>) -> Result<RangeInclusive<u16>, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let number = |text: &str| {
        let digits = text.bytes().all(|byte| byte.is_ascii_digit());
        let number = text
            .parse()
            .ok()
            .filter(|number| digits && bounds.contains(number));
        number.ok_or_else(|| {
            format!(
                "a number here is from {} to {}",
                bounds.start(),
                bounds.end()
            )
        })
    };
    let (first, last) = (number(first)?, number(last)?);
    if first > last {
        return Err(format!("write the smaller number first: {last}-{first}"));
    }
    Ok(first..=last)
}

/// Why the rule can never match, whatever the other keys are.
fn never_matches(rule: &GiveUpRule) -> Option<&'static str> {
    match rule {
        GiveUpRule::Status(range) if *range.end() < 200 => {
            Some("an answer below 200 is an interim one, or the upgrade itself: write 200 to 599")
        }
        GiveUpRule::Close(range) if !range.clone().any(can_be_told) => Some(
            "no peer may send such a code (RFC 6455 §7.4): write 1000-1003, 1007-1014 or 3000-4999, 1005 for a close frame \
             without a code, or 1006 for an end without a close frame",
        ),
        GiveUpRule::Status(_) | GiveUpRule::Close(_) | GiveUpRule::Cause(_) => None,
    }
}

/// Whether a socket can end with this close code.
fn can_be_told(code: u16) -> bool {
    is_sendable(code) || matches!(code, code::NO_STATUS | code::ABNORMAL)
}

#[cfg(test)]
mod tests {
    use super::{GiveUpRule, never_matches, parse};

    #[test]
    fn rules_are_read_and_written_alike() {
        for text in [
            "status:401",
            "status:400-499",
            "close:4010-4014",
            "close:1000",
            "cause:refused",
            "cause:panic",
        ] {
            assert_eq!(
                parse(text, &[]).map(|rule| rule.to_string()),
                Ok(text.to_owned())
            );
        }
        for (text, never) in [
            ("status:101", true),
            ("status:100-200", false),
            ("close:1004", true),
            ("close:1004-1005", false),
            ("close:1005", false),
            ("close:1006", false),
            ("close:1015-2999", true),
            ("close:2999-3000", false),
        ] {
            let rule = parse(text, &[]).unwrap();
            assert_eq!(never_matches(&rule).is_some(), never, "{text}");
        }
        for text in [
            "",
            "status",
            "status:",
            "status:99",
            "status:600",
            "status:+401",
            "status:499-400",
            "status:4xx",
            "status:400-",
            "close:999",
            "close:5000",
            "close:70000",
            "cause:",
            "cause:refusd",
            "state:401",
        ] {
            assert!(parse(text, &[]).is_err(), "{text:?}");
        }
        assert!(parse("cause:dial", &[]).is_err());
        assert_eq!(
            parse("cause:dial", &["dial"]),
            Ok(GiveUpRule::Cause("dial"))
        );
        assert_eq!(
            parse("cause:refusd", &[]),
            Err("did you mean \"cause:refused\"?".into())
        );
    }
}
