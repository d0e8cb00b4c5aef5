//! Watching the conversation of a name.

use everwire_proto::language::LanguageError;

use super::Handle;
use crate::connection::{ConnectionGone, Evaluate, Watch, WatchConversation};

/// A text was not evaluated.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvaluateError {
    /// It is no expression and no template. Each error says which bytes are meant, and what would be right.
    #[error("{}", first(.0))]
    Invalid(Vec<LanguageError>),
    /// There is no actor.
    #[error(transparent)]
    Gone(#[from] ConnectionGone),
}

fn first(errors: &[LanguageError]) -> String {
    errors.first().map(ToString::to_string).unwrap_or_default()
}

impl Handle {
    /// Reports the conversation of this name from now on: its steps, its rules and incoming
    /// messages. Templates are shown unrendered, and secrets are left out. At most `capacity`
    /// reports wait; further ones are dropped and counted. This is for authors of dialogues: a
    /// conversation without a watcher does not create reports. A second watcher replaces the first.
    ///
    /// `None`: the settings have no dialogue. To watch from the first dial on, open the name with
    /// `enabled` unset, and then call [`connect`](Self::connect).
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # #[cfg(feature = "testing")]
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// use everwire::Settings;
    /// use futures::StreamExt;
    ///
    /// # let peer = everwire::testing::Peer::start().await?;
    /// # let url = peer.url("/echo");
    /// let file = format!("[connections.feed]\nurl = '{url}'\nenabled = false\nopen_script = [{{ send = 'hello', expect = 'message == \"hello\"' }}]");
    /// let mut settings = Settings::from_toml(&file)?;
    /// let feed = settings.connections.remove("feed").ok_or("no feed")?;
    /// let manager = everwire::Manager::spawn(settings)?;
    /// let feed = manager.open("feed", feed)?;
    /// let mut watch = feed.watch(1024).await?.ok_or("no dialogue")?;
    /// feed.connect(None).await?;
    /// let told = watch.by_ref().map(|watched| watched.happening.to_string());
    /// let told: Vec<String> = told.take(3).collect().await;
    /// assert_eq!(told, [
    ///     "step 1 of 1 sends hello, expects message == \"hello\" within 10s",
    ///     "step 1 of 1 is sent",
    ///     "came: hello",
    /// ]);
    /// assert_eq!(feed.evaluate("message ~ \" you\"").await?, "\"hello you\"");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`ConnectionGone`].
    pub async fn watch(&self, capacity: usize) -> Result<Option<Watch>, ConnectionGone> {
        let (watch, watcher) = Watch::new(capacity);
        let asked = self.addr.send(WatchConversation(watcher)).await;
        let has_one = asked.map_err(ConnectionGone::of_mailbox)?;
        Ok(has_one.then_some(watch))
    }

    /// Evaluates an expression, or a template with `${…}`, for the last message since the name is
    /// [watched](Self::watch), with the current captures. The value is returned as JSON, with `***`
    /// for secrets, and `absent` if there is none. The text may read the environment of this
    /// process.
    ///
    /// ```
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # tokio::time::timeout(std::time::Duration::from_secs(30), async {
    /// # let mut settings = everwire::Settings::from_toml("[connections.feed]\nurl = 'ws://localhost:9/'\nenabled = false\ncapture = { seq = '/s' }")?;
    /// # let feed = settings.connections.remove("feed").ok_or("no feed")?;
    /// # let manager = everwire::Manager::spawn(settings)?;
    /// # let feed = manager.open("feed", feed)?;
    /// assert_eq!(feed.evaluate("seq").await?, "absent");
    /// assert_eq!(feed.evaluate("default(seq, 0) + 1").await?, "1");
    /// let error = feed.evaluate("sek").await.unwrap_err();
    /// assert!(error.to_string().contains("seq"));
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # }).await??;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// [`EvaluateError::Invalid`] with all errors in the text, and [`EvaluateError::Gone`].
    pub async fn evaluate(&self, text: &str) -> Result<String, EvaluateError> {
        let asked = self.addr.send(Evaluate(text.into())).await;
        asked
            .map_err(ConnectionGone::of_mailbox)?
            .map_err(EvaluateError::Invalid)
    }
}
