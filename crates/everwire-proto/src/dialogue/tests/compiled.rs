//! Dialogues compiled from texts.

use super::*;

/// A step as texts; an empty text means absent.
#[derive(Clone, Debug)]
pub(super) struct S {
    pub send: &'static str,
    /// A method and a URL.
    pub http: &'static str,
    pub headers: &'static [(&'static str, &'static str)],
    pub body: &'static str,
    /// A program and its arguments.
    pub exec: &'static [&'static str],
    /// Whether it waits for a separate rate.
    pub is_paced: bool,
    pub expect: &'static str,
    pub count: u32,
    pub fail: &'static str,
    pub give_up: &'static str,
    pub within: u64,
    pub capture: &'static [(&'static str, &'static str)],
    pub secret: bool,
    pub clear: &'static [&'static str],
    pub condition: &'static str,
    pub again: &'static str,
    pub after: &'static str,
    pub reads_prepared: bool,
}

impl Default for S {
    fn default() -> Self {
        Self {
            send: "",
            http: "",
            headers: &[],
            body: "",
            exec: &[],
            is_paced: false,
            expect: "",
            count: 1,
            fail: "",
            give_up: "",
            within: 10,
            capture: &[],
            secret: false,
            clear: &[],
            condition: "",
            again: "",
            after: "",
            reads_prepared: false,
        }
    }
}

/// A rule, as texts.
#[derive(Clone, Debug, Default)]
pub(super) struct R {
    pub when: &'static str,
    pub loss: Vec<GiveUpRule>,
    pub send: &'static str,
    /// Whether the answer waits until the message is stored.
    pub stored: bool,
    pub silent: bool,
    pub capture: &'static [(&'static str, &'static str)],
    pub clear: &'static [&'static str],
    pub action: Option<RuleAction>,
    pub url: &'static str,
    /// A random delay between these seconds.
    pub delay: Option<(u64, u64)>,
}

/// A dialogue, as texts.
#[derive(Clone, Debug, Default)]
pub(super) struct D {
    /// Captures that are read, and possibly never set.
    pub names: &'static [&'static str],
    pub lets: &'static [(&'static str, &'static str)],
    pub capture: &'static [(&'static str, &'static str)],
    pub script: Vec<S>,
    /// Steps with their `every`, and whether they are idle steps.
    pub periodic: Vec<(&'static str, bool, S)>,
    pub close_script: Vec<S>,
    pub rules: Vec<R>,
    pub ping: &'static str,
    pub pong: &'static str,
    pub interval: &'static str,
    pub timeout: &'static str,
    pub idle: &'static str,
    pub first_id: u64,
    pub request: Option<Q>,
    pub subscribe: Option<U>,
}

/// Request settings as texts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Q {
    pub id: &'static str,
    pub answer: &'static str,
    pub fail: &'static str,
    pub in_flight: u32,
}

impl Default for Q {
    fn default() -> Self {
        Self {
            id: "/id",
            answer: "/id == id",
            fail: "exists(/error)",
            in_flight: 1024,
        }
    }
}

/// Subscription settings as texts.
#[derive(Clone, Copy, Debug)]
pub(super) struct U {
    pub on: &'static str,
    pub off: &'static str,
    pub ack: &'static str,
    pub fail: &'static str,
    pub end: &'static str,
    pub condition: &'static str,
    pub batch: u32,
    pub max: u32,
    pub capture: &'static [(&'static str, &'static str)],
    /// The pointer to the id in messages, and the template of the id.
    pub route: (&'static str, &'static str),
    /// Keys with their items; an item that begins with a bracket is JSON.
    pub keys: &'static [(&'static str, &'static str)],
}

impl Default for U {
    fn default() -> Self {
        Self {
            on: r#"{"op":"sub","id":${id},"args":${items}}"#,
            off: r#"{"op":"unsub","id":${id},"args":${items}}"#,
            ack: "/id == id && exists(/result)",
            fail: "/id == id && exists(/error)",
            end: "",
            condition: "",
            batch: 1,
            max: 10,
            capture: &[],
            route: ("/stream", "${item}"),
            keys: &[],
        }
    }
}

/// Compiles texts in one scope.
pub(super) struct Compiler<'a>(pub Scope<'a>);

