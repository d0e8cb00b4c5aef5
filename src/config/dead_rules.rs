//! Rules of `give_up_on` that other keys of the same connection make impossible.

use super::{
    keys::{ConnectionTable, GiveUpOn, HeartbeatLayer, Kind, ReconnectLayer},
    read::{Context, Located, Place, Problem},
    values::Period,
};
use everwire_proto::settings::GiveUpRule;

/// Reports rules that can never match. Only the connection's own rules are checked. The `inherited`
/// ones are also for other connections.
pub(super) fn check_rules(
    table: &ConnectionTable,
    inherited: &ConnectionTable,
    context: &mut Context<'_>,
) {
    let is_own = |own: Place, inherited: Option<Place>| inherited != Some(own);
    if let Some(rules) = give_up_on(table)
        && is_own(rules.place, give_up_on(inherited).map(|rules| rules.place))
    {
        check(&rules.value.0, table, context);
    }
    if let Some(rules) = &table.rules
        && is_own(
            rules.place,
            inherited.rules.as_ref().map(|rules| rules.place),
        )
    {
        let losses = rules.value.0.iter();
        for loss in losses.filter_map(|rule| rule.value.loss.as_ref()) {
            check(&loss.value.0, table, context);
        }
    }
}

fn check(rules: &[Located<GiveUpRule>], table: &ConnectionTable, context: &mut Context<'_>) {
    for rule in rules {
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

/// The source of a cause is switched off.
struct Off {
    what: &'static str,
    /// Where that is written, if it is.
    place: Option<Place>,
    /// What to write if it is not.
    help: &'static str,
}

fn switched_off(kind: &str, table: &ConnectionTable) -> Option<Off> {
    match kind {
        "idle_timeout" => {
            let key = table.idle_timeout.as_ref();
            let is_off = |time: &Period| time.unless_off().is_none();
            let is_on = key.is_some_and(|key| !key.value.fixed().is_some_and(is_off));
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
        "decode" => {
            let key = table.decode.as_ref();
            let is_on = key.is_some_and(|key| key.value.decodes());
            (!is_on).then(|| Off {
                what: "nothing is decoded",
                place: key.map(|key| key.place),
                help: "write decode, such as \"gzip\", or remove the rule",
            })
        }
        "script_refused" | "script_timeout" => {
            let steps = table.open_script.iter();
            let mut steps = steps.flat_map(|script| &script.value.0);
            let mut periodic = table.periodic.iter().flat_map(|steps| &steps.value.0);
            let expects = steps.any(|step| step.value.awaits())
                || periodic.any(|periodic| periodic.step.value.awaits());
            (!expects).then_some(Off {
                what: "no script expects anything",
                place: None,
                help: "write open_script = [{ expect = '…' }], or remove the rule",
            })
        }
        "prepare" => {
            let prepare = table.prepare.as_ref();
            let is_on = prepare.is_some_and(|prepare| !prepare.value.is_empty());
            (!is_on).then_some(Off {
                what: "nothing is prepared",
                place: None,
                help: "write prepare = [{ http = { url = \"https://…\" } }], or remove the rule",
            })
        }
        "rule" => {
            let rules = table.rules.as_ref();
            let has_rules = rules.is_some_and(|rules| !rules.value.0.is_empty());
            (!has_rules).then_some(Off {
                what: "there are no rules",
                place: None,
                help: "write rules = [{ when = '…', do = \"reconnect\" }], or remove the rule",
            })
        }
        _ => None,
    }
}

fn give_up_on(table: &ConnectionTable) -> Option<&Located<GiveUpOn>> {
    match &table.reconnect.as_ref()?.value {
        ReconnectLayer::Backoff(reconnect) => reconnect.give_up_on.as_ref(),
        ReconnectLayer::Never => None,
    }
}
