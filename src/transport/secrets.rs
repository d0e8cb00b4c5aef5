//! The files that templates name, read for one dial.

use std::{collections::BTreeSet, io, path::PathBuf};

use super::{failure::plain, files};
use crate::{
    config::{ConnectionSettings, Opening, Proxy, Secret, Template},
    core::Cause,
};

/// The longest file that a `${file:…}` may name, in bytes.
pub(crate) const MAX_SECRET: u64 = 64 * 1024;

/// The content of the files that some templates name, as it was when they were read.
///
/// Without any such file this is empty, and costs neither a thread nor an allocation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Secrets(Box<[(PathBuf, Secret)]>);

impl Secrets {
    /// Reads the files that these templates name, each once, off the arbiter's thread.
    ///
    /// # Errors
    ///
    /// [`Cause::SecretMissing`] for the first file that cannot be read, is longer than [`MAX_SECRET`], is no regular
    /// file or no UTF-8.
    pub(crate) fn read<'a, I>(templates: I) -> impl Future<Output = Result<Self, Cause>> + use<I>
    where
        I: IntoIterator<Item = &'a Template>,
    {
        // Before the future begins, which then holds no more than these.
        let paths: BTreeSet<PathBuf> = templates
            .into_iter()
            .flat_map(Template::files)
            .map(PathBuf::from)
            .collect();
        async move {
            if paths.is_empty() {
                return Ok(Self::default());
            }
            let read = files::off_thread(move || Ok(paths.into_iter().map(read_one).collect()));
            read.await
                .unwrap_or_else(|error| Err(Cause::SecretMissing(plain(&error))))
                .map(Self)
        }
    }

    /// Reads all files of a connection: those of this URL of its, headers, credentials and `on_open`.
    ///
    /// # Errors
    ///
    /// As [`read`](Self::read).
    pub(crate) fn of<'a>(
        settings: &'a ConnectionSettings,
        url: &'a Template,
    ) -> impl Future<Output = Result<Self, Cause>> + use<'a> {
        let headers = settings.headers.iter().map(|(_, value)| value);
        let auth = settings.basic_auth.iter();
        let openings = settings.on_open.iter().filter_map(|opening| match opening {
            Opening::Text(text) => Some(text),
            Opening::Binary(_) => None,
        });
        Self::read(
            std::iter::once(url)
                .chain(headers)
                .chain(auth.flat_map(|auth| [&auth.user, &auth.password]))
                .chain(settings.proxy.iter().flat_map(Proxy::templates))
                .chain(openings),
        )
    }

    /// The template with everything expanded.
    ///
    /// # Errors
    ///
    /// [`Cause::SecretMissing`] when it names a file that was not read here.
    pub(crate) fn render(&self, template: &Template) -> Result<Secret, Cause> {
        let rendered = template.render(|path| {
            let found = self.0.iter().find(|(read, _)| read == path);
            let content = found.map(|(_, content)| content.expose().to_owned());
            content.ok_or_else(|| io::ErrorKind::NotFound.into())
        });
        rendered.map_err(|missing| Cause::SecretMissing(missing.to_string()))
    }
}

fn read_one(path: PathBuf) -> Result<(PathBuf, Secret), Cause> {
    let content = files::read_bounded(&path, MAX_SECRET).and_then(|bytes| {
        String::from_utf8(bytes).map_err(|_| io::Error::other("it is not UTF-8"))
    });
    match content {
        Ok(content) => Ok((path, Secret::new(content))),
        Err(error) => Err(Cause::SecretMissing(format!(
            "the secret file {} cannot be read: {}",
            path.display(),
            plain(&error)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{config::Part, transport::tests::ScratchDir};

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
        let secrets = Secrets::read([&template, &template]).await.unwrap();
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
            let error = Secrets::read([&file(dir.path(name))]).await.unwrap_err();
            let text = text(error);
            assert!(text.contains(why), "{name}: {text}");
        }
    }

    #[tokio::test]
    async fn a_file_that_was_not_read_is_missing() {
        let secrets = Secrets::default();
        text(secrets.render(&file("/nowhere")).unwrap_err());
    }
}
