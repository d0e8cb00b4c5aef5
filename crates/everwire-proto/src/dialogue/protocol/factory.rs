//! What makes the protocol of a name.

use super::Protocol;
use crate::settings::ProtocolFactory;

/// What a factory holds: settings cannot name a protocol, which lies above them.
struct Make(Box<dyn Fn() -> Box<dyn Protocol> + Send + Sync>);

impl ProtocolFactory {
    /// It makes a protocol for each name whose settings hold it, and another one where the name's actor had to be replaced, where the
    /// one before it panicked, and for the second socket of a rotation, unless [`Protocol::successor`] brings that.
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

    /// A protocol. `None` never comes of [`new`](Self::new).
    pub(super) fn make(&self) -> Option<Box<dyn Protocol>> {
        let Make(make) = self.held()?;
        Some(make())
    }
}
