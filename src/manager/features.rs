//! What settings ask for that this build was made without.

use super::{
    error::{FeatureMissing, StartError},
    recall::needs_store,
};
use crate::config::{ConnectionSettings, Settings};

/// Whether this build can do all that a connection is to do.
pub(super) fn check(settings: &ConnectionSettings) -> Result<(), FeatureMissing> {
    match needs_store(settings) {
        true if !cfg!(feature = "durable") => Err(durable(match settings.outbox.durable {
            true => ("outbox.durable", "set outbox.durable = false"),
            false => ("history.durable", "set history.durable = false"),
        })),
        _ => Ok(()),
    }
}

/// Whether this build can do all that a manager begins with.
pub(super) fn check_all(settings: &Settings) -> Result<(), StartError> {
    if settings.service.remember && !cfg!(feature = "durable") {
        let missing = durable(("service.remember", "set service.remember = false"));
        return Err(StartError::FeatureMissing {
            name: None,
            missing,
        });
    }
    for (name, settings) in &settings.connections {
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
