//! Events of the store for `tracing`. They do not belong to a name, and the process may have no
//! name. Without the feature `tracing`, nothing is compiled in.

use std::path::Path;

use crate::{store::Remade, stored::StoreError};

/// The store cannot be opened. Reported only if the reason differs from `told`.
pub(super) fn not_opened(error: &StoreError, told: &mut String) {
    let text = error.to_string();
    if *told != text {
        #[cfg(feature = "tracing")]
        tracing::error!(
            target: "everwire::store",
            text,
            "the store cannot be opened: durable connections wait, and it is tried again"
        );
        *told = text;
    }
}

/// The store is open after it could not be opened.
pub(super) fn opened(dir: &Path) {
    #[cfg(feature = "tracing")]
    tracing::warn!(target: "everwire::store", dir = %dir.display(), "the store is open now");
    #[cfg(not(feature = "tracing"))]
    let _ = dir;
}

/// The store's files are gone.
pub(super) fn lost(error: &StoreError) {
    #[cfg(feature = "tracing")]
    tracing::error!(target: "everwire::store", text = %error, "the store is lost");
    #[cfg(not(feature = "tracing"))]
    let _ = error;
}

/// The files cannot be written again. Reported only if the reason differs from `told`.
pub(super) fn not_remade(error: &StoreError, told: &mut String) {
    let text = error.to_string();
    if *told != text {
        #[cfg(feature = "tracing")]
        tracing::error!(target: "everwire::store", text, "a new store cannot be made: nothing is stored");
        *told = text;
    }
}

/// The files are written again.
pub(super) fn remade(remade: &Remade) {
    #[cfg(feature = "tracing")]
    {
        let messages = remade.saved;
        let moved_to = remade
            .moved_to
            .as_ref()
            .map(|path| path.display().to_string());
        let moved_to = moved_to.as_deref();
        match remade.complete {
            true => tracing::warn!(
                target: "everwire::store",
                messages,
                moved_to,
                "a new store was made, and holds all that the old one held"
            ),
            false => tracing::error!(
                target: "everwire::store",
                messages,
                moved_to,
                "a new store was made, but a part of the old one could not be read: waiting messages are written again; \
                 closes by hand, connections and secrets that the API was given, and histories may be missing after the next start"
            ),
        }
    }
    #[cfg(not(feature = "tracing"))]
    let _ = remade;
}
