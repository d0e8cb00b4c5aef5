//! `heartbeat`.

use serde_json::{Value as Json, json};

use super::PongLayer;
use crate::config::{
    read::{
        Context, IntoField, Located, Node, Place, Problem, Read, ShowField, Value, table,
        table_schema,
    },
    units::format_duration,
    values::{Choice as _, Templated, Text, Timeout, choice, escaped},
};
use everwire_proto::settings::{
    Heartbeat,
    dialogue::{FirstBeat, HeartbeatStart},
};

/// The kinds of heartbeat.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::config) enum Kind {
    Protocol,
    Text,
    None,
}

choice! { Kind { "protocol" => Protocol, "text" => Text, "none" => None } }

table! {
    /// How a dead peer is detected.
    #[derive(PartialEq)]
    pub(in crate::config) struct HeartbeatTable {
        /// Ping frames (RFC 6455 §5.5.2), text messages, or none.
        kind: Kind = "protocol",
        /// The time between pings. Kind "text": a template such as "${beat}ms" takes effect when it first has a value.
        interval: Templated<Timeout> = "10s",
        /// The time limit from a ping to its pong; after that the socket is lost. It may be such a
        /// template, too.
        timeout: Templated<Timeout> = "20s",
        /// Kind "text": the text that is sent. Expressions in it are expanded.
        ping: Templated<Text> = "ping",
        /// Kind "text": the server's answer: the whole message, or a table with an expression that
        /// is true for it.
        pong: PongLayer = "pong",
        /// Kind "text": whether the server answers in order, so that an answer confirms earlier
        /// messages.
        fence: bool = false,
        /// Kind "text": whether subscribers get the answers, too.
        deliver: bool = false,
        /// Kind "text": when the first ping is sent: after an interval, at once, or after a random
        /// part of the interval.
        first: FirstBeat = "interval",
        /// Kind "text": when the interval starts: when the connection is ready, or when its socket
        /// is open.
        from: HeartbeatStart = "ready",
    }
}

choice! { FirstBeat { "interval" => Interval, "now" => Now, "jitter" => Jitter } }
choice! { HeartbeatStart { "ready" => Ready, "open" => Open } }

/// A heartbeat: a table, or only its kind.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::config) struct HeartbeatLayer(pub HeartbeatTable);

impl Read for HeartbeatLayer {
    fn read(node: &Node, context: &mut Context<'_>) -> Option<Self> {
        let mut table = HeartbeatTable::default();
        match &node.value {
            Value::String(_) => table.kind = Located::read(node, context),
            Value::Table(_) => table = HeartbeatTable::read(node, context)?,
            _ => return context.wrong_type(node, "a table, \"protocol\", \"text\" or \"none\""),
        }
        let mut layer = Self(table);
        if layer.0.kind.is_some() {
            layer.refuse_other_kinds(context);
        } else if says_kind(node) {
            // Its kind is wrong, which was reported; the other keys are then not checked.
            layer.forget_text();
        }
        Some(layer)
    }

    fn schema() -> Json {
        let kind = Kind::schema();
        json!({ "anyOf": [table_schema::<HeartbeatTable>(), kind] })
    }

    fn overlay(&mut self, nearer: Self) {
        if nearer.0.kind.is_some() {
            // The texts of another kind are not inherited.
            if !nearer.is_text() {
                self.forget_text();
            }
        }
        self.0.overlay(nearer.0);
    }
}

impl IntoField<Heartbeat> for HeartbeatLayer {
    fn into_field(self, _: Place, context: &mut Context<'_>) -> Heartbeat {
        self.refuse_other_kinds(context);
        let HeartbeatTable {
            kind,
            interval,
            timeout,
            ping,
            pong,
            fence,
            deliver,
            // Templates belong to the dialogue.
            first: _,
            from: _,
        } = self.0;
        let fixed =
            |time: Option<Located<Templated<Timeout>>>| time?.value.fixed().map(|time| time.0);
        let interval = fixed(interval).unwrap_or(Heartbeat::DEFAULT_INTERVAL);
        let timeout = fixed(timeout).unwrap_or(Heartbeat::DEFAULT_TIMEOUT);
        match kind.map_or(Kind::Protocol, |kind| kind.value) {
            Kind::None => Heartbeat::Off,
            Kind::Protocol => Heartbeat::Protocol { interval, timeout },
            Kind::Text => Heartbeat::Text {
                interval,
                timeout,
                ping: match ping.map(|ping| ping.value) {
                    Some(Templated::Fixed(Text(ping))) => ping,
                    Some(Templated::Template(_)) | None => "ping".into(),
                },
                pong: match pong.map(|pong| pong.value) {
                    Some(PongLayer::Text(Text(pong))) => pong,
                    Some(PongLayer::When(_)) | None => "pong".into(),
                },
                fence: fence.is_some_and(|fence| fence.value),
                deliver: deliver.is_some_and(|deliver| deliver.value),
            },
        }
    }
}

