//! One connection to the servers. It never reconnects by itself: once it is lost it stays lost, with
//! all messages that were on their way.

use std::{
    error::Error as StdError,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{
    Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, ServerError, rustls,
};
use everwire::config::{NatsSettings, Source, System, Variable};
use tokio::{
    runtime::{Builder, Runtime},
    sync::{Semaphore, mpsc},
};

use crate::error::BridgeError;

/// How long a connection may take, with the reading of credentials.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// The client's task queues this many commands. That is more than the bridge publishes and requests
/// at once, so it never waits for room.
const CAPACITY: usize = 16_384;
/// This many refusals may wait to be reported: as many as messages are published at once.
const MOST_DENIED: usize = 4096;
/// A server that answers no ping for twice this long is gone.
const PING: Duration = Duration::from_secs(5);
/// The client would reconnect by itself, and then send what it had not sent yet, behind messages
/// that were lost. This delay prevents it.
const NEVER: Duration = Duration::from_secs(u32::MAX as u64);

/// A connection, while it lasts.
#[derive(Debug)]
pub struct Connection {
    /// The client of this connection.
    pub client: Client,
    /// Receives why the connection is lost. Closed if nobody knows.
    lost: mpsc::Receiver<BridgeError>,
    /// Subjects to which the server does not let this user publish.
    denied: mpsc::Receiver<Denied>,
    /// All tasks of the client run here, and end with it.
    _runtime: Kept,
}

/// An event of a connection other than an answer.
#[derive(Debug)]
pub enum Happened {
    /// It is over.
    Lost(BridgeError),
    /// A message was not let through; all other things go on.
    Denied(Denied),
}

/// A message that the server has refused for its subject.
#[derive(Debug)]
pub struct Denied {
    /// The subject.
    pub subject: String,
    /// What the server says.
    pub text: String,
}

impl Connection {
    /// Connects to one of the servers.
    ///
    /// # Errors
    ///
    /// Why there is no connection.
    pub async fn open(settings: Arc<NatsSettings>, reader: Reader) -> Result<Self, BridgeError> {
        let io = |error: std::io::Error| BridgeError::Unreachable(error.to_string());
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("everwire-nats")
            .enable_all()
            .build()
            .map_err(io)?;
        // This may be dropped in an async context, where a runtime must not be dropped.
        let handle = runtime.handle().clone();
        let runtime = Kept(Some(runtime));
        let (tell, lost) = mpsc::channel(1);
        let (tell_denied, denied) = mpsc::channel(MOST_DENIED);
        let connecting = handle.spawn(async move {
            // It reads files of credentials, and a file system can hang.
            let servers = settings.servers.clone();
            let file = settings.nkey_file.clone().or(settings.creds_file.clone());
            let options = reader.read(move || options(&settings)).await?;
            let connected = observe(options, tell, tell_denied).connect(servers).await;
            connected.map_err(|error| refusal(&error, file))
        });
        let connected = tokio::time::timeout(CONNECT_DEADLINE, connecting).await;
        let client = match connected {
            Ok(Ok(client)) => client?,
            Ok(Err(error)) => return Err(BridgeError::Unreachable(error.to_string())),
            Err(_) => {
                let text = format!("not within {} s", CONNECT_DEADLINE.as_secs());
                return Err(BridgeError::Unreachable(text));
            }
        };
        Ok(Self {
            client,
            lost,
            denied,
            _runtime: runtime,
        })
    }

    /// The server that it is connected to.
    pub fn server(&self) -> String {
        let info = self.client.server_info();
        format!("{} {}:{}", info.server_name, info.host, info.port)
    }

    /// Waits until the connection is lost, or a message is refused for its subject.
    pub async fn happened(&mut self) -> Happened {
        let ended = || BridgeError::Lost("the client has ended".into());
        tokio::select! {
            biased;
            why = self.lost.recv() => Happened::Lost(why.unwrap_or_else(ended)),
            Some(denied) = self.denied.recv() => Happened::Denied(denied),
        }
    }

    /// The same while the stream is looked up: then a refused request is an error, too.
    pub async fn failed(&mut self) -> BridgeError {
        match self.happened().await {
            Happened::Lost(error) => error,
            Happened::Denied(denied) => BridgeError::Refused(denied.text),
        }
    }
}

/// Reads files of credentials. While a read hangs no other one begins: each would leave a thread
/// behind.
#[derive(Clone, Debug)]
pub struct Reader(Arc<Semaphore>);

impl Default for Reader {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Reader {
    async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce() -> Result<T, BridgeError> + Send + 'static,
    ) -> Result<T, BridgeError> {
        let Ok(turn) = Arc::clone(&self.0).try_acquire_owned() else {
            let text = "its files are still being read by an earlier attempt";
            return Err(BridgeError::Unreachable(text.into()));
        };
        let reading = tokio::task::spawn_blocking(move || {
            let _turn = turn;
            read()
        });
        let read = reading.await;
        read.map_err(|error| BridgeError::Unreachable(error.to_string()))?
    }
}

/// A runtime that ends in the background, so that it can be dropped in an async context.
#[derive(Debug)]
struct Kept(Option<Runtime>);

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// Reports the end of the connection at the moment when the client would reconnect.
fn observe(
    options: ConnectOptions,
    tell: mpsc::Sender<BridgeError>,
    tell_denied: mpsc::Sender<Denied>,
) -> ConnectOptions {
    let was_connected = Arc::new(AtomicBool::new(false));
    let is_connected = Arc::clone(&was_connected);
    options
        .reconnect_delay_callback(move |_| match was_connected.load(Ordering::Acquire) {
            true => NEVER,
            false => Duration::ZERO,
        })
        .event_callback(move |event| {
            let why = match event {
                Event::Connected => {
                    is_connected.store(true, Ordering::Release);
                    None
                }
                Event::Disconnected => Some(BridgeError::Lost("the server has gone".into())),
                Event::Closed => Some(BridgeError::Lost("it was closed".into())),
                Event::ServerError(ServerError::AuthorizationViolation) => Some(
                    BridgeError::Credentials("the authorization was withdrawn".into()),
                ),
                Event::ServerError(ServerError::Other(text)) => match denied_subject(&text) {
                    Some(subject) => {
                        // Without room, the missing acknowledgement tells it later.
                        let _told = tell_denied.try_send(Denied { subject, text });
                        None
                    }
                    None if is_of_credentials(&text) => Some(BridgeError::Credentials(text)),
                    None => Some(BridgeError::Refused(text)),
                },
                _ => None,
            };
            // The first event is the cause. Later ones are its consequences.
            if let Some(why) = why {
                let _is_first = tell.try_send(why);
            }
            std::future::ready(())
        })
}

/// Whether a server's error is about the credentials: they have expired, or were revoked.
fn is_of_credentials(text: &str) -> bool {
    let text = text.to_ascii_lowercase();
    text.contains("authentication expired") || text.contains("authentication revoked")
}

/// The subject in a server's error about a message that it does not permit.
fn denied_subject(text: &str) -> Option<String> {
    let (_, rest) = text.split_once(" for Publish to \"")?;
    let (subject, _) = rest.split_once('"')?;
    Some(subject.to_owned())
}

fn options(settings: &NatsSettings) -> Result<ConnectOptions, BridgeError> {
    let mut options = ConnectOptions::new()
        .name("everwire")
        .client_capacity(CAPACITY)
        .subscription_capacity(CAPACITY)
        .connection_timeout(CONNECT_DEADLINE / 2)
        .ping_interval(PING);
    let read = |variable: Variable<'_>| match variable {
        Variable::File(path) => System.read(path),
        Variable::Stored(_) => Err(std::io::ErrorKind::Unsupported.into()),
    };
    if let (Some(user), Some(password)) = (&settings.user, &settings.password) {
        let user = user.render(read)?.expose().to_owned();
        let password = password.expose().render(read)?.expose().to_owned();
        options = options.user_and_password(user, password);
    }
    if let Some(path) = &settings.nkey_file {
        options = options.nkey(credentials(path)?.trim().to_owned());
    }
    if let Some(path) = &settings.creds_file {
        let text = credentials(path)?;
        let invalid = |error: std::io::Error| BridgeError::CredentialsFile {
            path: path.clone(),
            reason: error.to_string(),
        };
        options = options.credentials(&text).map_err(invalid)?;
    }
    let tls = &settings.tls;
    for path in [&tls.ca_file, &tls.cert_file, &tls.key_file] {
        // The client's error would not name the file.
        if let Some(path) = path
            && let Err(error) = std::fs::File::open(path)
        {
            return Err(BridgeError::Tls(format!("{}: {error}", path.display())));
        }
    }
    if let Some(path) = &tls.ca_file {
        options = options.add_root_certificates(path.clone());
    }
    if let (Some(cert), Some(key)) = (&tls.cert_file, &tls.key_file) {
        options = options.add_client_certificate(cert.clone(), key.clone());
    }
    if tls.ca_file.is_some() || tls.cert_file.is_some() {
        options = options.require_tls(true);
    }
    Ok(options)
}

