//! Messages that are answered.

use actix::prelude::SendError;

use super::Handle;
use crate::{
    connection::{Ask, Request, RequestError},
    core::Message,
};

impl Handle {
    /// Sends a message, and waits for the one that answers it: see [`Request`]. Callers do not see each other's answers; subscribers see
    /// all of them, as they came.
    ///
    /// A request waits for a socket, for the rate, and for a place among those that await an answer. One that is not waited for any more,
    /// since this future was dropped, is not sent if it was not sent before.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "testing")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let peer = everwire::testing::Peer::start().await?;
    /// # let manager = everwire::Manager::spawn(everwire::Settings::default())?;
    /// # let settings = everwire::ConnectionSettings::new(peer.url("/echo"))?;
    /// # let feed = manager.open("feed", settings)?;
    /// use everwire::{Request, RequestError, core::JsonPointer};
    ///
    /// let request = Request::new(r#"{"id":7,"op":"time"}"#).expecting(JsonPointer::new("/id")?, "7");
    /// match feed.request(request).await {
    ///     Ok(answer) => println!("{:?}", answer.as_text()),
    ///     Err(RequestError::Failed(refusal)) => println!("refused: {:?}", refusal.as_text()),
    ///     Err(error) => println!("no answer: {error}"),
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`RequestError`] tells whether the peer may have it.
    pub async fn request(&self, request: Request) -> Result<Message, RequestError> {
        let (ask, pending) = Ask::new(request);
        // A mailbox that is full takes one message more of each address, which then waits its turn.
        if let Err(SendError::Full(ask)) = self.addr.try_send(ask) {
            let _gone = self.addr.clone().try_send(ask);
        }
        // What an actor takes with it may have been written.
        pending.await.unwrap_or(Err(RequestError::InDoubt))
    }
}
