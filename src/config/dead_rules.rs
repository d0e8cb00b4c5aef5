//! Rules of `give_up_on` that the other keys of the same connection make impossible.

use super::{
    keys::{ConnectionTable, GiveUpOn, HeartbeatLayer, Kind, ReconnectLayer},
    read::{Context, Located, Place, Problem},
};
use everwire_proto::settings::GiveUpRule;

/// Tells about rules that can never match. Only the connection's own are judged, not those of `inherited`: these are for others
/// as well.
pub(super) fn check_rules(
    table: &ConnectionTable,
    inherited: &ConnectionTable,
    context: &mut Context<'_>,
) {
    let Some(rules) = rules(table) else { return };
    if self::rules(inherited).is_some_and(|inherited| inherited.place == rules.place) {
        return;
    }
    for rule in &rules.value.0 {
        let GiveUpRule::Cause(kind) = rule.value else {
            continue;
        };
        if let Some(off) = switched_off(kind, table) {
            let message = format!("`cause:{kind}` can never match: {}", off.what);
            let problem = Problem::absence(rule.place, message);
            context.problems.push(match off.place {
                Some(place) => problem.related(place, "it is off here"),
                None => problem.help(off.help),
            });
        }
    }
}

/// What a cause comes from is switched off.
struct Off {
    what: &'static str,
    /// Where that is written, if it is.
    place: Option<Place>,
    /// What to write where nothing is.
    help: &'static str,
}

fn switched_off(kind: &str, table: &ConnectionTable) -> Option<Off> {
    match kind {
        "idle_timeout" => {
            let key = table.idle_timeout.as_ref();
            let is_on = key.is_some_and(|key| key.value.unless_off().is_some());
            (!is_on).then(|| Off {
                what: "idle_timeout is off",
                place: key.map(|key| key.place),
                help: "write an idle_timeout, such as \"1m\", or remove the rule",
            })
        }
        "pong_timeout" | "fence_timeout" | "write_timeout" => {
            let key = table.heartbeat.as_ref()?;
            let HeartbeatLayer(heartbeat) = &key.value;
            let kind = heartbeat.kind.as_ref()?;
            (kind.value == Kind::None).then_some(Off {
                what: "the heartbeat is off",
                place: Some(kind.place),
                help: "",
            })
        }
        "proxy" => {
            let key = table.proxy.as_ref();
            let is_on = key.is_some_and(|key| key.value.0.is_some());
            (!is_on).then(|| Off {
                what: "there is no proxy",
                place: key.map(|key| key.place),
                help: "write a proxy, or remove the rule",
            })
        }
        _ => None,
    }
}

fn rules(table: &ConnectionTable) -> Option<&Located<GiveUpOn>> {
    match &table.reconnect.as_ref()?.value {
        ReconnectLayer::Backoff(reconnect) => reconnect.give_up_on.as_ref(),
        ReconnectLayer::Never => None,
    }
}
