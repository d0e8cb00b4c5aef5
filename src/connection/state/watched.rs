//! What a name shows of its conversation: progress, happenings, and values of expressions.

use std::{path::PathBuf, time::Instant};

use everwire_proto::{
    dialogue::{Happening, Query},
    language::{self, LanguageError},
};
use jiff::Timestamp;

use super::{
    ActorState,
    conversation::{LiveConversation, Surroundings},
    watching::Watching,
};
use crate::{
    clock,
    connection::status::{
        step::{RuleRate, StepStatus},
        watch::Watcher,
    },
    settings::{Source as _, System},
    transport::{Secrets, Teller, masked},
};

impl ActorState {
    /// The current step of the script, and the waiting answers.
    pub(in crate::connection) fn opening(&mut self) -> (Option<StepStatus>, Option<RuleRate>) {
        if self.serving.is_none() {
            return (None, None);
        }
        let (wall, now) = (self.wall(), clock::now());
        let Some(conversation) = self.conversation() else {
            return (None, None);
        };
        let awaited = conversation.awaited();
        let step = conversation.step().map(|progress| {
            let since = wall_of(progress.since, wall, now);
            let until = progress.until.map(|until| wall_of(until, wall, now));
            StepStatus::new(&progress, since, until)
        });
        let awaited =
            awaited.map(|(what, since)| StepStatus::awaited(what, wall_of(since, wall, now)));
        let subscriptions = self.awaited_subscriptions().map(|awaited| {
            let since = wall_of(awaited.since, wall, now);
            StepStatus::subscriptions(&awaited, since)
        });
        (
            step.or(awaited).or(subscriptions),
            RuleRate::of(conversation.answers_waiting()),
        )
    }

    /// Adds a watcher of the conversation; `false` if there is no conversation.
    pub(in crate::connection) fn watch(&mut self, watcher: Watcher) -> bool {
        let serving = self.serving.as_mut();
        let Some(serving) = serving.filter(|it| it.conversation.engine.declared().is_some()) else {
            return false;
        };
        serving.conversation.watch(watcher);
        true
    }

    /// Evaluates a text on the last message.
    pub(in crate::connection) fn evaluate(
        &mut self,
        text: &str,
    ) -> Result<String, Vec<LanguageError>> {
        let (wall, nothing) = (self.wall(), Secrets::default());
        let Some(conversation) = self.conversation() else {
            return Err(vec![nothing_to_ask(text)]);
        };
        let here = Surroundings {
            name: &self.name,
            settings: &self.settings,
            secrets: &nothing,
            sequence: self.inbound.last_number(),
            wall,
            now: clock::now(),
        };
        conversation.evaluate(text, here, |told, secrets| {
            masked(told, &self.settings, &self.urls, secrets)
        })
    }
}

impl LiveConversation {
    /// Adds a watcher.
    pub fn watch(&mut self, watcher: Watcher) {
        let Some(declared) = self.engine.declared_mut() else {
            return;
        };
        declared.watch(true);
        let secrets = Secrets::default();
        self.seldom
            .set_watching(Some(Watching { watcher, secrets }));
    }

    /// Reports the preparation of a dial to the watcher, if there is one.
    pub fn teller(&self, is_successor: bool) -> Option<Teller> {
        let watching = self.seldom.watching()?;
        let watcher = parking_lot::Mutex::new(watching.watcher.beside(is_successor));
        Some(Box::new(move |happening| {
            let at = clock::wall_at(clock::now());
            // On the socket it is noticed that the watcher has gone.
            let _unwatched = watcher.lock().tell(happening, at);
        }))
    }

    /// Reports a happening. `mask` masks the secrets of the dial.
    pub fn tell(
        &mut self,
        mut happening: Happening,
        at: Timestamp,
        mask: impl FnOnce(&str) -> Option<String>,
    ) {
        let Some(watching) = self.seldom.watching_mut() else {
            return;
        };
        if let Some(text) = happening.foreign_text()
            && let Some(masked) = mask(text)
        {
            *text = masked;
        }
        if watching.watcher.tell(happening, at).is_err() {
            self.seldom.set_watching(None);
            if let Some(declared) = self.engine.declared_mut() {
                declared.watch(false);
            }
        }
    }

    /// Evaluates a text on the last message.
    pub fn evaluate(
        &self,
        text: &str,
        at: Surroundings<'_>,
        mask: impl FnOnce(&str, &Secrets) -> Option<String>,
    ) -> Result<String, Vec<LanguageError>> {
        let Some(declared) = self.engine.declared() else {
            return Err(vec![nothing_to_ask(text)]);
        };
        let query = Query::parse(text, declared.dialogue(), &Environment)?;
        let nothing = Secrets::default();
        let watching = self.seldom.watching();
        let secrets = watching.map_or(&nothing, |watching| &watching.secrets);
        let at = Surroundings { secrets, ..at };
        let told = declared.ask(&query, &at.here(self.is_handover()));
        Ok(mask(&told, secrets).unwrap_or(told))
    }
}

/// The sources for an operator's expression: the environment of this process. Files and stored
/// secrets are those of the dial.
struct Environment;

impl language::Outside for Environment {
    fn variable(&self, name: &str) -> Option<language::Secret> {
        System.variable(name).map(language::Secret::new)
    }

    fn file(&self, path: &str) -> PathBuf {
        path.into()
    }

    fn secret_id(&self, _: &str) -> Result<(), String> {
        Ok(())
    }

    fn is_open(&self) -> bool {
        true
    }
}

/// The error if nothing is declared that an expression could read.
fn nothing_to_ask(text: &str) -> LanguageError {
    let help = "write a script, rules, captures or templates into its settings";
    LanguageError::new(0..text.len(), "the connection has no dialogue", help)
}

/// The wall clock time of an instant.
fn wall_of(at: Instant, wall: Timestamp, now: Instant) -> Timestamp {
    let there = match at.checked_duration_since(now) {
        Some(ahead) => wall.checked_add(ahead),
        None => wall.checked_sub(now.saturating_duration_since(at)),
    };
    there.unwrap_or(wall)
}
