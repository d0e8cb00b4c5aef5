//! Where a name is, in words.

#[cfg(feature = "nats")]
use everwire::events::rfc3339;
#[cfg(feature = "nats")]
use everwire_cluster::{Former, Where};

/// Where a name is that is not open here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Elsewhere {
    /// The node that holds it; `None` if nobody does.
    pub node: Option<Box<str>>,
    /// Where it is, and what is to be expected.
    pub text: String,
}

#[cfg(feature = "nats")]
impl Elsewhere {
    /// Where a name is with this shard; `None` before the cluster knows its place.
    pub fn of(found: Option<Where>) -> Self {
        let text = found.as_ref().map_or_else(
            || "the cluster does not know the name's place yet: ask again soon".to_owned(),
            text,
        );
        let node = found.filter(|found| !found.is_here);
        Self {
            node: node.and_then(|found| found.node),
            text,
        }
    }
}

/// Where a shard is.
#[cfg(feature = "nats")]
pub fn text(found: &Where) -> String {
    let again = seconds(found.held_again_seconds);
    let Some(node) = &found.node else {
        return nobody(found, &again);
    };
    let since = found.since.map(rfc3339);
    let since = since.map(|at| format!(" since {at}")).unwrap_or_default();
    if found.is_here {
        return format!("on this node, {node}{since}");
    }
    // Renewals come much more often.
    let silent = found.silent_seconds;
    let silent = silent.filter(|silent| *silent > found.held_again_seconds / 2.0);
    let silence = silent.map(|silent| {
        let ago = seconds(silent);
        format!(
            "; its last sign of life was {ago} ago, and others take over within {again} after it"
        )
    });
    format!("on node {node}{since}{}", silence.unwrap_or_default())
}

#[cfg(feature = "nats")]
fn nobody(found: &Where, again: &str) -> String {
    let shard = found.shard;
    let Some(Former {
        node,
        ended_seconds_ago,
        has_left,
        ..
    }) = &found.former
    else {
        return format!(
            "nobody has held shard {shard} yet: a node takes it within {again} after the log answers"
        );
    };
    let end = match ended_seconds_ago {
        None => format!("node {node} no longer holds it"),
        Some(ago) => {
            let how = if *has_left { "left" } else { "was ended" };
            format!("node {node} {how} {} ago", seconds(*ago))
        }
    };
    format!("nobody holds shard {shard}: {end}, others take it within {again}")
}

#[cfg(feature = "nats")]
fn seconds(seconds: f64) -> String {
    format!("{seconds:.0} s")
}

#[cfg(all(test, feature = "nats"))]
mod tests {
    use everwire_proto::placement::ShardId;

    use super::*;

    fn free(former: Option<Former>) -> Where {
        let mut found = Where::new(ShardId::new(0, 256, 12));
        (found.former, found.held_again_seconds) = (former, 34.0);
        found
    }

    fn held(is_here: bool, silent: Option<f64>) -> Where {
        let mut found = free(None);
        found.node = Some("b".into());
        found.since = "2026-01-02T03:04:05Z".parse().ok();
        (found.is_here, found.silent_seconds) = (is_here, silent);
        found
    }

    #[test]
    fn a_held_name_is_on_a_node_and_its_silence_is_told() {
        assert_eq!(
            text(&held(true, None)),
            "on this node, b since 2026-01-02T03:04:05.000000Z"
        );
        let quiet = text(&held(false, Some(12.0)));
        assert_eq!(quiet, "on node b since 2026-01-02T03:04:05.000000Z");
        let silent = text(&held(false, Some(20.4)));
        assert_eq!(
            silent,
            "on node b since 2026-01-02T03:04:05.000000Z; its last sign of life was 20 s ago, and others take over within 34 s after it"
        );
        let mut unseen = held(false, None);
        unseen.since = None;
        assert_eq!(text(&unseen), "on node b");
    }

    #[test]
    fn of_a_free_shard_it_is_told_who_held_it_and_what_is_to_be_expected() {
        let ended = |has_left| {
            let mut former = Former::new("c");
            (former.ended_seconds_ago, former.has_left) = (Some(5.2), has_left);
            text(&free(Some(former)))
        };
        assert_eq!(
            ended(true),
            "nobody holds shard 12: node c left 5 s ago, others take it within 34 s"
        );
        assert!(ended(false).contains(": node c was ended 5 s ago, "));
        let released = text(&free(Some(Former::new("c"))));
        assert!(
            released.contains(": node c no longer holds it, "),
            "{released}"
        );
        assert_eq!(
            text(&free(None)),
            "nobody has held shard 12 yet: a node takes it within 34 s after the log answers"
        );
        assert_eq!(Elsewhere::of(None).node, None);
        let here = Elsewhere::of(Some(held(true, None)));
        assert_eq!(here.node, None, "it is about to be opened here");
    }
}
