//! Requests: messages that the peer answers.

use actix::prelude::SendError;

use super::Handle;
use crate::{
    connection::{Ask, Request, RequestError},
    core::Message,
};

impl Handle {
    /// Sends a message and waits for its answer: see [`Request`]. Callers do not see each other's
    /// answers. Subscribers see all of them, unchanged.
    ///
    /// A request waits for a socket, for the rate limit, and for a free place among the requests in
    /// flight. Dropping this future cancels the request if it was not sent yet.
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
    /// [`RequestError`] says whether the peer may have received the message.
    pub async fn request(&self, request: Request) -> Result<Message, RequestError> {
        let (ask, pending) = Ask::new(request);
        // A full mailbox still accepts one message from each new address.
        if let Err(SendError::Full(ask)) = self.addr.try_send(ask) {
            let _gone = self.addr.clone().try_send(ask);
        }
        // An actor that dies may have written the message already.
        pending.await.unwrap_or(Err(RequestError::InDoubt))
    }
}
