//! A caller's subscription on a running connection: it is compiled beside the dialogue, with the
//! dialogue's names.

use std::sync::Arc;

use url::Url;

use super::{
    compiler::Compiler,
    item,
    order::Order,
    subscribe::{self, Around},
};
use crate::{
    config::{
        keys::{AskLayer, LongForm, WordsTable, check_key},
        read::{Context, Item, Located, Origin, Place, Pointers, Read, backticked, node_of_json},
    },
    settings::{InvalidSubscription, SubscriptionWish, System},
};
use everwire_proto::{
    language::{MessageTemplate, Name, Variable},
    settings::dialogue::{
        Asking, DeclaredSubscription, Dialogue, StepCall, SubscribeSettings, SubscriptionItem,
        SubscriptionWords,
    },
};
use serde_json::Value as Json;

/// Compiles a caller's wish into a subscription of a dialogue.
///
/// A caller may not read the process's secrets, nor choose where to call: whatever is refused over
/// the API is refused here, too.
///
/// # Errors
///
/// All errors in it.
pub(in crate::config) fn compile_subscription(
    dialogue: &Dialogue,
    key: &str,
    wish: &SubscriptionWish,
) -> Result<Arc<DeclaredSubscription>, InvalidSubscription> {
    let Some(subscribe) = dialogue.subscribe.as_deref() else {
        let text = "the settings have no `subscribe`: write subscribe = { on = '…' }";
        return Err(InvalidSubscription(text.into()));
    };
    let declared = subscribe.declared.iter().find(|one| *one.key == *key);
    if let (true, Some(declared)) = (wish.is_empty(), declared) {
        return Ok(Arc::clone(declared));
    }
    let mut pointers = Pointers::default();
    let read = |json: &Json, pointer: &str, pointers: &mut Pointers| {
        let too_large = |at| {
            let text =
                format!("invalid number at {at}: it does not fit into 64 bits; write it as a text");
            InvalidSubscription(text)
        };
        node_of_json(json, pointer, pointers).map_err(too_large)
    };
    let item = wish.item.as_ref();
    let item = item
        .map(|item| read(item, "/item", &mut pointers))
        .transpose()?;
    let words = read(&Json::Object(wish.words.clone()), "", &mut pointers)?;
    let mut context = Context::new(&System);
    context.origin = Origin::Api;
    check_key(key, words.place, &mut context);
    let mut long = LongForm::read(&words, &mut context).unwrap_or_default();
    long.item = item;
    let beside = Beside {
        dialogue,
        subscribe,
        declared: declared.map(|one| &**one),
        place: words.place,
    };
    let compiled = beside.compile(key, &long, &mut context);
    let (errors, omitted) = context.problems.into_key_errors(&pointers);
    match compiled.filter(|_| errors.is_empty()) {
        Some(compiled) => Ok(Arc::new(compiled)),
        None => {
            let told = errors.into_iter().map(|error| {
                let at = match error.pointer.as_str() {
                    "" => String::new(),
                    pointer => format!(" at {pointer}"),
                };
                let help = error
                    .help
                    .map_or_else(String::new, |help| format!(" ({help})"));
                format!("{}{at}{help}", error.message)
            });
            let mut text = told.collect::<Vec<_>>().join("; ");
            if omitted > 0 {
                text.push_str(&format!("; and {omitted} more"));
            }
            Err(InvalidSubscription(text))
        }
    }
}

/// The context of the compilation.
struct Beside<'d> {
    dialogue: &'d Dialogue,
    subscribe: &'d SubscribeSettings,
    /// The settings' subscription with the same key.
    declared: Option<&'d DeclaredSubscription>,
    /// The place of the wish.
    place: Place,
}

