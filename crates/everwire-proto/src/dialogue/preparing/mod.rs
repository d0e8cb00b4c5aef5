//! The preparation of a dial: its steps, one after the other.

mod decided;
mod told;

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use self::decided::Decided;
use super::{
    call::{self, Call, CallOwner, FilledTarget, NotFilled},
    captures::{Captures, Caught, NotCaught},
    happening::Happening,
    here::Here,
    prepared::Prepared,
    refusal::{Asked, Refusal, refusal},
    report::{self, CallText, Masked, Span},
    response::{Response, ResponseWorld, Unanswered},
    signing::Signing,
};
use crate::{
    core::{Cause, repeats_itself},
    language::{FilledLets, MessageTemplate, SignatureRequest, Step, World, json::Spans},
    settings::dialogue::{Preparation, PrepareStep, SharedPreparation, StepCall},
};

/// A shorter text is not masked: it would match unrelated text.
const SHORTEST_SECRET: usize = 4;

/// A running preparation: a state machine that returns the next call, and takes its answer.
///
/// It uses no socket, clock or task. [`next`](Self::next) begins. Then each [`Next::Call`] is
/// followed by [`answered`](Self::answered) or, as its end, [`unanswered`](Self::unanswered), and
/// each [`Next::Sign`] by [`signed`](Self::signed).
///
/// ```
/// use std::{sync::Arc, time::{Duration, Instant}};
/// use everwire_proto::{
///     dialogue::{CallTarget, Here, Next, Preparing, Response},
///     language::{Expression, MessageTemplate, Name, Names, NothingOutside, Scope, TemplateKind, json::PointerSet},
///     settings::dialogue::{Capture, HttpRequest, Preparation, StepCall, PrepareStep},
/// };
/// # use everwire_proto::{dialogue::Variables, language::*};
/// # struct Nothing;
/// # impl Signer for Nothing {
/// #     fn hash(&self, _: HashAlgorithm, _: &[u8]) -> Vec<u8> { Vec::new() }
/// #     fn hmac(&self, _: HashAlgorithm, _: &[u8], _: &[u8]) -> Vec<u8> { Vec::new() }
/// #     fn sign(&self, _: SignatureAlgorithm, _: &[u8], _: &[u8]) -> Option<Vec<u8>> { None }
/// # }
/// # impl Variables for Nothing {
/// #     fn get(&self, _: Variable<'_>) -> Option<&str> { None }
/// # }
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let (mut names, mut pointers) = (Names::default(), PointerSet::default());
/// let Name::Capture(socket) = names.capture("socket")? else { unreachable!() };
/// let mut scope = Scope::new(&names, &mut pointers, &NothingOutside).with_http();
/// let url = MessageTemplate::parse("https://example.com/open", TemplateKind::Url, &mut scope);
/// let value = Expression::value("/url", &mut scope);
/// # let (url, value) = (url.map_err(|errors| errors[0].clone())?, value.map_err(|errors| errors[0].clone())?);
/// let request = HttpRequest { method: "POST", url, headers: Vec::new(), body: None };
/// let capture = Capture { name: socket, value, when: None, secret: true, keep: false };
/// let step = PrepareStep { capture: vec![capture], ..PrepareStep::new(StepCall::Http(request)) };
/// let preparation = Preparation { names, pointers, steps: vec![step], ..Preparation::default() };
///
/// let here = Here {
///     now: Instant::now(),
///     wall: Duration::ZERO,
///     random: &|bytes: &mut [u8]| bytes.fill(4),
///     # signer: &Nothing,
///     # variables: &Nothing,
///     name: "feed",
///     handover: false,
///     sequence: None,
///     max_message: 1 << 20,
///     slow: Duration::from_secs(30),
///     backoff: None,
/// };
/// let mut preparing = Preparing::new(Arc::new(preparation), "prepare");
/// let Next::Call(call) = preparing.next(&here) else { panic!("a call is next") };
/// assert_eq!(call.shown, "POST https://example.com/open");
/// assert!(matches!(call.target, CallTarget::Http { method: "POST", .. }));
///
/// let body = br#"{"url":"wss://example.com/?ticket=1"}"#.to_vec();
/// let response = Response { status: Some(200), body, ..Response::default() };
/// let Next::Passed(prepared) = preparing.answered(response, &here) else { panic!("it has passed") };
/// assert_eq!(prepared.secrets().collect::<Vec<_>>(), ["wss://example.com/?ticket=1"]);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Preparing {
    preparation: Arc<Preparation>,
    /// Its name: `prepare`, or `[prepare.KEY]`.
    called: Box<str>,
    captures: Captures,
    /// The index of the next or current step.
    at: usize,
    /// When its call began.
    since: Option<Instant>,
    /// The `let`s that its call used.
    filled: FilledLets,
    /// The signatures for its call so far, if they are slow.
    signing: Option<Box<Signing>>,
    /// Happenings that were not taken yet, if there is a watcher.
    happened: Option<Vec<Happening>>,
}

