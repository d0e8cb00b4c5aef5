//! The files and stored secrets that templates name, read for one dial.

use std::{
    collections::BTreeSet,
    io,
    path::{Path, PathBuf},
};

use everwire_proto::{dialogue::Variables, language::MessageTemplate};

use super::{error_text::plain, files};
use crate::{
    core::Cause,
    secret_store::SecretStore,
    settings::{ConnectionSettings, Opening, Proxy, Secret, Subprotocol, Template, Variable},
};

/// The longest file that a `${file:…}` may name, in bytes.
pub(crate) const MAX_SECRET: u64 = 64 * 1024;

/// The files and stored secrets that some templates name, with the content at the time of reading.
///
/// Without such variables this is empty, and needs neither a thread nor an allocation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets(Box<[(Key, Secret)]>);

/// An owned [`Variable`].
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    File(PathBuf),
    Stored(Box<str>),
    /// A value that was captured before the dial, by its number. Templates cannot name it.
    Captured(usize),
}

impl Secrets {
    /// Reads what these templates name, each thing once. Files are read off the arbiter's thread.
    ///
    /// # Errors
    ///
    /// [`Cause::SecretMissing`] for the first file that cannot be read, is longer than
    /// [`MAX_SECRET`], is not a regular file or not UTF-8; also for the first secret that
    /// `secret_store` does not have.
    pub(crate) fn read<'a, I>(
        templates: I,
        secret_store: &SecretStore,
    ) -> impl Future<Output = Result<Self, Cause>> + use<I>
    where
        I: IntoIterator<Item = &'a Template>,
    {
        let variables = templates.into_iter().flat_map(Template::variables);
        // Done before the future starts, so that the future holds only the keys.
        Self::read_keys(variables.map(Key::of).collect(), secret_store)
    }

    fn read_keys(
        keys: BTreeSet<Key>,
        secret_store: &SecretStore,
    ) -> impl Future<Output = Result<Self, Cause>> + use<> {
        let secret_store = (!keys.is_empty()).then(|| secret_store.clone());
        async move {
            let Some(secret_store) = secret_store else {
                return Ok(Self::default());
            };
            let read = move || {
                Ok(keys
                    .into_iter()
                    .map(|key| key.read(&secret_store))
                    .collect())
            };
            files::off_thread(read)
                .await
                .unwrap_or_else(|error| Err(Cause::SecretMissing(plain(&error))))
                .map(Self)
        }
    }

    /// Reads all that a connection names: in this URL, headers, credentials, subprotocols,
    /// `on_open` and its dialogue.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(crate) fn of<'a>(
        settings: &'a ConnectionSettings,
        url: &'a Template,
        secret_store: &SecretStore,
    ) -> impl Future<Output = Result<Self, Cause>> + use<'a> {
        let headers = settings.headers.iter().map(|(_, value)| value.expose());
        let auth = settings.basic_auth.iter();
        let openings = settings.on_open.iter().filter_map(|opening| match opening {
            Opening::Text(text) => Some(text),
            Opening::Binary(_) => None,
        });
        let variables = std::iter::once(url)
            .chain(headers)
            .chain(auth.flat_map(|auth| [&auth.user, auth.password.expose()]))
            .chain(settings.subprotocols.iter().map(Subprotocol::template))
            .chain(settings.proxy.iter().flat_map(Proxy::templates))
            .chain(openings)
            .flat_map(Template::variables);
        let dialogue = settings.dialogue.iter();
        let said = dialogue.flat_map(|dialogue| dialogue.templates());
        let said = said.flat_map(MessageTemplate::variables);
        Self::read_keys(variables.chain(said).map(Key::of).collect(), secret_store)
    }

    /// The template with all variables expanded.
    ///
    /// # Errors
    ///
    /// [`Cause::SecretMissing`] if it names something that was not read here.
    pub(crate) fn render(&self, template: &Template) -> Result<Secret, Cause> {
        let rendered = template.render(|variable| {
            let found = self.0.iter().find(|(key, _)| key.is(variable));
            let content = found.map(|(_, content)| content.expose().to_owned());
            content.ok_or_else(|| io::ErrorKind::NotFound.into())
        });
        rendered.map_err(|missing| Cause::SecretMissing(missing.to_string()))
    }

    /// The same, with the values that were captured before the dial. These are secret, too.
    pub(crate) fn with_captured(self, captured: &[Secret]) -> Self {
        let captured = captured.iter().cloned().enumerate();
        let captured = captured.map(|(at, secret)| (Key::Captured(at), secret));
        Self(self.0.into_iter().chain(captured).collect())
    }

    /// The values that were captured before the dial.
    pub(super) fn captured(&self) -> impl Iterator<Item = &str> {
        let captured = |(key, _): &&(Key, Secret)| matches!(key, Key::Captured(_));
        let found = self.0.iter().filter(captured);
        found.map(|(_, secret)| secret.expose())
    }
}

