//! The keys of a dialogue after the layers are merged.

use std::sync::Arc;

use super::dial::DialTexts;
use crate::config::{
    keys::{
        CaptureLayer, ConnectionTable, HeartbeatLayer, HeartbeatTable, IdsTable, Kind, OnOpen,
        Periodic, PrepareLayer, RequestTable, Rules, Script, StepTable, SubscribeLayer,
        Subscriptions,
    },
    read::{Entries, Item, Located},
    values::{TemplateText, Written},
};
use everwire_proto::settings::{
    ConnectionSettings, UrlPattern,
    dialogue::{FirstBeat, HeartbeatStart},
};

/// The keys of a dialogue after the layers are merged. Equal keys give equal dialogues.
#[derive(PartialEq)]
pub(super) struct Merged {
    pub lets: Entries<TemplateText>,
    pub capture: Entries<CaptureLayer>,
    /// `on_open`, if it contains an expression: it is then the script.
    pub on_open: Option<OnOpen>,
    pub open_script: Script,
    pub prepare: Option<Located<PrepareLayer>>,
    /// The texts of a dial with expressions.
    pub dial: DialTexts,
    pub periodic: Periodic,
    pub close_script: Script,
    pub rules: Rules,
    pub request: Option<Located<RequestTable>>,
    pub subscribe: Option<Located<SubscribeLayer>>,
    pub subscriptions: Subscriptions,
    /// A text heartbeat.
    pub heartbeat: Option<HeartbeatTable>,
    /// Whether there is a heartbeat of any kind.
    pub beats: bool,
    /// `idle_timeout`, if it is a template.
    pub idle_timeout: Option<Written>,
    pub first_id: u64,
    /// The longest message, in bytes.
    pub max_message: usize,
    /// Addresses beyond the public ones that a peer may name, if a rule dials what it names.
    pub peer_urls: Arc<[UrlPattern]>,
    /// Whether messages are kept in a durable history.
    pub stores: bool,
}

impl Merged {
    /// `None`: the settings have no dialogue.
    pub fn of(table: &ConnectionTable, allow_urls: &Arc<[UrlPattern]>) -> Option<Self> {
        let on_open = table.on_open.as_ref().map(|list| &list.value);
        let idle_timeout = table.idle_timeout.as_ref();
        let ids = table.ids.as_ref().map(|ids| &ids.value);
        let (heartbeat, beats) = heartbeat(table);
        let rules: Rules = value(&table.rules);
        let has_urls = rules.0.iter().any(|rule| rule.value.url.is_some());
        // The answer to a call may redirect it. A caller's subscription may use HTTP.
        let subscribes = table.subscribe.is_some() || table.subscriptions.is_some();
        let calls = table.steps().any(|step| step.http.is_some());
        let names_urls = has_urls || calls || table.prepare.is_some() || subscribes;
        let peer_urls = names_urls.then(|| Arc::clone(allow_urls));
        let merged = Self {
            lets: value(&table.lets),
            capture: value(&table.capture),
            on_open: on_open.filter(|list| list.is_script()).cloned(),
            open_script: value(&table.open_script),
            prepare: table.prepare.clone().filter(|key| !key.value.is_empty()),
            dial: DialTexts::of(table),
            periodic: value(&table.periodic),
            close_script: value(&table.close_script),
            rules,
            request: table.request.clone(),
            subscribe: table.subscribe.clone(),
            subscriptions: value(&table.subscriptions),
            heartbeat,
            beats,
            idle_timeout: idle_timeout.and_then(|time| time.value.template().cloned()),
            first_id: ids.and_then(first_id).unwrap_or(1),
            max_message: max_message(table),
            peer_urls: peer_urls.unwrap_or_default(),
            stores: stores(table),
        };
        (!merged.is_empty()).then_some(merged)
    }

    /// All steps: of the open script, of `periodic`, of the close script.
    pub fn steps(&self) -> impl Iterator<Item = &Located<StepTable>> {
        let periodic = self.periodic.0.iter().map(|periodic| &periodic.step);
        let open_script = self.open_script.0.iter();
        open_script.chain(periodic).chain(&self.close_script.0)
    }

    /// The captures of its own steps before a dial.
    pub fn prepare_captures(&self) -> impl Iterator<Item = &Item<CaptureLayer>> {
        let steps = match self.prepare.as_ref().map(|key| &key.value) {
            Some(PrepareLayer::Steps(steps)) => &steps.0[..],
            Some(PrepareLayer::Key(_)) | None => &[],
        };
        let captures = steps.iter().filter_map(|step| step.value.capture.as_ref());
        captures.flat_map(|entries| &entries.value.0)
    }

    fn is_empty(&self) -> bool {
        self.lets.0.is_empty()
            && self.capture.0.is_empty()
            && self.on_open.is_none()
            && self.open_script.0.is_empty()
            && self.prepare.is_none()
            && self.dial.is_empty()
            && self.periodic.0.is_empty()
            && self.close_script.0.is_empty()
            && self.rules.0.is_empty()
            && self.request.is_none()
            && self.subscribe.is_none()
            && self.subscriptions.items.is_empty()
            && self.heartbeat.is_none()
            && self.idle_timeout.is_none()
            && self.first_id == 1
    }
}

fn value<T: Clone + Default>(key: &Option<Located<T>>) -> T {
    let value = key.as_ref().map(|key| key.value.clone());
    value.unwrap_or_default()
}

fn first_id(ids: &IdsTable) -> Option<u64> {
    ids.from.as_ref().map(|from| from.value.0)
}

fn max_message(table: &ConnectionTable) -> usize {
    let size = table.max_message.as_ref().map(|size| size.value.0);
    size.unwrap_or_else(|| ConnectionSettings::with_url("".into()).max_message)
}

fn stores(table: &ConnectionTable) -> bool {
    let Some(history) = &table.history else {
        return false;
    };
    let is_durable = history.value.durable.as_ref();
    let messages = history.value.messages.as_ref();
    is_durable.is_some_and(|durable| durable.value)
        && messages.is_some_and(|messages| messages.value.0 > 0)
}

/// The heartbeat, if it has more than a fixed ping and pong text, and whether there is any.
fn heartbeat(table: &ConnectionTable) -> (Option<HeartbeatTable>, bool) {
    let Some(key) = &table.heartbeat else {
        return (None, true);
    };
    let heartbeat: &HeartbeatLayer = &key.value;
    let kind = heartbeat.0.kind.as_ref().map(|kind| kind.value);
    let table = &heartbeat.0;
    let first = table.first.as_ref().map(|first| first.value);
    let from = table.from.as_ref().map(|from| from.value);
    let is_more = heartbeat.has_templates()
        || first.unwrap_or_default() != FirstBeat::default()
        || from.unwrap_or_default() != HeartbeatStart::default();
    (
        (heartbeat.is_text() && is_more).then(|| table.clone()),
        kind != Some(Kind::None),
    )
}
