//! What connections that are opened at run time inherit.

use std::{any::Any, fmt, sync::Arc};

/// What connections that are opened at run time inherit: `[defaults]`, `[groups]` and `[rates]` of
/// a configuration.
///
/// Two are equal when both are empty, or clones of each other.
#[derive(Clone, Default)]
pub struct Inherited(Option<Arc<dyn Any + Send + Sync>>);

#[cfg(feature = "config")]
impl Inherited {
    /// Wraps the tables of a configuration's reader, which only the reader understands.
    pub(crate) fn new(tables: impl Any + Send + Sync) -> Self {
        Self(Some(Arc::new(tables)))
    }

    /// The tables, if they are a `T`.
    pub(crate) fn tables<T: Any>(&self) -> Option<&T> {
        self.0.as_deref()?.downcast_ref()
    }
}

impl PartialEq for Inherited {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl fmt::Debug for Inherited {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inherited").finish_non_exhaustive()
    }
}
