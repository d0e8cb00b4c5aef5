//! The server's side of subscriptions.

use std::io;

use everwire::{
    dialogue::{Asking, HttpRequest, ScriptStep, SubscriptionItem, SubscriptionWords},
    language::{BuiltIn, Inverted, Name, NotInvertible, Value, json::RawJson},
};

use super::{
    http::Request,
    session::{Flow, Names, Session},
};
use crate::cli::rehearse::{
    answers::Wanted,
    fault::{Fault, Place, What},
    stage::{Note, Stage},
};

/// A request of the name.
pub enum Asked<'s> {
    /// To subscribe to keys, with these messages. The names are the values in the request.
    On(&'s SubscriptionWords, Names),
    /// To end subscriptions.
    Off,
}

/// The answer to a request that subscribes.
pub struct Answered {
    pub fault: Option<What>,
    pub made: Result<Inverted, NotInvertible>,
}

impl<'s> Session<'s> {
    /// The request in a text, if it is about subscriptions.
    pub fn asked(&self, text: &str) -> Option<Asked<'s>> {
        all_words(self.stage).find_map(|words| {
            if let Some(Asking::Send(on)) = &words.on
                && let Some(mut names) = self.said(on, text)
            {
                complete(&mut names, self.stage);
                return Some(Asked::On(words, names));
            }
            match &words.off {
                Some(Asking::Send(off)) => self.said(off, text).map(|_| Asked::Off),
                Some(Asking::Http(_)) | None => None,
            }
        })
    }

    /// Answers it, or carries out its fault.
    pub async fn subscribe(&mut self, asked: Asked<'s>, text: &str) -> io::Result<Flow> {
        let Asked::On(words, names) = asked else {
            return Ok(Flow::Goes);
        };
        let silence = Fault::new(Place::Subscribe, What::Silence);
        if self.stage.awaits(silence) && self.stage.take_fault(Place::Subscribe).is_some() {
            // The others are answered.
            self.stage.note(Note::Faulted);
            return Ok(Flow::Goes);
        }
        let step = ScriptStep {
            expect: words.ack.clone(),
            fail: words.fail.clone(),
            capture: words.capture.clone(),
            ..ScriptStep::default()
        };
        self.answer(Place::Subscribe, &step, text, &names).await
    }
}

/// The answer to a request that subscribes or unsubscribes; `None` for any other request.
pub fn answered(request: &Request, stage: &Stage) -> Option<Answered> {
    let model = stage.model.borrow();
    let is_it = |http: &HttpRequest| {
        let seen = model.seen(&[], None);
        let is_url = |scheme| {
            let url = request.url(scheme);
            http.url.unfilled_from(&url, &seen).is_some()
        };
        http.method == request.method && (is_url("https") || is_url("http"))
    };
    let mut words = all_words(stage);
    let found = words.find_map(|words| match (&words.on, &words.off) {
        (Some(Asking::Http(on)), _) if is_it(on) => Some(Some(words)),
        (_, Some(Asking::Http(off))) if is_it(off) => Some(None),
        _ => None,
    })?;
    let Some(words) = found else {
        let made = Ok(Inverted {
            status: Some(204),
            ..Inverted::default()
        });
        return Some(Answered { fault: None, made });
    };
    let fault = stage.take_fault(Place::Subscribe);
    if fault.is_some() {
        stage.note(Note::Faulted);
    }
    let wanted = match fault {
        Some(What::Refusal) => Wanted::Fail,
        _ => Wanted::Expect,
    };
    let seen = model.seen(&[], None);
    let made = stage.answers().to_subscription(words, wanted, &seen);
    if made.is_ok() && fault.is_none() {
        stage.note(Note::Passed(Place::Subscribe));
    }
    Some(Answered { fault, made })
}

/// The messages of all keys, without duplicates.
fn all_words(stage: &Stage) -> impl Iterator<Item = &SubscriptionWords> {
    let subscribe = stage.subject.dialogue.subscribe.iter();
    subscribe.flat_map(|subscribe| subscribe.all_words())
}

/// Adds the key or the item if the request has only one of them.
fn complete(names: &mut Names, stage: &Stage) {
    let of = |names: &Names, built_in| {
        let name = Name::BuiltIn(built_in);
        let found = names.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value.clone())
    };
    let key = of(names, BuiltIn::Key);
    let item = of(names, BuiltIn::Item).or_else(|| only(&of(names, BuiltIn::Items)?));
    let Some(subscribe) = stage.subject.dialogue.subscribe.as_deref() else {
        return;
    };
    let model = stage.model.borrow();
    let found = subscribe.declared.iter().find_map(|declared| {
        let own_key = Value::text(declared.key.to_string());
        let names = [(Name::BuiltIn(BuiltIn::Key), own_key.clone())];
        let rendered = declared.item.template().render(&model.seen(&names, None));
        let rendered = rendered.ok()?;
        let text = rendered.as_text()?;
        let own_item = match &declared.item {
            SubscriptionItem::Text(_) => Value::text(text.to_owned()),
            SubscriptionItem::Json(_) => Value::json(RawJson::parse(text)?).into_owned(),
        };
        let is_same = |said: &Option<Value<'static>>, own: &Value<'static>| match said {
            Some(said) => said.as_text() == own.as_text(),
            None => true,
        };
        let is_said = key.is_some() || item.is_some();
        let is_it = is_said && is_same(&key, &own_key) && is_same(&item, &own_item);
        is_it.then_some((own_key, own_item))
    });
    let Some((own_key, own_item)) = found else {
        return;
    };
    if key.is_none() {
        names.push((Name::BuiltIn(BuiltIn::Key), own_key));
    }
    if of(names, BuiltIn::Item).is_none() {
        names.push((Name::BuiltIn(BuiltIn::Item), own_item));
    }
}

/// The only element of a list.
fn only(items: &Value<'static>) -> Option<Value<'static>> {
    let text = items.as_text()?;
    let mut items = RawJson::parse(&text)?.items();
    let only = items.next()?;
    match items.next() {
        None => Some(Value::json(only).into_owned()),
        Some(_) => None,
    }
}