impl Compiler<'_> {
    pub fn optional<T>(text: &str, compile: impl FnOnce(&str) -> T) -> Option<T> {
        (!text.is_empty()).then(|| compile(text))
    }

    pub fn condition(&mut self, text: &str) -> Option<Expression> {
        Self::optional(text, |text| {
            Expression::condition(text, &mut self.0)
                .unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
        })
    }

    pub fn template(&mut self, text: &str, kind: TemplateKind) -> Option<MessageTemplate> {
        Self::optional(text, |text| {
            MessageTemplate::parse(text, kind, &mut self.0)
                .unwrap_or_else(|errors| panic!("{text}: {errors:?}"))
        })
    }

    pub fn sending(&mut self, text: &str) -> Option<Sending> {
        if let Some(text) = text.strip_prefix("bytes:") {
            return self.template(text, TemplateKind::Bytes).map(Sending::Bytes);
        }
        self.template(text, TemplateKind::Text).map(Sending::Text)
    }

    pub fn duration(&mut self, text: &str) -> Option<TemplateDuration> {
        self.template(text, TemplateKind::Text)
            .map(TemplateDuration)
    }

    pub fn number(&self, name: &str) -> u16 {
        match self.0.names.find(name) {
            Some(Name::Capture(at)) => at,
            found => panic!("{name}: {found:?}"),
        }
    }

    /// `VALUE`, or `VALUE if WHEN`; followed by ` keep` if it is kept.
    pub fn captures(&mut self, captures: &[(&str, &str)], secret: bool) -> Vec<Capture> {
        let mut compiled = Vec::new();
        for (name, text) in captures {
            let (text, keep) = match text.strip_suffix(" keep") {
                Some(text) => (text, true),
                None => (*text, false),
            };
            let (value, when) = text.split_once(" if ").unwrap_or((text, ""));
            let value = Expression::value(value, &mut self.0)
                .unwrap_or_else(|errors| panic!("{value}: {errors:?}"));
            compiled.push(Capture {
                name: self.number(name),
                value,
                when: self.condition(when),
                secret,
                keep,
            });
        }
        compiled
    }

    fn call(&mut self, step: &S) -> Option<StepCall> {
        if let [path, arguments @ ..] = step.exec {
            let arguments = arguments.iter();
            return Some(StepCall::Exec(Program {
                path: path.into(),
                arguments: arguments
                    .map(|text| self.template(text, TemplateKind::Text).unwrap())
                    .collect(),
            }));
        }
        let (method, url) = step.http.split_once(' ')?;
        let headers = step.headers.iter().map(|(name, value)| {
            let value = self.template(value, TemplateKind::Header).unwrap();
            ((*name).to_owned(), value)
        });
        Some(StepCall::Http(HttpRequest {
            headers: headers.collect(),
            method,
            url: self.template(url, TemplateKind::Url).unwrap(),
            body: self.template(step.body, TemplateKind::Text),
        }))
    }

    pub fn step(&mut self, step: &S) -> ScriptStep {
        let after = self.duration(step.after);
        ScriptStep {
            send: self.sending(step.send),
            call: self.call(step).map(Box::new),
            expect: self.condition(step.expect),
            count: NonZeroU32::new(step.count).unwrap(),
            fail: self.condition(step.fail),
            give_up: self.condition(step.give_up),
            within: Duration::from_secs(step.within),
            capture: self.captures(step.capture, step.secret),
            clear: step.clear.iter().map(|name| self.number(name)).collect(),
            condition: self.condition(step.condition),
            again: self.condition(step.again).map(|when| Again { when, after }),
            rate: step.is_paced.then(rate).into_iter().collect(),
            reads_prepared: step.reads_prepared,
        }
    }

    pub fn request(
        &mut self,
        Q {
            id,
            answer,
            fail,
            in_flight,
        }: Q,
    ) -> RequestSettings {
        let answer = self.condition(answer).unwrap();
        let fail = self.condition(fail);
        let id = JsonPointer::new(id).unwrap();
        let mut request = RequestSettings::new(id, answer, self.0.pointers);
        request.fail = fail;
        request.in_flight = NonZeroU32::new(in_flight).unwrap();
        request
    }

    pub fn subscribe(&mut self, texts: U) -> SubscribeSettings {
        let on = self.sending(texts.on).map(Asking::Send);
        let off = self.sending(texts.off).map(Asking::Send);
        let route = self.template(texts.route.1, TemplateKind::Text);
        let words = SubscriptionWords {
            on,
            off,
            ack: self.condition(texts.ack),
            fail: self.condition(texts.fail),
            end: self.condition(texts.end),
            condition: self.condition(texts.condition),
            batch: NonZeroU32::new(texts.batch).unwrap(),
            capture: self.captures(texts.capture, false),
            route: route.map(|id| {
                let json = JsonPointer::new(texts.route.0).unwrap();
                Route::new(&json, id, self.0.pointers)
            }),
            ..SubscriptionWords::default()
        };
        let mut settings = SubscribeSettings::new(words);
        settings.max = NonZeroU32::new(texts.max).unwrap();
        let declared = texts.keys.iter().map(|(key, item)| self.item(key, item));
        settings.declared = declared.collect();
        settings
    }

    pub fn item(&mut self, key: &str, item: &str) -> Arc<DeclaredSubscription> {
        let template = self.template(item, TemplateKind::Text).unwrap();
        let item = match item.starts_with(['{', '[']) {
            true => SubscriptionItem::Json(template),
            false => SubscriptionItem::Text(template),
        };
        Arc::new(DeclaredSubscription {
            key: key.into(),
            item,
            words: None,
        })
    }

    pub fn periodic(&mut self, (every, idle, step): &(&str, bool, S)) -> PeriodicStep {
        PeriodicStep {
            every: self.duration(every).unwrap(),
            idle: *idle,
            step: self.step(step),
        }
    }

    pub fn rule(&mut self, rule: &R) -> DialogueRule {
        let trigger = match self.condition(rule.when) {
            Some(when) => Trigger::Message(when),
            None => Trigger::Loss(rule.loss.clone()),
        };
        let delay = rule.delay.map(|(min, max)| RuleDelay {
            min: Duration::from_secs(min),
            max: Duration::from_secs(max),
        });
        DialogueRule {
            send: self.sending(rule.send),
            after: rule.stored.then_some(AnswerAfter::Stored),
            deliver: !rule.silent,
            capture: self.captures(rule.capture, false),
            clear: rule.clear.iter().map(|name| self.number(name)).collect(),
            action: rule.action,
            url: self.template(rule.url, TemplateKind::Url),
            delay,
            ..DialogueRule::new(trigger)
        }
    }
}

