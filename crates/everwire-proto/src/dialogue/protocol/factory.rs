//! Creates the protocol of a name.

use super::Protocol;
use crate::settings::ProtocolFactory;

/// The content of a factory: settings cannot name the protocol type, which is in a higher layer.
struct Make(Box<dyn Fn() -> Box<dyn Protocol> + Send + Sync>);

impl ProtocolFactory {
    /// The factory creates a protocol for each name with these settings. It creates another one
    /// when the name's actor was replaced, when a protocol has panicked, and for the second socket
    /// of a rotation, unless [`Protocol::successor`] provides it.
    ///
    /// ```
    /// use everwire_proto::{
    ///     core::Message,
    ///     dialogue::{Cx, Deliver, Protocol},
    ///     settings::{ConnectionSettings, ProtocolFactory},
    /// };
    ///
    /// #[derive(Debug)]
    /// struct Greeting;
    ///
    /// impl Protocol for Greeting {
    ///     fn opened(&mut self, cx: &mut Cx<'_>) {
    ///         cx.send("hello");
    ///         cx.ready();
    ///     }
    ///
    ///     fn message(&mut self, _: &Message, _: &mut Cx<'_>) -> Deliver {
    ///         Deliver::Yes
    ///     }
    /// }
    ///
    /// let mut settings = ConnectionSettings::new("wss://example.com/feed")?;
    /// settings.protocol = Some(ProtocolFactory::new(|| Greeting));
    /// # Ok::<(), everwire_proto::settings::InvalidUrl>(())
    /// ```
    pub fn new<P: Protocol>(make: impl Fn() -> P + Send + Sync + 'static) -> Self {
        let make = move || -> Box<dyn Protocol> { Box::new(make()) };
        Self::holding(Make(Box::new(make)))
    }

    /// A new protocol. Never `None` for factories from [`new`](Self::new).
    pub(super) fn make(&self) -> Option<Box<dyn Protocol>> {
        let Make(make) = self.held()?;
        Some(make())
    }
}
