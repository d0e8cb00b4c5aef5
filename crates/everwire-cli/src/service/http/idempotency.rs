//! `Idempotency-Key`: a repeated request sends its message once.

use actix_web::HttpRequest;
use everwire::SendOnceError;

use super::{access::Caller, problem::Problem};

/// The longest key, in bytes.
const MAX_KEY: usize = 255;

/// A key, within the sends of one token. The library limits it to one connection.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key(Box<[u8]>);

impl Key {
    /// The key of a request, if it has one.
    ///
    /// # Errors
    ///
    /// 400 for an empty or overlong key, and for several keys.
    pub fn of(request: &HttpRequest, caller: &Caller) -> Result<Option<Self>, Problem> {
        let mut keys = request.headers().get_all("idempotency-key");
        let Some(key) = keys.next() else {
            return Ok(None);
        };
        let key = key.as_bytes();
        if keys.next().is_some() || key.is_empty() || key.len() > MAX_KEY {
            let detail = format!("invalid Idempotency-Key: write one text of 1 to {MAX_KEY} bytes");
            return Err(Problem::bad_request(detail));
        }
        // Neither the name of a token nor a header contains this byte.
        let key = [caller.token.as_bytes(), b"\0", key].concat();
        Ok(Some(Self(key.into())))
    }
}

impl AsRef<[u8]> for Key {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl From<SendOnceError> for Problem {
    fn from(error: SendOnceError) -> Self {
        match error {
            SendOnceError::Rejected(rejected) => rejected.into(),
            SendOnceError::KeyUsed => {
                Self::unprocessable("this Idempotency-Key was used for another body")
                    .member("reason", "key_used")
            }
            error => Self::bad_request(error.to_string()),
        }
    }
}
