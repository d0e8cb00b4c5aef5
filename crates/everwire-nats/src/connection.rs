//! One connection to the servers. It is never made again under the hands of who uses it: when it is
//! lost it is over, and so is all that was on its way.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use async_nats::{Client, ConnectError, ConnectErrorKind, ConnectOptions, Event, ServerError};
use everwire::config::{NatsSettings, Source, System, Variable};
use tokio::{
    runtime::{Builder, Runtime},
    sync::mpsc,
};

use crate::error::BridgeError;

/// How long a connection may take, with the reading of credentials.
pub const CONNECT_DEADLINE: Duration = Duration::from_secs(10);
/// So many commands may wait for the client's task. It is more than what is published and asked for
/// at once, so that nobody ever waits.
const CAPACITY: usize = 16_384;
/// A server that answers no ping for twice this long is gone.
const PING: Duration = Duration::from_secs(5);
/// The client would connect again by itself, and send on the new connection what it had not sent on
/// the old one, behind what was lost. It never gets so far.
const NEVER: Duration = Duration::from_secs(u32::MAX as u64);

/// A connection, while it lasts.
#[derive(Debug)]
pub struct Connection {
    /// The client of this connection.
    pub client: Client,
    /// Ends with the connection: why, where that is known.
    lost: mpsc::Receiver<BridgeError>,
    /// All tasks of the client run here, and end with it.
    _runtime: Kept,
}

impl Connection {
    /// Connects to one of the servers.
    ///
    /// # Errors
    ///
    /// Why there is no connection.
    pub async fn open(settings: Arc<NatsSettings>) -> Result<Self, BridgeError> {
        let io = |error: std::io::Error| BridgeError::Unreachable(error.to_string());
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("everwire-nats")
            .enable_all()
            .build()
            .map_err(io)?;
        // From here on whoever drops this may be in an async context, where a runtime must not be dropped.
        let handle = runtime.handle().clone();
        let runtime = Kept(Some(runtime));
        let (tell, lost) = mpsc::channel(1);
        let connecting = handle.spawn(async move {
            // Files of credentials are read: a file system can hang.
            let servers = settings.servers.clone();
            let options = tokio::task::spawn_blocking(move || options(&settings)).await;
            let options =
                options.map_err(|error| BridgeError::Unreachable(error.to_string()))??;
            let connected = observe(options, tell).connect(servers).await;
            connected.map_err(|error| refusal(&error))
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
            _runtime: runtime,
        })
    }

    /// The server that it is connected to.
    pub fn server(&self) -> String {
        let info = self.client.server_info();
        format!("{} {}:{}", info.server_name, info.host, info.port)
    }

    /// Waits until the connection is lost.
    pub async fn lost(&mut self) -> BridgeError {
        let why = self.lost.recv().await;
        why.unwrap_or_else(|| BridgeError::Lost("the client has ended".into()))
    }
}

/// A runtime that is ended without waiting, wherever it is dropped.
#[derive(Debug)]
struct Kept(Option<Runtime>);

impl Drop for Kept {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

/// The connection ends where the client would begin another one.
fn observe(options: ConnectOptions, tell: mpsc::Sender<BridgeError>) -> ConnectOptions {
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
                Event::ServerError(ServerError::Other(text)) => Some(BridgeError::Refused(text)),
                _ => None,
            };
            // The first is the reason; what follows, follows from it.
            if let Some(why) = why {
                let _is_first = tell.try_send(why);
            }
            std::future::ready(())
        })
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

fn refusal(error: &ConnectError) -> BridgeError {
    let text = error.to_string();
    match error.kind() {
        ConnectErrorKind::Authentication | ConnectErrorKind::AuthorizationViolation => {
            BridgeError::Credentials(text)
        }
        ConnectErrorKind::Tls => BridgeError::Tls(text),
        _ => BridgeError::Unreachable(text),
    }
}
