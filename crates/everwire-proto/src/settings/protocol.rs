//! The factory of a name's protocol.

use std::{any::Any, fmt, sync::Arc};

/// The factory of a name's [`Protocol`](crate::dialogue::Protocol). Clones are equal; separately
/// created factories never are.
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
