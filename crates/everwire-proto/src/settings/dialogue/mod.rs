//! The conversation of a name on its socket: an opening script, rules, captures, and templates of
//! the heartbeat.

mod capture;
mod changed;
mod dial;
mod heartbeat;
mod need;
mod prepare;
mod request;
mod rule;
mod sending;
mod step;
mod subscribe;
mod template_duration;

use std::collections::BTreeSet;

pub use self::{
    capture::Capture,
    dial::DialTemplates,
    heartbeat::{FirstBeat, HeartbeatStart, HeartbeatTemplates},
    prepare::{
        HttpRequest, Preparation, Prepare, PrepareStep, Program, SharedPreparation, StepCall,
    },
    request::{MAX_IN_FLIGHT, RequestSettings},
    rule::{AnswerAfter, DialogueRule, RuleAction, RuleDelay, Trigger},
    sending::Sending,
    step::{Again, MAX_STEPS, PeriodicStep, ScriptStep},
    subscribe::{
        Asking, DeclaredSubscription, MAX_EXPECTED, MAX_ITEM, MAX_SUBSCRIPTION_KEY,
        MAX_SUBSCRIPTIONS, Route, SubscribeSettings, SubscriptionItem, SubscriptionWords,
    },
    template_duration::{LONGEST, SHORTEST, TemplateDuration},
};
use std::sync::Arc;

use super::{RateSettings, UrlPattern};
use crate::language::{
    Expression, Lets, MessageTemplate, Name, Names, Need, Needles, Secret, json::PointerSet,
};

/// The most rules of a name.
pub const MAX_RULES: usize = 64;

/// The most captures of a name.
pub const MAX_CAPTURES: usize = 64;

/// The most `let`s of a name.
pub const MAX_LETS: usize = 32;

/// The dialogue of a connection, compiled. Names with equal settings share it.
///
/// All its expressions and templates use one set of pointers, so that one pass over a message
/// serves all of them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Dialogue {
    /// The captures and `let`s that expressions read.
    pub names: Names,
    /// The pointers of all expressions.
    pub pointers: PointerSet,
    /// The `let`s.
    pub lets: Lets,
    /// Captures from each message: the connection's own `capture`.
    pub captures: Vec<Capture>,
    /// The preparation of each dial, if any.
    pub prepare: Option<Prepare>,
    /// The templates of a dial that are filled with captures.
    pub dial: DialTemplates,
    /// The steps that must pass before the name is ready.
    pub open_script: Vec<ScriptStep>,
    /// The steps that are repeated while the name is ready.
    pub periodic: Vec<PeriodicStep>,
    /// The steps before our close frame.
    pub close_script: Vec<ScriptStep>,
    /// The rules.
    pub rules: Vec<DialogueRule>,
    /// How callers' requests are numbered and answered, if they are.
    pub request: Option<RequestSettings>,
    /// The subscriptions, if any.
    pub subscribe: Option<Arc<SubscribeSettings>>,
    /// The heartbeat's templates, if it has any.
    pub heartbeat: Option<HeartbeatTemplates>,
    /// `idle_timeout`, if it is a template.
    pub idle_timeout: Option<TemplateDuration>,
    /// The number of a socket's first step; 1 by default.
    pub first_id: u64,
    /// The URLs that a rule's `url` may name besides `wss` URLs on public addresses.
    pub peer_urls: Arc<[UrlPattern]>,
    /// What a message must contain to concern a rule or a capture.
    pub needles: Needles,
    /// Whether a message without any of these may still concern a rule or a capture.
    pub hears_all: bool,
}

impl Dialogue {
    /// The same dialogue, with the needles of its rules and captures.
    #[must_use]
    pub fn with_needles(mut self) -> Self {
        let rules = self.rules.iter().map(DialogueRule::need);
        let captures = self.captures.iter().map(Capture::need);
        let subscribe = self.subscribe.iter().map(|subscribe| subscribe.need());
        let all = rules.chain(captures).chain(subscribe);
        self.needles = Needles::new(all.fold(Need::Nothing, Need::or));
        self.hears_all = self.rules.iter().any(DialogueRule::hears_all)
            || self.captures.iter().any(Capture::hears_all);
        self
    }