impl Beside<'_> {
    fn compile(
        &self,
        key: &str,
        long: &LongForm,
        context: &mut Context<'_>,
    ) -> Option<DeclaredSubscription> {
        let dialogue = self.dialogue;
        let mut compiler = Compiler::new(context);
        compiler.names = dialogue.names.clone();
        compiler.lets = dialogue.lets.clone();
        compiler.put_pointers(dialogue.pointers.clone());
        let of_keys = self.captures_of_keys();
        let order = Order::running(&dialogue.lets, &dialogue.names, of_keys.iter().copied());
        let around = Around {
            order: &order,
            // The length is checked when it is written.
            max_message: usize::MAX,
        };
        let mut words = None;
        if !long.words.is_empty() {
            self.refuse(long, &of_keys, &mut compiler);
            let base = (*self.subscribe.words).clone();
            let own = WordsTable {
                // It was refused.
                rate: None,
                ..long.words.clone()
            };
            words = Some(subscribe::words(&own, base, &around, &mut compiler));
            self.refuse_variables(long, words.as_ref(), &mut compiler);
        }
        let item = self.item(key, long, &order, &mut compiler);
        let asked = words.as_ref().unwrap_or(&self.subscribe.words);
        let is_asked = asked.on.is_some() || self.declared_words().is_some();
        if !is_asked && !compiler.has_failed() {
            subscribe::refuse_unasked(key, self.place, &mut compiler);
        }
        let (_, pointers) = compiler.finish()?;
        // If all its pointers are among the dialogue's, one pass over a message serves both.
        let own = (pointers != dialogue.pointers).then(|| Box::new(pointers));
        let words = words.map(|words| {
            Arc::new(SubscriptionWords {
                own_pointers: own,
                ..words
            })
        });
        Some(DeclaredSubscription {
            key: key.into(),
            item: item?,
            words: words.or_else(|| self.declared_words()),
        })
    }

    /// The settings' keys for the same subscription.
    fn declared_words(&self) -> Option<Arc<SubscriptionWords>> {
        self.declared?.words.clone()
    }

    /// The numbers of the captures for each key.
    fn captures_of_keys(&self) -> Vec<u16> {
        let words = self.subscribe.all_words();
        let captures = words.flat_map(|words| &words.capture);
        captures.map(|capture| capture.name).collect()
    }

    fn item(
        &self,
        key: &str,
        long: &LongForm,
        order: &Order,
        compiler: &mut Compiler<'_, '_>,
    ) -> Option<SubscriptionItem> {
        compiler.reads.clear();
        let Some(node) = &long.item else {
            let declared = self.declared.map(|declared| declared.item.clone());
            return Some(declared.unwrap_or_else(|| item::of_key(key)));
        };
        let item = item::compile(node, compiler)?;
        let reads = std::mem::take(&mut compiler.reads);
        order.refuse_early(reads, compiler);
        refuse_stored(item.template(), node.place, compiler);
        let same = self.declared.map(|declared| &declared.item);
        Some(match same.filter(|known| is_same(known, &item)) {
            // Its members may be in another order.
            Some(known) => known.clone(),
            None => item,
        })
    }

    /// Reports keys that a file may have, and a caller may not.
    fn refuse(&self, long: &LongForm, of_keys: &[u16], compiler: &mut Compiler<'_, '_>) {
        if let Some(rate) = &long.words.rate {
            let help = "leave it out: the rate of `subscribe` holds";
            compiler.wrong(rate.place, "`rate` is not allowed over the API", help);
        }
        let captures = long.words.capture.iter();
        for Item { name, place, .. } in captures.flat_map(|capture| &capture.value.0) {
            let found = compiler.names.find(name);
            if !matches!(found, Some(Name::Capture(at)) if of_keys.contains(&at)) {
                let known = of_keys
                    .iter()
                    .map(|at| compiler.names.text(Name::Capture(*at)));
                let mut known: Vec<String> = known.map(backticked).collect();
                known.sort();
                known.dedup();
                let help = match known.is_empty() {
                    true => "`subscribe.capture` of the settings says which there are: none".into(),
                    false => format!(
                        "`subscribe.capture` of the settings has {}",
                        known.join(", ")
                    ),
                };
                let message = format!("unknown capture {}", backticked(name));
                compiler.wrong(*place, message, help);
            }
        }
    }

    /// Reports texts that are read from outside, or called, and contain more than allowed.
    fn refuse_variables(
        &self,
        long: &LongForm,
        words: Option<&SubscriptionWords>,
        compiler: &mut Compiler<'_, '_>,
    ) {
        let Some(words) = words else {
            return;
        };
        let asks = [(&long.words.on, &words.on), (&long.words.off, &words.off)];
        for (layer, asking) in asks {
            let (Some(Located { value, place }), Some(asking)) = (layer, asking) else {
                continue;
            };
            for template in asking.templates() {
                refuse_stored(template, *place, compiler);
            }
            if let (AskLayer::Http(_), Asking::Http(request)) = (value, asking) {
                self.refuse_call(request.templates(), &request.url, *place, compiler);
            }
        }
        if let (Some(layer), Some(route)) = (&long.words.route, &words.route) {
            refuse_stored(&route.id, layer.place, compiler);
        }
    }

    /// Restricts where a caller's HTTP request goes: to a server that the settings call themselves,
    /// or that `service.allow_urls` selects. To the latter it may not send anything that the
    /// connection knows.
    fn refuse_call(
        &self,
        templates: Vec<&MessageTemplate>,
        url: &MessageTemplate,
        place: Place,
        compiler: &mut Compiler<'_, '_>,
    ) {
        let Some(server) = server(url) else {
            let help = "write the host itself, without ${…}: url = \"https://host/path?${key}\"";
            compiler.wrong(place, "the host of this URL is not fixed", help);
            return;
        };
        if called(self.dialogue).any(|known| known == server) {
            return;
        }
        let whole = url.is_literal().then(|| Url::parse(url.as_str()).ok());
        let is_allowed = whole.flatten().is_some_and(|url| {
            let mut patterns = self.dialogue.peer_urls.iter();
            patterns.any(|pattern| pattern.matches(&url))
        });
        if !is_allowed {
            let message = format!("{server} must not be called: the settings do not call it");
            let help = "service.allow_urls has the patterns of URLs that may be called besides";
            compiler.wrong(place, message, help);
            return;
        }
        let reads = templates.into_iter().flat_map(MessageTemplate::reads);
        let mut names = reads.map(|read| read.name);
        if let Some(name) = names.find(|name| !matches!(name, Name::BuiltIn(_))) {
            let name = backticked(compiler.names.text(name));
            let message = format!("an HTTP request to {server} must not read {name}");
            let help = "captures are sent only to servers that the settings name";
            compiler.wrong(place, message, help);
        }
    }
}