impl Variables for Secrets {
    fn get(&self, variable: Variable<'_>) -> Option<&str> {
        let found = self.0.iter().find(|(key, _)| key.is(variable));
        found.map(|(_, content)| content.expose().trim_end_matches(['\r', '\n']))
    }
}

impl Key {
    fn of(variable: Variable<'_>) -> Self {
        match variable {
            Variable::File(path) => Self::File(path.to_owned()),
            Variable::Stored(id) => Self::Stored(id.into()),
        }
    }

    fn is(&self, variable: Variable<'_>) -> bool {
        match (self, variable) {
            (Self::File(read), Variable::File(path)) => read == path,
            (Self::Stored(read), Variable::Stored(id)) => **read == *id,
            _ => false,
        }
    }

    fn read(self, secret_store: &SecretStore) -> Result<(Self, Secret), Cause> {
        let path = match &self {
            Self::File(path) => path,
            Self::Stored(id) => {
                let secret = secret_store.get(id);
                let missing = || Cause::SecretMissing(format!("there is no secret {id:?}"));
                return secret.ok_or_else(missing).map(|secret| (self, secret));
            }
            // No template names it.
            Self::Captured(_) => return Ok((self, Secret::default())),
        };
        if let Some(content) = secret_store.file(path) {
            return Ok((self, content));
        }
        let content = read_secret_file(path)?;
        Ok((self, content))
    }
}

/// The content of the file of a `${file:…}`, as a dial reads it. Blocks.
///
/// # Errors
///
/// [`Cause::SecretMissing`] if it cannot be read, is longer than [`MAX_SECRET`], is not a regular
/// file or not UTF-8.
pub(crate) fn read_secret_file(path: &Path) -> Result<Secret, Cause> {
    let content = files::read_bounded(path, MAX_SECRET).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))
    });
    content.map(Secret::new).map_err(|error| {
        Cause::SecretMissing(format!(
            "the secret file {} cannot be read: {}",
            path.display(),
            plain(&error)
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{settings::Part, transport::tests::ScratchDir};

    fn file(path: impl Into<PathBuf>) -> Template {
        Template::from_parts([Part::Literal("a-".into()), Part::File(path.into())])
    }

    fn text(cause: Cause) -> String {
        assert_eq!(cause.kind(), "secret_missing");
        cause.text().into_owned()
    }

    #[tokio::test]
    async fn files_are_read_once_and_lose_their_line_end() {
        let dir = ScratchDir::new("secrets_read");
        let template = file(dir.write("token", "s3cret\r\n"));
        let secrets = Secrets::read([&template, &template], &SecretStore::default())
            .await
            .unwrap();
        assert_eq!(secrets.0.len(), 1);
        assert_eq!(secrets.render(&template).unwrap().expose(), "a-s3cret");
        assert!(!format!("{secrets:?}").contains("s3cret"));
    }

    #[tokio::test]
    async fn each_unreadable_file_says_why() {
        let dir = ScratchDir::new("secrets_bad");
        dir.write("long", vec![b'x'; MAX_SECRET as usize + 1]);
        dir.write("binary", [0xff]);
        for (name, why) in [
            ("none", "no such file or directory"),
            ("long", "longer than 65536 bytes"),
            ("binary", "not UTF-8"),
            (".", "not a regular file"),
        ] {
            let error = Secrets::read([&file(dir.path(name))], &SecretStore::default())
                .await
                .unwrap_err();
            let text = text(error);
            assert!(text.contains(why), "{name}: {text}");
        }
    }

    #[tokio::test]
    async fn a_stored_secret_is_looked_up_at_each_dial() {
        let secret_store = SecretStore::default();
        let template = Template::from_parts([Part::Stored("id".into())]);
        let error = Secrets::read([&template], &secret_store).await.unwrap_err();
        assert_eq!(text(error), "there is no secret \"id\"");
        let id = crate::ConnectionName::new("id").unwrap();
        secret_store.put(id, Secret::new("s3cret")).unwrap();
        let secrets = Secrets::read([&template], &secret_store).await.unwrap();
        assert_eq!(secrets.render(&template).unwrap().expose(), "s3cret");
    }

    #[tokio::test]
    async fn a_file_that_was_not_read_is_missing() {
        let secrets = Secrets::default();
        text(secrets.render(&file("/nowhere")).unwrap_err());
    }
}
