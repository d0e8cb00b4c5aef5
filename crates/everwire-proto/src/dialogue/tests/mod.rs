//! A dialogue compiled of texts, and a socket's life told line by line.

use std::{
    cell::Cell,
    num::NonZeroU32,
    sync::Arc,
    time::{Duration, Instant},
};

use super::*;
use crate::{
    core::{Cause, Message},
    language::{
        Expression, HashAlgorithm, Lets, MessageTemplate, Name, Names, NothingOutside, Scope,
        SignatureAlgorithm, Signer, TemplateKind, Variable,
        json::{JsonPointer, PointerSet},
    },
    settings::{
        GiveUpRule, RateSettings,
        dialogue::{
            Again, AnswerAfter, Asking, Capture, DeclaredSubscription, Dialogue, DialogueRule,
            HeartbeatTemplates, HttpRequest, PeriodicStep, Program, RequestSettings, Route,
            RuleAction, RuleDelay, ScriptStep, Sending, StepCall, SubscribeSettings,
            SubscriptionItem, SubscriptionWords, TemplateDuration, Trigger,
        },
    },
};

mod beats;
mod before;
mod calls;
mod calls_aside;
mod captures;
mod closes;
mod compiled;
mod concern;
mod dialled;
mod kept;
mod led;
mod periodic;
mod preparing;
mod preparing_signs;
mod properties;
mod protocol;
mod protocol_told;
mod recipes;
mod reports;
mod requests;
mod rules;
mod scripts;
mod signs;
mod stored;
mod subscriptions;
mod subscriptions_alike;
mod subscriptions_called;
mod subscriptions_continued;
mod subscriptions_kept;
mod subscriptions_random;
mod talk;
mod times;
mod watched;

use self::{compiled::*, talk::*};

#[test]
fn a_conversation_is_small_and_one_that_has_heard_nothing_holds_no_memory_beside() {
    assert!(
        size_of::<Conversation>() <= 88,
        "{}",
        size_of::<Conversation>()
    );
    let mut talk = D {
        rules: vec![R {
            when: r#"/op == "ping""#,
            send: "pong",
            ..R::default()
        }],
        ping: "ping ${id}",
        pong: r#"message == "pong " ~ text(id)"#,
        ..D::default()
    }
    .open();
    talk.ping();
    talk.heard("pong 1");
    talk.heard(r#"{"trade":1}"#);
    let debugged = format!("{:?}", talk.conversation);
    assert!(
        debugged.contains("held: None") && debugged.contains("waiting: None"),
        "{debugged}"
    );
    assert!(!talk.conversation.seldom.has_unanswered());
}