impl ShowField<Heartbeat> for HeartbeatLayer {
    fn show_field(field: &Heartbeat) -> Json {
        match field {
            Heartbeat::Off => json!("none"),
            Heartbeat::Protocol { interval, timeout } => json!({
                "kind": "protocol",
                "interval": format_duration(*interval),
                "timeout": format_duration(*timeout),
            }),
            Heartbeat::Text {
                interval,
                timeout,
                ping,
                pong,
                fence,
                deliver,
            } => json!({
                "kind": "text",
                "interval": format_duration(*interval),
                "timeout": format_duration(*timeout),
                "ping": escaped(ping),
                "pong": escaped(pong),
                "fence": fence,
                "deliver": deliver,
                "first": FirstBeat::default().word(),
                "from": HeartbeatStart::default().word(),
            }),
        }
    }
}

impl HeartbeatLayer {
    /// Whether this is a text heartbeat.
    pub fn is_text(&self) -> bool {
        matches!(&self.0.kind, Some(kind) if kind.value == Kind::Text)
    }

    /// Whether something in it is rendered, or evaluated, at run time.
    pub fn has_templates(&self) -> bool {
        let table = &self.0;
        let times = [&table.interval, &table.timeout];
        let is_template = |time: &&Option<Located<Templated<Timeout>>>| {
            time.as_ref()
                .is_some_and(|time| time.value.template().is_some())
        };
        let ping = table.ping.as_ref();
        let pong = table.pong.as_ref();
        times.iter().any(is_template)
            || ping.is_some_and(|ping| ping.value.template().is_some())
            || pong.is_some_and(|pong| matches!(pong.value, PongLayer::When(_)))
    }

    /// Whether its answers confirm earlier messages.
    pub fn can_fence(&self) -> bool {
        match self.0.kind.as_ref().map(|kind| kind.value) {
            None | Some(Kind::Protocol) => true,
            Some(Kind::Text) => self.0.fence.as_ref().is_some_and(|fence| fence.value),
            Some(Kind::None) => false,
        }
    }

    /// Reports keys of a text heartbeat in a heartbeat of another kind.
    pub fn refuse_other_kinds(&self, context: &mut Context<'_>) {
        if self.is_text() {
            return;
        }
        let table = &self.0;
        let ping = table.ping.as_ref().map(|ping| ("ping", ping.place));
        let pong = table.pong.as_ref().map(|pong| ("pong", pong.place));
        let flag = |key, flag: &Option<Located<bool>>| flag.as_ref().map(|flag| (key, flag.place));
        let fence = flag("fence", &table.fence);
        let deliver = flag("deliver", &table.deliver);
        let first = table.first.as_ref().map(|first| ("first", first.place));
        let from = table.from.as_ref().map(|from| ("from", from.place));
        let times = [("interval", &table.interval), ("timeout", &table.timeout)];
        for (key, time) in times {
            let Some(time) = time.as_ref().filter(|time| time.value.template().is_some()) else {
                continue;
            };
            let message = format!("a template as `{key}` belongs to a heartbeat of kind \"text\"");
            let help = "write kind = \"text\" too, or a duration such as \"10s\"";
            context.wrong(time.place, message, help);
        }
        for (key, place) in [ping, pong, fence, deliver, first, from]
            .into_iter()
            .flatten()
        {
            let problem = Problem::new(
                place,
                format!("`{key}` belongs to a heartbeat of kind \"text\""),
            )
            .help("write kind = \"text\" too, or remove it");
            context.problems.push(problem);
        }
    }

    fn forget_text(&mut self) {
        self.0.ping = None;
        self.0.pong = None;
        self.0.fence = None;
        self.0.deliver = None;
        self.0.first = None;
        self.0.from = None;
        for time in [&mut self.0.interval, &mut self.0.timeout] {
            if time
                .as_ref()
                .is_some_and(|time| time.value.template().is_some())
            {
                *time = None;
            }
        }
    }
}

fn says_kind(node: &Node) -> bool {
    match &node.value {
        Value::Table(entries) => entries.iter().any(|entry| entry.key == "kind"),
        _ => true,
    }
}