impl D {
    pub fn names(&self) -> Names {
        let mut names = Names::default();
        for (name, _) in self.lets {
            names.declare(name).unwrap();
        }
        for name in self.names {
            names.capture(name).unwrap();
        }
        let periodic = self.periodic.iter().map(|(.., step)| step);
        let steps = self.script.iter().chain(periodic).chain(&self.close_script);
        let steps = steps.flat_map(|step| step.capture);
        let rules = self.rules.iter().flat_map(|rule| rule.capture);
        let subscribe = self
            .subscribe
            .iter()
            .flat_map(|subscribe| subscribe.capture);
        let all = self.capture.iter().chain(steps).chain(rules);
        for (name, _) in all.chain(subscribe) {
            names.capture(name).unwrap();
        }
        names
    }

    pub fn compile(&self) -> Arc<Dialogue> {
        let names = self.names();
        let mut pointers = PointerSet::default();
        let mut compiler = Compiler(Scope::new(&names, &mut pointers, &NothingOutside).with_http());
        let lets: Vec<&str> = self.lets.iter().map(|(_, text)| *text).collect();
        let heartbeat = HeartbeatTemplates {
            ping: compiler.template(self.ping, TemplateKind::Text),
            pong: compiler.condition(self.pong),
            interval: compiler.duration(self.interval),
            timeout: compiler.duration(self.timeout),
            ..HeartbeatTemplates::default()
        };
        let dialogue = Dialogue {
            lets: Lets::compile(&lets, &mut compiler.0).unwrap(),
            captures: compiler.captures(self.capture, false),
            open_script: self.script.iter().map(|step| compiler.step(step)).collect(),
            periodic: self
                .periodic
                .iter()
                .map(|step| compiler.periodic(step))
                .collect(),
            close_script: self
                .close_script
                .iter()
                .map(|step| compiler.step(step))
                .collect(),
            rules: self.rules.iter().map(|rule| compiler.rule(rule)).collect(),
            heartbeat: (heartbeat != HeartbeatTemplates::default()).then_some(heartbeat),
            idle_timeout: compiler.duration(self.idle),
            request: self.request.map(|request| compiler.request(request)),
            subscribe: self
                .subscribe
                .map(|subscribe| Arc::new(compiler.subscribe(subscribe))),
            first_id: self.first_id,
            ..Dialogue::default()
        };
        let dialogue = Dialogue {
            names,
            pointers,
            ..dialogue
        };
        Arc::new(dialogue.with_needles())
    }

    pub fn talk(&self) -> Talk {
        Talk::of(Conversation::new(self.compile()))
    }

    /// The same, on an open socket.
    pub fn open(&self) -> Talk {
        let mut talk = self.talk();
        talk.opened();
        talk
    }
}

fn rate() -> RateSettings {
    RateSettings {
        bucket: Some("calls".into()),
        ..RateSettings::new(NonZeroU32::MIN, Duration::from_secs(1))
    }
}

/// A script of these steps.
pub(super) fn script(steps: impl Into<Vec<S>>) -> D {
    D {
        script: steps.into(),
        ..D::default()
    }
}

/// These rules.
pub(super) fn rules(rules: impl Into<Vec<R>>) -> D {
    D {
        rules: rules.into(),
        ..D::default()
    }
}
