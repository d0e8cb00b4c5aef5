//! The arguments for the service's address and for authentication.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use everwire::config::Secret;
use url::Url;

use super::{Client, Error, tls};

/// `--api`, `--token`, `--ca-file`, `--cert-file`, `--key-file`.
#[derive(Debug, Args)]
#[command(next_help_heading = "The service")]
pub struct ApiArgs {
    /// The address of the service
    #[arg(long, value_name = "URL", env = "EVERWIRE_API", default_value = "http://127.0.0.1:9180", value_parser = api, value_hint = ValueHint::Url)]
    api: Url,

    /// The token, or @FILE to read it from a file; other users of this machine can see a command line
    #[arg(long, value_name = "TOKEN", env = "EVERWIRE_TOKEN", hide_env_values = true, value_parser = secret)]
    token: Option<Secret>,

    /// The authorities to trust instead of the system's, as a PEM file; for https
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    ca_file: Option<PathBuf>,

    /// The certificate to show to a service that asks for one, as a PEM file with its chain; for https
    #[arg(long, visible_alias = "cert", value_name = "FILE", env = "EVERWIRE_CERT_FILE", requires = "key_file", value_hint = ValueHint::FilePath)]
    cert_file: Option<PathBuf>,

    /// The key of the certificate, as a PEM file
    #[arg(long, visible_alias = "key", value_name = "FILE", env = "EVERWIRE_KEY_FILE", requires = "cert_file", value_hint = ValueHint::FilePath)]
    key_file: Option<PathBuf>,
}

impl ApiArgs {
    /// A client with these arguments, inside a running runtime.
    ///
    /// # Errors
    ///
    /// [`Error`] if a file cannot be used.
    pub fn client(&self) -> Result<Client, Error> {
        let token = self.token.as_ref().map(resolve).transpose()?;
        let tls = match self.api.scheme() {
            "https" => tls::config(self.ca_file.as_deref(), self.identity())?,
            _ if self.ca_file.is_some() || self.cert_file.is_some() => return Err(Error::NoTls),
            _ => tls::unused(),
        };
        Client::new(self.api.clone(), token.as_ref(), tls)
    }

    fn identity(&self) -> Option<tls::Identity<'_>> {
        Some(tls::Identity {
            cert_file: self.cert_file.as_deref()?,
            key_file: self.key_file.as_deref()?,
        })
    }
}

fn api(text: &str) -> Result<Url, String> {
    let help = "write http://HOST:PORT, or https://HOST:PORT";
    let url: Url = text
        .parse()
        .map_err(|_| format!("it is not a URL; {help}"))?;
    if !matches!(url.scheme(), "http" | "https") || !url.has_host() {
        return Err(format!("it is not an http or https URL; {help}"));
    }
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.query().is_none()
        && url.fragment().is_none();
    match bare {
        true => Ok(url),
        false => {
            Err("it must not have a user, a password, a query or a fragment; use --token".into())
        }
    }
}

/// No check here: the error message would show the token.
fn secret(text: &str) -> Result<Secret, String> {
    Ok(Secret::new(text))
}

fn resolve(token: &Secret) -> Result<Secret, Error> {
    let Some(path) = token.expose().strip_prefix('@') else {
        return Ok(token.clone());
    };
    let path = Path::new(path);
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Secret::new(text.trim_end())),
        Err(source) => Err(Error::TokenFile {
            path: path.to_owned(),
            source,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_named_by_a_bare_url() {
        assert!(api("http://127.0.0.1:9180").is_ok() && api("https://host/path").is_ok());
        for text in [
            "127.0.0.1:9180",
            "ws://h",
            "http://u:p@h",
            "http://h/?a=b",
            "",
        ] {
            assert!(api(text).is_err(), "{text}");
        }
        let told = api("foo").unwrap_err();
        assert_eq!(
            told,
            "it is not a URL; write http://HOST:PORT, or https://HOST:PORT"
        );
    }
}
