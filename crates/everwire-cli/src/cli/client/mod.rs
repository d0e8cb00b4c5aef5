//! A client of a running service.

mod args;
pub mod cluster;
mod error;
mod request;
mod shapes;
mod sse;
mod tls;

use std::time::Duration;

use awc::{
    ClientResponse, Connector,
    error::{PayloadError, SendRequestError},
    http::{
        Version,
        header::{self, HeaderValue},
    },
};
use bytes::Bytes;
use everwire::config::Secret;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

pub use self::{
    args::ApiArgs,
    error::{Error, Problem},
    request::Request,
    shapes::{
        Cause, LastClose, LastError, Outbox, Requests, Rotation, RuleRate, Session, Status, Step,
        Subscriptions, Traffic,
    },
    sse::Reader,
};

/// The longest answer, in bytes.
const MAX_ANSWER: usize = 64 << 20;
/// The time limit for opening a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// A client of one service. Its connection stays open between requests.
pub struct Client {
    http: awc::Client,
    api: Url,
    bearer: Option<HeaderValue>,
}

/// A successful answer.
#[derive(Debug)]
pub struct Answer {
    /// The status, below 400.
    pub status: u16,
    /// The JSON; `Null` for an empty body.
    pub body: Value,
}

impl Client {
    /// A client for this URL, inside a running runtime.
    ///
    /// # Errors
    ///
    /// [`Error::Token`].
    pub fn new(api: Url, token: Option<&Secret>, tls: tls::Config) -> Result<Self, Error> {
        let connector = Connector::new()
            .max_http_version(Version::HTTP_11)
            .rustls_0_23(tls)
            .timeout(CONNECT_TIMEOUT)
            .handshake_timeout(CONNECT_TIMEOUT);
        // A redirect would send the token elsewhere. A stream of events never ends, so it has no
        // time limit.
        let http = awc::Client::builder()
            .connector(connector)
            .disable_redirects()
            .disable_timeout()
            .finish();
        let bearer = token.map(bearer).transpose()?;
        Ok(Self { http, api, bearer })
    }

    /// Sends a request, and parses the answer.
    ///
    /// # Errors
    ///
    /// [`Error`], with [`Error::Problem`] if the service refuses.
    pub async fn read<T: DeserializeOwned>(&self, request: Request) -> Result<T, Error> {
        let answer = self.ask(request).await?;
        serde_json::from_value(answer.body).map_err(|error| Error::Answer(error.to_string()))
    }

    /// Sends a request, and reads the answer.
    ///
    /// # Errors
    ///
    /// [`Error`], with [`Error::Problem`] if the service refuses.
    pub async fn ask(&self, request: Request) -> Result<Answer, Error> {
        let patience = request.patience;
        let exchange = async {
            let mut response = self.send(request).await?;
            let body = response.body().limit(MAX_ANSWER).await;
            Ok::<_, Error>((response.status().as_u16(), body.map_err(Error::broken)?))
        };
        let answered = tokio::time::timeout(patience, exchange).await;
        let (status, body) = answered.map_err(|_| self.late())??;
        match status {
            200..300 => Ok(Answer {
                status,
                body: json(&body)?,
            }),
            _ => Err(Problem::read(status, &body).into()),
        }
    }

    /// Sends a request whose answer is a stream.
    ///
    /// # Errors
    ///
    /// The errors of [`ask`](Self::ask).
    pub async fn stream(&self, request: Request) -> Result<Stream, Error> {
        let begun = tokio::time::timeout(request.patience, self.send(request)).await;
        let mut response = begun.map_err(|_| self.late())??;
        match response.status().as_u16() {
            200 => Ok(response),
            status => {
                let body = response.body().limit(MAX_ANSWER).await;
                Err(Problem::read(status, &body.map_err(Error::broken)?).into())
            }
        }
    }

    async fn send(&self, request: Request) -> Result<Stream, Error> {
        let url = request.url(&self.api);
        let mut http = self.http.request(request.method, url.as_str());
        if let Some(bearer) = &self.bearer {
            http = http.insert_header((header::AUTHORIZATION, bearer.clone()));
        }
        for named in request.headers {
            http = http.insert_header(named);
        }
        let sent = http.send_body(request.body).await;
        sent.map_err(|error| self.unreachable(&error))
    }

    fn unreachable(&self, error: &SendRequestError) -> Error {
        Error::Unreachable {
            api: self.api.to_string(),
            text: error.to_string(),
        }
    }

    fn late(&self) -> Error {
        Error::Unreachable {
            api: self.api.to_string(),
            text: "it does not answer in time".into(),
        }
    }
}

/// An answer whose body is still being received.
pub type Stream =
    ClientResponse<std::pin::Pin<Box<dyn futures::Stream<Item = Result<Bytes, PayloadError>>>>>;

fn bearer(token: &Secret) -> Result<HeaderValue, Error> {
    let mut bearer =
        HeaderValue::try_from(format!("Bearer {}", token.expose())).map_err(|_| Error::Token)?;
    bearer.set_sensitive(true);
    Ok(bearer)
}

fn json(body: &Bytes) -> Result<Value, Error> {
    match body.is_empty() {
        true => Ok(Value::Null),
        false => serde_json::from_slice(body).map_err(|error| Error::Answer(error.to_string())),
    }
}
