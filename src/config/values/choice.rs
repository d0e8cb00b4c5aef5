//! Values that are one of a few words.

use crate::config::read::{Context, Node, Value, backticked, similar};
use crate::settings::{LeaseGuard, LogFormat, LogLevel, NatsAck, Scope, WithoutLease};
use everwire_proto::settings::{AuthEncoding, Fsync, Jitter, Resend, RotationMode, WhenFull};

/// A type whose values have names.
pub(in crate::config) trait Choice: Copy + PartialEq + Sized + 'static {
    /// All values, by name.
    const ALL: &'static [(&'static str, Self)];

    /// The name of this value.
    fn word(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(_, value)| *value == self)
            .map_or("", |(word, _)| word)
    }
}

/// Declares the names of an enum's values.
macro_rules! choice {
    ($type:ident { $($word:literal => $value:ident),* $(,)? }) => {
        impl $crate::config::values::Choice for $type {
            const ALL: &'static [(&'static str, Self)] = &[$(($word, Self::$value)),*];
        }

        impl $crate::config::read::Read for $type {
            fn read(
                node: &$crate::config::read::Node,
                context: &mut $crate::config::read::Context<'_>,
            ) -> Option<Self> {
                $crate::config::values::read_choice(node, context)
            }

            fn schema() -> serde_json::Value {
                serde_json::json!({ "type": "string", "enum": [$($word),*] })
            }
        }

        $crate::config::read::field! {
            $type <=> $type: |value| value, |value| $crate::config::values::Choice::word(*value)
        }
    };
}
pub(in crate::config) use choice;

/// Reads one of the words of a choice.
pub(in crate::config) fn read_choice<T: Choice>(
    node: &Node,
    context: &mut Context<'_>,
) -> Option<T> {
    let words = T::ALL.iter().map(|(word, _)| *word);
    let list = words.clone().map(|word| format!("{word:?}"));
    let list = list.collect::<Vec<_>>().join(", ");
    let Value::String(text) = &node.value else {
        return context.wrong_type(node, &format!("one of {list}"));
    };
    let found = T::ALL.iter().find(|(word, _)| word == text);
    if found.is_none() {
        let help = match similar(&text.to_lowercase(), words) {
            Some(meant) => format!("did you mean {meant:?}? one of {list}"),
            None => format!("one of {list}"),
        };
        context.wrong(
            node.place,
            format!("invalid value {}", backticked(text)),
            help,
        );
    }
    found.map(|(_, value)| *value)
}

choice! { Scope { "read" => Read, "send" => Send, "control" => Control } }
choice! { AuthEncoding { "utf8" => Utf8, "latin1" => Latin1 } }
choice! { Fsync { "always" => Always, "interval" => Interval } }
choice! { Jitter { "full" => Full, "none" => None } }
choice! { LeaseGuard { "none" => None, "kill" => Kill } }
choice! { LogFormat { "auto" => Auto, "pretty" => Pretty, "json" => Json } }
choice! { LogLevel { "error" => Error, "warn" => Warn, "info" => Info, "debug" => Debug, "trace" => Trace } }
choice! { NatsAck { "confirmed" => Confirmed, "written" => Written } }
choice! { RotationMode { "overlap" => Overlap, "replace" => Replace } }
choice! { Resend { "never" => Never, "in_doubt" => InDoubt } }
choice! { WhenFull { "reject" => Reject, "drop_oldest" => DropOldest } }
choice! { WithoutLease { "close" => Close, "listen" => Listen } }
