//! The engine of a conversation: a declared dialogue, or a protocol in code.

use std::sync::Arc;

use everwire_proto::{
    dialogue::{Conversation, ProtocolHost},
    settings::dialogue::Dialogue,
};

use crate::settings::ConnectionSettings;

/// The engine of a conversation.
pub(in crate::connection::state) enum Engine {
    Declared(Conversation),
    Custom(Box<ProtocolHost>),
}

/// Calls a method that both engines have.
macro_rules! led {
    ($engine:expr, $it:ident => $call:expr) => {
        match $engine {
            $crate::connection::state::conversation::engine::Engine::Declared($it) => $call,
            $crate::connection::state::conversation::engine::Engine::Custom($it) => $call,
        }
    };
}
pub(super) use led;

impl Engine {
    /// The engine for these settings, if they ask for one.
    pub fn of(settings: &ConnectionSettings) -> Option<Self> {
        if let Some(dialogue) = &settings.dialogue {
            return Some(Self::Declared(Conversation::new(Arc::clone(dialogue))));
        }
        let factory = settings.protocol.as_ref()?;
        Some(Self::Custom(Box::new(ProtocolHost::new(factory.clone()))))
    }

    /// Whether these settings ask for this engine.
    pub fn is_of(&self, settings: &ConnectionSettings) -> bool {
        match self {
            Self::Declared(it) => {
                let dialogue = settings.dialogue.as_ref();
                dialogue.is_some_and(|dialogue| say_the_same(it.dialogue(), dialogue))
            }
            Self::Custom(it) => {
                settings.dialogue.is_none() && settings.protocol.as_ref() == Some(it.factory())
            }
        }
    }

    /// Whether both have the same dialogue or protocol.
    pub fn agrees_with(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Declared(one), Self::Declared(other)) => {
                say_the_same(one.dialogue(), other.dialogue())
            }
            (Self::Custom(one), Self::Custom(other)) => one.factory() == other.factory(),
            (Self::Declared(_), Self::Custom(_)) | (Self::Custom(_), Self::Declared(_)) => false,
        }
    }

    /// Whether both declare exactly the same.
    pub fn equals(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Declared(one), Self::Declared(other)) => one.dialogue() == other.dialogue(),
            _ => self.agrees_with(other),
        }
    }

    /// The declared dialogue, including one that a protocol wraps.
    pub fn declared(&self) -> Option<&Conversation> {
        match self {
            Self::Declared(it) => Some(it),
            Self::Custom(it) => it.declared(),
        }
    }

    /// The same, mutable.
    pub fn declared_mut(&mut self) -> Option<&mut Conversation> {
        match self {
            Self::Declared(it) => Some(it),
            Self::Custom(it) => it.declared_mut(),
        }
    }
}

fn say_the_same(one: &Arc<Dialogue>, other: &Arc<Dialogue>) -> bool {
    Arc::ptr_eq(one, other) || one.says_the_same(other)
}
