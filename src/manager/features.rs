//! Checks that this build has the features that settings need.

use super::{
    error::{FeatureMissing, StartError, TwoConversations},
    recall::needs_store,
};
use crate::settings::{ConnectionSettings, Proxy, Settings};

/// Checks one connection's settings against the features of this build.
pub(super) fn check(settings: &ConnectionSettings) -> Result<(), FeatureMissing> {
    if needs_store(settings) && !cfg!(feature = "durable") {
        return Err(durable(if settings.outbox.durable {
            ("outbox.durable", "set outbox.durable = false")
        } else if settings.history.durable {
            ("history.durable", "set history.durable = false")
        } else {
            ("capture.keep", "set capture.keep = false for each capture")
        }));
    }
    if settings.proxy.as_ref().is_some_and(Proxy::speaks_socks) && !cfg!(feature = "socks") {
        return Err(FeatureMissing {
            feature: "socks",
            key: "proxy",
            instead: "name a proxy with http:// or https://",
        });
    }
    Ok(())
}

/// Refuses settings with a dialogue and a protocol.
pub(super) fn check_conversation(settings: &ConnectionSettings) -> Result<(), TwoConversations> {
    match settings.dialogue.is_some() && settings.protocol.is_some() {
        true => Err(TwoConversations),
        false => Ok(()),
    }
}

/// Checks all settings that a manager starts with.
pub(super) fn check_all(settings: &Settings) -> Result<(), StartError> {
    if settings.service.remember && !cfg!(feature = "durable") {
        let missing = durable(("service.remember", "set service.remember = false"));
        return Err(StartError::FeatureMissing {
            name: None,
            missing,
        });
    }
    for (name, settings) in &settings.connections {
        check_conversation(settings).map_err(|_| StartError::TwoConversations(name.clone()))?;
        check(settings).map_err(|missing| StartError::FeatureMissing {
            name: Some(name.clone()),
            missing,
        })?;
    }
    Ok(())
}

fn durable((key, instead): (&'static str, &'static str)) -> FeatureMissing {
    FeatureMissing {
        feature: "durable",
        key,
        instead,
    }
}