    /// Whether it contains nothing.
    pub fn is_empty(&self) -> bool {
        self.prepare.is_none()
            && self.dial.is_empty()
            && self.captures.is_empty()
            && self.steps().next().is_none()
            && self.rules.is_empty()
            && self.request.is_none()
            && self.subscribe.is_none()
            && self.heartbeat.is_none()
            && self.idle_timeout.is_none()
    }

    /// All steps: of the open script, of `periodic`, of the close script.
    pub fn steps(&self) -> impl Iterator<Item = &ScriptStep> {
        let periodic = self.periodic.iter().map(|periodic| &periodic.step);
        self.open_script
            .iter()
            .chain(periodic)
            .chain(&self.close_script)
    }

    /// The buckets that steps and subscriptions wait for.
    pub fn rates(&self) -> impl Iterator<Item = &RateSettings> {
        let subscribe = self
            .subscribe
            .iter()
            .flat_map(|subscribe| subscribe.all_words());
        let steps = self.steps().flat_map(|step| &step.rate);
        steps.chain(subscribe.flat_map(|words| &words.rate))
    }

    /// Whether both have the same conversation. Numbers of a bucket do not matter: the bucket has
    /// them. Declared subscriptions do not matter either, since they can change on an open socket.
    pub fn says_the_same(&self, other: &Self) -> bool {
        fn buckets(step: &ScriptStep) -> impl Iterator<Item = Option<&str>> {
            step.rate.iter().map(|rate| rate.bucket.as_deref())
        }
        let has_same_rates = || {
            let both = self.steps().zip(other.steps());
            both.into_iter()
                .all(|(one, other)| buckets(one).eq(buckets(other)))
        };
        let subscribes_the_same = || match (&self.subscribe, &other.subscribe) {
            (Some(one), Some(other)) => one.says_the_same(other),
            (None, None) => true,
            (Some(_), None) | (None, Some(_)) => false,
        };
        self == other
            || (has_same_rates()
                && subscribes_the_same()
                && self.pointers.is_in_line_with(&other.pointers)
                && self.lasting() == other.lasting())
    }

    /// The dialogue without the parts that may change on an open socket: the rates of its steps,
    /// and subscriptions.
    fn lasting(&self) -> Self {
        let mut lasting = self.clone();
        let periodic = lasting.periodic.iter_mut();
        let steps = lasting.open_script.iter_mut();
        steps
            .chain(periodic.map(|periodic| &mut periodic.step))
            .chain(&mut lasting.close_script)
            .for_each(|step| step.rate.clear());
        Self {
            subscribe: None,
            pointers: PointerSet::default(),
            needles: Needles::default(),
            ..lasting
        }
    }

    /// The captures that outlive the process, by number, perhaps with duplicates. If one place
    /// keeps a value, all places do.
    pub fn kept(&self) -> impl Iterator<Item = u16> {
        let kept = self.captures_of_all().filter(|capture| capture.keep);
        kept.map(|capture| capture.name)
    }

    /// Whether a capture of this name outlives the process.
    pub fn keeps(&self, name: &str) -> bool {
        let found = self.names.find(name);
        self.kept().any(|at| found == Some(Name::Capture(at)))
    }

    /// Whether any capture outlives the process.
    pub fn keeps_any(&self) -> bool {
        self.kept().next().is_some()
    }

    /// Whether an answer waits until its message is stored.
    pub fn answers_what_is_stored(&self) -> bool {
        self.rules.iter().any(|rule| rule.after.is_some())
    }

    /// All captures, of whatever key.
    fn captures_of_all(&self) -> impl Iterator<Item = &Capture> {
        let steps = self.steps().flat_map(|step| &step.capture);
        let rules = self.rules.iter().flat_map(|rule| &rule.capture);
        let subscribe = self
            .subscribe
            .iter()
            .flat_map(|subscribe| subscribe.all_words());
        let subscribe = subscribe.flat_map(|words| &words.capture);
        self.captures
            .iter()
            .chain(steps)
            .chain(rules)
            .chain(subscribe)
    }

