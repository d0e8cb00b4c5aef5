//! The HTTP versions of the service, so that one test can use each of them.

use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc};

use bytes::Bytes;
use rcgen::{CertificateParams, KeyPair};
use rustls::{
    ClientConfig, RootCertStore,
    crypto::ring,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{net::TcpStream, runtime};
use tokio_rustls::TlsConnector;

use super::{
    SOON, file,
    http::{Answer, Headers, Service},
};

/// An HTTP version, and its transport.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    Http1,
    Http1OverTls,
    Http2OverTls,
}

impl Way {
    pub const ALL: [Self; 3] = [Self::Http1, Self::Http1OverTls, Self::Http2OverTls];

    /// A part of a test's name.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Http1 => "h1",
            Self::Http1OverTls => "h1-tls",
            Self::Http2OverTls => "h2-tls",
        }
    }

    /// The scheme of the service's URLs.
    pub fn scheme(self) -> &'static str {
        match self {
            Self::Http1 => "http",
            Self::Http1OverTls | Self::Http2OverTls => "https",
        }
    }

    /// What the client offers by ALPN (RFC 7301).
    fn alpn(self) -> Vec<Vec<u8>> {
        match self {
            Self::Http2OverTls => vec![b"h2".to_vec()],
            Self::Http1 | Self::Http1OverTls => vec![b"http/1.1".to_vec()],
        }
    }
}

/// The certificate of a test's service, which its clients trust.
pub struct Certificate {
    pub cert_file: PathBuf,
    pub key_file: PathBuf,
}

impl Certificate {
    pub fn new(test: &str) -> Self {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let key = KeyPair::generate().unwrap();
        let cert = CertificateParams::new(names)
            .unwrap()
            .self_signed(&key)
            .unwrap();
        let path = file(test, "");
        let write = |name: &str, pem: String| {
            let path = path.with_file_name(name);
            fs::write(&path, pem).unwrap();
            path
        };
        Self {
            cert_file: write("service.pem", cert.pem()),
            key_file: write("service.key", key.serialize_pem()),
        }
    }

    /// `[service.tls]` of a configuration.
    pub fn keys(&self) -> String {
        let (cert, key) = (self.cert_file.display(), self.key_file.display());
        format!("[service.tls]\ncert_file = '{cert}'\nkey_file = '{key}'\n")
    }

    /// A client that trusts it.
    pub fn client(&self, way: Way) -> Arc<ClientConfig> {
        let mut roots = RootCertStore::empty();
        let certificate = CertificateDer::from_pem_file(&self.cert_file).unwrap();
        roots.add(certificate).unwrap();
        let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = way.alpn();
        Arc::new(config)
    }
}

impl Service {
    /// Starts the program, to be used in this way; `keys` as in [`start`](Self::start).
    pub fn start_by(way: Way, test: &str, keys: &str) -> Self {
        let test = format!("{test}-{}", way.as_str());
        if way == Way::Http1 {
            return Self::start(&test, keys);
        }
        let certificate = Certificate::new(&test);
        let keys = format!("{keys}\n{}", certificate.keys());
        Self::start_with(&test, &keys, Some(certificate.client(way)))
    }
}

/// A request over HTTP/2; the authority, if there is one, is sent as `:authority`.
pub fn ask_http2(
    listen: &str,
    config: &Arc<ClientConfig>,
    (method, authority, target): (&str, Option<&str>, &str),
    headers: Headers<'_>,
    body: &[u8],
) -> Answer {
    let addr: SocketAddr = listen.parse().unwrap();
    let mut request = http::Request::builder().method(method);
    request = match authority {
        Some(authority) => request
            .version(http::Version::HTTP_2)
            .uri(format!("https://{authority}{target}")),
        // Like a forwarded request of HTTP/1.1.
        None => request.version(http::Version::HTTP_11).uri(target),
    };
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let request = request.body(()).unwrap();
    let asked = exchange(
        addr,
        Arc::clone(config),
        request,
        Bytes::copy_from_slice(body),
    );
    let runtime = runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let answer = runtime.block_on(async { tokio::time::timeout(SOON, asked).await });
    answer.expect("it answers in time").unwrap()
}

async fn exchange(
    addr: SocketAddr,
    config: Arc<ClientConfig>,
    request: http::Request<()>,
    body: Bytes,
) -> Result<Answer, Box<dyn std::error::Error>> {
    let tcp = TcpStream::connect(addr).await?;
    let name = ServerName::try_from("localhost")?;
    let tls = TlsConnector::from(config).connect(name, tcp).await?;
    assert_eq!(tls.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (client, connection) = h2::client::handshake(tls).await?;
    let connection = tokio::spawn(connection);
    let (answer, mut sending) = client
        .ready()
        .await?
        .send_request(request, body.is_empty())?;
    if !body.is_empty() {
        sending.send_data(body, true)?;
    }
    let (head, mut stream) = answer.await?.into_parts();
    let mut text = format!("HTTP/2 {} \r\n", head.status.as_u16());
    for (name, value) in &head.headers {
        text.push_str(&format!("{name}: {}\r\n", value.to_str()?));
    }
    text.push_str("\r\n");
    let mut body = Vec::new();
    while let Some(part) = stream.data().await {
        let part = part?;
        stream.flow_control().release_capacity(part.len())?;
        body.extend_from_slice(&part);
    }
    connection.abort();
    text.push_str(&String::from_utf8(body)?);
    Ok(Answer::read(&text)?)
}
