//! Where a dial goes, as far as the dial budget asks before it begins.

use super::{address::Address, request, secrets::Secrets};
use crate::{config::Template, core::Cause};

/// A URL that was rendered and parsed while its dial waits for its turn.
#[derive(Debug)]
pub(crate) struct Destination {
    // Boxed: thousands may wait.
    address: Box<Address>,
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
            address: Box::new(request::render_url(url, &secrets)?),
            is_static: url.is_static(),
        })
    }

    /// The `host:port` that is dialled: the key of the dial budget. The port is always written.
    pub(crate) fn host_key(&self) -> String {
        self.address.host_and_port()
    }

    /// Where to dial now; `template` is what this was made of.
    pub(super) fn into_address(
        self,
        template: &Template,
        secrets: &Secrets,
    ) -> Result<Box<Address>, Cause> {
        match self.is_static {
            true => Ok(self.address),
            false => request::render_url(template, secrets).map(Box::new),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Part;

    #[tokio::test]
    async fn a_file_of_the_url_is_read_again_when_the_turn_has_come() {
        let dir = crate::transport::tests::ScratchDir::new("destination");
        let path = dir.write("path", "first");
        let template =
            Template::from_parts([Part::Literal("ws://a.example/".into()), Part::File(path)]);
        let destination = Destination::of(&template).await.unwrap();
        dir.write("path", "second");
        let secrets = Secrets::read([&template]).await.unwrap();
        let address = destination.into_address(&template, &secrets).unwrap();
        assert_eq!(address.text, "ws://a.example/second");
    }
}
