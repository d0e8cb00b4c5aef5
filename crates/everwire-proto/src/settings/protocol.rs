//! What makes the protocol of a name, as settings hold it.

use std::{any::Any, fmt, sync::Arc};

/// What makes the [`Protocol`](crate::dialogue::Protocol) of a name. Clones are equal, and two that were made apart never are.
#[derive(Clone)]
pub struct ProtocolFactory(Arc<dyn Any + Send + Sync>);

impl ProtocolFactory {
    pub(crate) fn holding(held: impl Any + Send + Sync) -> Self {
        Self(Arc::new(held))
    }

    pub(crate) fn held<T: Any>(&self) -> Option<&T> {
        self.0.downcast_ref()
    }
}

impl PartialEq for ProtocolFactory {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for ProtocolFactory {}

impl fmt::Debug for ProtocolFactory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ProtocolFactory")
    }
}
