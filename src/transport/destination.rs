//! Where a dial goes, as far as the dial budget asks before it begins.

use url::Url;

use super::{request, secrets::Secrets};
use crate::{config::Template, core::Cause};

/// A URL that was rendered and parsed while its dial waits for its turn.
#[derive(Debug)]
pub(crate) struct Destination {
    // Boxed: thousands may wait.
    url: Box<Url>,
    /// Whether the dial goes there as it stands. Otherwise files are read again once its turn has come.
    is_static: bool,
}

impl Destination {
    /// Reads what the URL needs, and parses it.
    ///
    /// # Errors
    ///
    /// [`Cause::SecretMissing`] or [`Cause::InvalidRequest`] when the URL cannot be rendered.
    pub(crate) async fn of(url: &Template) -> Result<Self, Cause> {
        let secrets = Secrets::read([url]).await?;
        Ok(Self {
            url: Box::new(request::render_url(url, &secrets)?),
            is_static: url.is_static(),
        })
    }

    /// The `host:port` that is dialled: the key of the dial budget. The port is always written.
    ///
    /// # Errors
    ///
    /// [`Cause::InvalidRequest`] when the URL has no host or no port.
    pub(crate) fn host_key(&self) -> Result<String, Cause> {
        let (host, port) = (request::host_str(&self.url)?, request::port(&self.url)?);
        Ok(format!("{host}:{port}"))
    }

    /// The URL to dial now; `template` is what this was made of.
    pub(super) fn into_url(
        self,
        template: &Template,
        secrets: &Secrets,
    ) -> Result<Box<Url>, Cause> {
        match self.is_static {
            true => Ok(self.url),
            false => request::render_url(template, secrets).map(Box::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Part;

    #[tokio::test]
    async fn the_key_is_the_host_in_its_one_way_of_writing_and_always_a_port() {
        for (url, key) in [
            ("ws://a.example/x", "a.example:80"),
            ("wss://A.example:443/", "a.example:443"),
            ("wss://a.example:80/", "a.example:80"),
            ("ws://[::1]:9000/", "[::1]:9000"),
            ("ws://127.1/", "127.0.0.1:80"),
        ] {
            let destination = Destination::of(&url.into()).await.unwrap();
            assert_eq!(destination.host_key().unwrap(), key);
        }
    }

    #[tokio::test]
    async fn a_file_of_the_url_is_read_again_when_the_turn_has_come() {
        let dir = crate::transport::tests::ScratchDir::new("destination");
        let path = dir.write("path", "first");
        let template =
            Template::from_parts([Part::Literal("ws://a.example/".into()), Part::File(path)]);
        let destination = Destination::of(&template).await.unwrap();
        dir.write("path", "second");
        let secrets = Secrets::read([&template]).await.unwrap();
        let url = destination.into_url(&template, &secrets).unwrap();
        assert_eq!(url.path(), "/second");
    }
}