/// The next action.
#[derive(Debug)]
pub enum Next {
    /// Make this call.
    Call(Box<Call>),
    /// Make these signatures, which the next call needs and which are slow enough for another
    /// thread.
    Sign(Vec<SignatureRequest>),
    /// Everything has passed: the dial may begin with this.
    Passed(Prepared),
    /// It failed: there is no dial.
    Failed(Cause),
}

impl Preparing {
    /// Begins with the first step. `called`: its name in the settings.
    pub fn new(preparation: Arc<Preparation>, called: &str) -> Self {
        Self {
            preparation,
            called: called.into(),
            captures: Captures::default(),
            at: 0,
            since: None,
            filled: FilledLets::default(),
            signing: None,
            happened: None,
        }
    }

    /// A preparation that names share.
    pub fn shared(shared: &SharedPreparation) -> Self {
        let called = format!("[prepare.{}]", shared.key);
        Self::new(Arc::clone(&shared.preparation), &called)
    }

    pub(super) fn with_captures(self, captures: Captures) -> Self {
        Self { captures, ..self }
    }

    /// Its templates, whose files and stored secrets must be read before it begins.
    pub fn templates(&self) -> impl Iterator<Item = &MessageTemplate> {
        self.preparation.templates()
    }

    /// The next action: the call of the next step, or the end.
    pub fn next(&mut self, here: &Here<'_>) -> Next {
        let preparation = Arc::clone(&self.preparation);
        while let Some(step) = preparation.steps.get(self.at) {
            if self.is_taken(step, here) {
                return self.begin(step, here);
            }
            self.tell_left_out(step);
            self.at += 1;
        }
        self.tell_passed();
        Next::Passed(Prepared::of(&self.captures, &preparation.names))
    }

    /// The signatures were made: the call is rendered with them, for the time at which they were
    /// asked for. Nothing is signed twice, and a signature may depend on another one.
    pub fn signed(
        &mut self,
        made: Vec<(SignatureRequest, Option<Vec<u8>>)>,
        here: &Here<'_>,
    ) -> Next {
        let preparation = Arc::clone(&self.preparation);
        match (&mut self.signing, preparation.steps.get(self.at)) {
            (Some(signing), Some(step)) => {
                signing.add(made);
                self.begin(step, here)
            }
            _ => self.next(here),
        }
    }

    /// The call was answered.
    pub fn answered(&mut self, mut response: Response, here: &Here<'_>) -> Next {
        let preparation = Arc::clone(&self.preparation);
        let Some(step) = preparation.steps.get(self.at) else {
            return self.next(here);
        };
        if let StepCall::Exec(_) = step.call {
            response.trim();
        }
        let decided = self.decide(step, &preparation, &response, here);
        match decided {
            Ok(()) => {
                self.at += 1;
                self.next(here)
            }
            Err(cause) => Next::Failed(cause),
        }
    }

    /// The call has no answer.
    pub fn unanswered(&mut self, why: &Unanswered, now: Instant) -> Cause {
        self.tell_no_answer(&why.text, self.age(now));
        let text = match self.preparation.steps.get(self.at) {
            Some(step) => {
                let after = Span(self.age(now));
                format!(
                    "{} has no answer after {after}: {}",
                    self.told(step),
                    why.text
                )
            }
            None => why.text.clone(),
        };
        Cause::Prepare {
            text,
            status: None,
            retry_after: None,
            is_refusal: why.is_refusal,
            gives_up: false,
        }
    }

    fn is_taken(&self, step: &PrepareStep, here: &Here<'_>) -> bool {
        let Some(condition) = &step.condition else {
            return true;
        };
        let world = ResponseWorld::new(here, &self.captures, None);
        condition.holds(&Step::new(&world, &self.preparation.lets))
    }