    /// The values of all environment variables in it: they are masked when the peer repeats them.
    pub fn secrets(&self) -> Vec<Secret> {
        let filled = self.templates().flat_map(MessageTemplate::secrets);
        let asked = self.expressions().flat_map(Expression::secrets);
        filled.chain(asked).collect()
    }

    /// The names of all environment variables in it.
    pub fn environment(&self) -> BTreeSet<Box<str>> {
        let filled = self.templates().flat_map(MessageTemplate::environment);
        let asked = self.expressions().flat_map(Expression::environment);
        filled.chain(asked).collect()
    }

    /// The captures and `let`s that its expressions and templates read.
    pub fn reads(&self) -> Vec<Name> {
        if let Some(Prepare::Shared(_)) = self.prepare {
            // It has names of its own.
            let prepare = None;
            return Self {
                prepare,
                ..self.clone()
            }
            .reads();
        }
        let filled = self.templates().flat_map(MessageTemplate::reads);
        let asked = self.expressions().flat_map(Expression::reads).cloned();
        filled.chain(asked).map(|read| read.name).collect()
    }

    /// All conditions, and all captured values.
    fn expressions(&self) -> impl Iterator<Item = &Expression> {
        let steps = self.steps().flat_map(ScriptStep::expressions);
        let rules = self.rules.iter().flat_map(DialogueRule::expressions);
        let captures = self.captures.iter().flat_map(Capture::expressions);
        let pong = self
            .heartbeat
            .iter()
            .filter_map(|heartbeat| heartbeat.pong.as_ref());
        let request = self.request.iter().flat_map(RequestSettings::expressions);
        let subscribe = self
            .subscribe
            .iter()
            .flat_map(|subscribe| subscribe.expressions());
        let prepare = self.prepare.iter();
        let prepare = prepare.flat_map(|prepare| prepare.preparation().expressions());
        steps
            .chain(rules)
            .chain(captures)
            .chain(pong)
            .chain(request)
            .chain(subscribe)
            .chain(prepare)
    }

    /// All templates with secrets of the dial: their files and stored secrets are read at each
    /// dial.
    pub fn templates(&self) -> impl Iterator<Item = &MessageTemplate> {
        let steps = self.steps().filter_map(|step| step.send.as_ref());
        let calls = self.steps().filter_map(|step| step.call.as_deref());
        let calls = calls.flat_map(StepCall::templates);
        let rules = self.rules.iter().filter_map(|rule| rule.send.as_ref());
        let sent = steps.chain(rules).filter_map(Sending::template);
        let urls = self.rules.iter().filter_map(|rule| rule.url.as_ref());
        let pings = self
            .heartbeat
            .iter()
            .filter_map(|heartbeat| heartbeat.ping.as_ref());
        let durations = self.durations().map(|duration| &duration.0);
        let prepare = self.prepare.iter();
        let prepare = prepare.flat_map(|prepare| prepare.preparation().templates());
        let subscribe = self
            .subscribe
            .iter()
            .flat_map(|subscribe| subscribe.templates());
        sent.chain(calls)
            .chain(urls)
            .chain(subscribe)
            .chain(pings)
            .chain(durations)
            .chain(self.lets.iter())
            .chain(prepare)
            .chain(self.dial.iter())
    }

    /// All durations that are templates.
    fn durations(&self) -> impl Iterator<Item = &TemplateDuration> {
        let again = self.steps().filter_map(|step| step.again.as_ref());
        let waits = again.filter_map(|again| again.after.as_ref());
        let heartbeat = self.heartbeat.iter();
        let beats = heartbeat.flat_map(|heartbeat| [&heartbeat.interval, &heartbeat.timeout]);
        let periodic = self.periodic.iter().map(|periodic| &periodic.every);
        waits
            .chain(beats.flatten())
            .chain(&self.idle_timeout)
            .chain(periodic)
    }
}