fn credentials(path: &Path) -> Result<String, BridgeError> {
    System
        .read(path)
        .map_err(|error| BridgeError::CredentialsFile {
            path: path.to_owned(),
            reason: error.to_string(),
        })
}

/// The bridge's error for one of the client. `file`: the file with the key that signs the server's
/// challenge.
fn refusal(error: &ConnectError, file: Option<PathBuf>) -> BridgeError {
    let text = error.to_string();
    match (error.kind(), file) {
        (ConnectErrorKind::Authentication, Some(path)) => BridgeError::CredentialsFile {
            path,
            reason: "it holds no seed of a user".into(),
        },
        (ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation, _) => {
            BridgeError::Credentials(text)
        }
        (ConnectErrorKind::Tls, _) => BridgeError::Tls(text),
        _ if is_of_tls(error) => BridgeError::Tls(text),
        _ => BridgeError::Unreachable(text),
    }
}

/// Whether TLS has failed: the client reports a failed handshake as a failed read or write.
fn is_of_tls(error: &ConnectError) -> bool {
    let mut cause = StdError::source(error);
    while let Some(error) = cause {
        let inner = error.downcast_ref::<std::io::Error>();
        let inner = inner.and_then(std::io::Error::get_ref);
        if error.is::<rustls::Error>() || inner.is_some_and(|error| error.is::<rustls::Error>()) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_read_that_hangs_is_not_joined_by_others() {
        let reader = Reader::default();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let hanging = reader.clone();
        let hanging = tokio::spawn(async move {
            let read = hanging.read(move || Ok(ended.recv().is_err()));
            read.await
        });
        while reader.0.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = reader.read(|| Ok(())).await.unwrap_err();
        assert!(refused.to_string().contains("still being read"));
        drop(end);
        assert!(hanging.await.unwrap().unwrap());
        reader.read(|| Ok(())).await.unwrap();
    }

    #[test]
    fn the_subject_of_a_refused_message_is_found() {
        for (text, subject) in [
            (
                r#"Permissions Violation for Publish to "everwire.in.a""#,
                Some("everwire.in.a"),
            ),
            (
                r#"Permissions Violation for Subscription to "_INBOX.x""#,
                None,
            ),
            ("Unknown Protocol Operation", None),
        ] {
            assert_eq!(denied_subject(text).as_deref(), subject, "{text}");
        }
    }
}