    /// Renders the call of a step, as far as its signatures are known.
    fn begin(&mut self, step: &PrepareStep, here: &Here<'_>) -> Next {
        let is_slow = |template| self.preparation.lets.makes_slow(template);
        let made = if step.call.templates().into_iter().any(is_slow) {
            let mut signing = self
                .signing
                .take()
                .unwrap_or_else(|| Box::new(Signing::new(here)));
            let (made, lacking) = signing.fill(here, |here| self.fill(step, here));
            if !lacking.is_empty() {
                self.signing = Some(signing);
                return Next::Sign(lacking);
            }
            made
        } else {
            self.fill(step, here)
        };
        match made {
            Ok((target, filled)) => {
                (self.since, self.filled) = (Some(here.now), filled);
                let (owner, shown) = (CallOwner::Prepare, report::call(&step.call));
                self.tell_called(step, &shown);
                Next::Call(Box::new(Call::new(owner, target, step.within, shown)))
            }
            Err((what, unfilled)) => {
                let (number, called) = (self.at + 1, &self.called);
                Next::Failed(Cause::Template(format!(
                    "step {number} of {called} cannot fill {what}: {unfilled}"
                )))
            }
        }
    }

    /// The call of a step, and the `let`s that it used.
    fn fill(
        &self,
        step: &PrepareStep,
        here: &Here<'_>,
    ) -> Result<(FilledTarget, FilledLets), NotFilled> {
        let world = ResponseWorld::new(here, &self.captures, None);
        let lets = Step::new(&world, &self.preparation.lets);
        let target = call::target(&step.call, &lets)?;
        let filled = lets.into_filled();
        // Values that depend on the answer change when it comes.
        Ok((
            target,
            match world.was_asked_for_response() {
                true => FilledLets::default(),
                false => filled,
            },
        ))
    }

    /// Judges an answer: the captures if the step has passed, or why not.
    fn decide(
        &mut self,
        step: &PrepareStep,
        preparation: &Preparation,
        response: &Response,
        here: &Here<'_>,
    ) -> Result<(), Cause> {
        let mut decided = None;
        let judged = self.judge(step, preparation, response, here, &mut decided);
        self.tell_answer(response, decided, self.age(here.now));
        self.captures.keep(judged?, &preparation.names);
        self.captures.clear(&step.clear);
        Ok(())
    }

    /// The captures from an answer, or why it does not let the step pass. `decided`: the report, if
    /// there is a watcher.
    fn judge(
        &self,
        step: &PrepareStep,
        preparation: &Preparation,
        response: &Response,
        here: &Here<'_>,
        decided: &mut Option<Decided>,
    ) -> Result<Caught, Cause> {
        let mut spans = Spans::default();
        let text = std::str::from_utf8(&response.body).ok();
        let found = text.and_then(|text| preparation.pointers.find(text, &mut spans));
        let seen = Some((response, found.unwrap_or_default()));
        let world = ResponseWorld::new(here, &self.captures, seen);
        let lets = Step::later(&world, &preparation.lets, &self.filled);
        let asked = Asked::from(step);
        let why = match refusal(asked, response, &lets) {
            Some(refusal) => refusal,
            None => match self.captures.catch_all(&step.capture, &lets) {
                Ok(caught) => {
                    *decided = self
                        .is_watched()
                        .then(|| Decided::passes(asked, step, preparation, response));
                    return Ok(caught);
                }
                Err(NotCaught::Absent(capture) | NotCaught::TooLong(capture)) => {
                    Refusal::NotCaught(report::missing(capture, &preparation.names, text))
                }
            },
        };
        let mut told = self.told(step).to_string();
        told.push_str(&why.text(response, Span(self.age(here.now))));
        let secrets = Masked::all(self.secrets(step, &lets));
        report::show_body(&response.body, &secrets, &mut told);
        *decided = self
            .is_watched()
            .then(|| Decided::refuses(asked, &why, response, &secrets));
        let gives_up = matches!(why, Refusal::GivesUp(_));
        let repeats = response.status.is_some_and(repeats_itself);
        Err(Cause::Prepare {
            text: told,
            status: response.status.filter(|_| asked.is_http()),
            retry_after: response.retry_after.filter(|_| !gives_up),
            is_refusal: matches!(why, Refusal::Fails(_)) || (repeats && asked.is_http()),
            gives_up,
        })
    }

    /// The texts to mask in an answer: captured ones, and those that would have been.
    fn secrets(&self, step: &PrepareStep, world: &dyn World) -> Vec<String> {
        let captures = step.capture.iter();
        let here = captures.filter_map(|capture| {
            let value = capture.value.evaluate(world);
            value.as_text().map(|text| text.into_owned())
        });
        let all = self.captures.secrets().chain(here);
        all.filter(|secret| secret.len() >= SHORTEST_SECRET)
            .collect()
    }

    fn told<'s>(&'s self, step: &'s PrepareStep) -> CallText<'s> {
        CallText {
            place: Box::from(format!("step {} of {}", self.at + 1, self.called)),
            call: &step.call,
        }
    }

    /// The time since the call was made.
    fn age(&self, now: Instant) -> Duration {
        let since = self.since.unwrap_or(now);
        now.saturating_duration_since(since)
    }
}