/// The servers that the settings call, as they are written.
fn called(dialogue: &Dialogue) -> impl Iterator<Item = String> {
    let prepare = dialogue.prepare.iter();
    let prepare = prepare.flat_map(|prepare| &prepare.preparation().steps);
    let calls = dialogue.steps().filter_map(|step| step.call.as_deref());
    let calls = calls.chain(prepare.map(|step| &step.call));
    let calls = calls.filter_map(|call| match call {
        StepCall::Http(request) => Some(request),
        StepCall::Exec(_) => None,
    });
    let subscribe = dialogue.subscribe.iter();
    let words = subscribe.flat_map(|subscribe| subscribe.all_words());
    let asks = words.flat_map(|words| words.on.iter().chain(&words.off));
    let asks = asks.filter_map(|asking| match asking {
        Asking::Http(request) => Some(request),
        Asking::Send(_) => None,
    });
    calls.chain(asks).filter_map(|request| server(&request.url))
}

/// Scheme, host and port of a URL, if none of them is a hole.
fn server(url: &MessageTemplate) -> Option<String> {
    let text = url.as_str();
    let start = text.split_once("${").map_or(text, |(start, _)| start);
    let authority = start.find("://")? + 3;
    let end = start[authority..].find(['/', '?', '#']);
    let end = match end {
        Some(end) => authority + end,
        None if start == text => text.len(),
        None => return None,
    };
    let url = Url::parse(&start[..end]).ok()?;
    Some(url.origin().ascii_serialization())
}

/// A stored secret is read only at a dial, for the settings.
fn refuse_stored(template: &MessageTemplate, place: Place, compiler: &mut Compiler<'_, '_>) {
    let stored = template.variables().find_map(|variable| match variable {
        Variable::Stored(id) => Some(format!("${{secret:{id}}}")),
        Variable::File(_) => None,
    });
    if let Some(stored) = stored {
        let message = format!(
            "{} is not allowed here: it is read at a dial",
            backticked(&stored)
        );
        let help = "bring it in with `let` of the settings, and write its name";
        compiler.wrong(place, message, help);
    }
}

/// Whether both items are the same value.
fn is_same(one: &SubscriptionItem, other: &SubscriptionItem) -> bool {
    match (one, other) {
        (SubscriptionItem::Json(one), SubscriptionItem::Json(other)) => {
            let (one, other) = (one.as_json(), other.as_json());
            one.is_some() && one == other
        }
        (SubscriptionItem::Text(one), SubscriptionItem::Text(other)) => {
            one.as_str() == other.as_str()
        }
        _ => false,
    }
}
