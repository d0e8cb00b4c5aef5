//! Requests to the service.

use std::time::Duration;

use awc::http::{
    Method,
    header::{self, HeaderName, HeaderValue},
};
use bytes::Bytes;
use url::Url;

/// The default time limit for an answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// A request, relative to the URL of the service.
#[derive(Debug)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Additional headers.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The body.
    pub body: Bytes,
    /// The time limit for the answer; for a stream, for its beginning.
    pub patience: Duration,
    segments: Vec<String>,
    query: Vec<(&'static str, String)>,
}

impl Request {
    /// A GET of this path below `/v1`.
    pub fn get(segments: &[&str]) -> Self {
        Self::new(Method::GET, segments)
    }

    /// A POST to this path below `/v1`.
    pub fn post(segments: &[&str]) -> Self {
        Self::new(Method::POST, segments)
    }

    /// A PUT of this path below `/v1`.
    pub fn put(segments: &[&str]) -> Self {
        Self::new(Method::PUT, segments)
    }

    /// A DELETE of this path below `/v1`.
    pub fn delete(segments: &[&str]) -> Self {
        Self::new(Method::DELETE, segments)
    }

    /// Adds a parameter.
    pub fn query(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.query.push((name, value.into()));
        self
    }

    /// Adds a parameter if there is a value.
    pub fn maybe(self, name: &'static str, value: Option<impl Into<String>>) -> Self {
        match value {
            Some(value) => self.query(name, value),
            None => self,
        }
    }

    /// Sets a body of this type.
    pub fn body(self, content_type: &'static str, body: impl Into<Bytes>) -> Self {
        let mut same = self.header(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        same.body = body.into();
        same
    }

    /// Adds a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Adds this time to the time limit.
    pub fn patience(mut self, more: Duration) -> Self {
        self.patience = PATIENCE + more;
        self
    }

    /// The URL for a service at `api`. A path in `api`, as behind a proxy, is kept.
    pub fn url(&self, api: &Url) -> Url {
        let mut url = api.clone();
        if let Ok(mut path) = url.path_segments_mut() {
            path.pop_if_empty().push("v1").extend(&self.segments);
        }
        for (name, value) in &self.query {
            url.query_pairs_mut().append_pair(name, value);
        }
        url
    }

    fn new(method: Method, segments: &[&str]) -> Self {
        Self {
            method,
            headers: Vec::new(),
            body: Bytes::new(),
            patience: PATIENCE,
            segments: segments.iter().map(|&segment| segment.to_owned()).collect(),
            query: Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_patterns_are_escaped_and_a_path_before_them_is_kept() {
        let url = |api: &str, request: Request| request.url(&api.parse().unwrap()).to_string();
        let list = || Request::get(&["connections"]).query("match", "a*,b&c");
        assert_eq!(
            url("http://h:1", list()),
            "http://h:1/v1/connections?match=a*%2Cb%26c"
        );
        let status = Request::get(&["connections", "a:b/../c"]);
        assert_eq!(
            url("https://h/everwire/", status),
            "https://h/everwire/v1/connections/a:b%2F..%2Fc"
        );
        let plain = Request::post(&["reload"]).maybe("plan", None::<String>);
        assert_eq!(url("http://h/x", plain), "http://h/x/v1/reload");
    }
}
