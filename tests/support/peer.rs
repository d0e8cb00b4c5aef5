//! A scripted server of a protocol: a thread for each socket, with a foreign frame reader, and a
//! record of faults.
#![allow(dead_code, reason = "each test binary uses a part of it")]

use std::{
    io::{ErrorKind, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::Duration,
};

use serde_json::Value;
use tungstenite::{
    Error, Message, WebSocket, accept_hdr,
    handshake::server::{ErrorResponse, Request, Response},
    protocol::CloseFrame,
};

/// A client that sends nothing for this long has given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that runs a protocol on each of its sockets.
pub struct Server {
    port: u16,
    faults: Arc<Mutex<Vec<String>>>,
    sockets: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

/// One socket of a server.
pub struct Line {
    socket: WebSocket<TcpStream>,
    faults: Arc<Mutex<Vec<String>>>,
    /// The number of the socket, from 0.
    pub number: usize,
    /// The requested path.
    pub path: String,
}

/// The client has disconnected.
#[derive(Debug)]
pub struct Gone;

impl Server {
    /// Runs this function on each socket until it ends.
    pub fn start(play: impl Fn(&mut Line) -> Result<(), Gone> + Send + Sync + 'static) -> Self {
        Self::guarded(|_| Ok(None), play)
    }

    /// The same, with a function that decides whether a request is upgraded, with which
    /// subprotocol, or refused with which status.
    #[allow(
        clippy::result_large_err,
        reason = "the signature is that of the library"
    )]
    pub fn guarded(
        admit: impl Fn(&Request) -> Result<Option<&'static str>, u16> + Send + Sync + 'static,
        play: impl Fn(&mut Line) -> Result<(), Gone> + Send + Sync + 'static,
    ) -> Self {
        let admit = Arc::new(admit);
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let (faults, sockets) = (Arc::default(), Arc::new(AtomicUsize::new(0)));
        let (play, told, count) = (Arc::new(play), Arc::clone(&faults), Arc::clone(&sockets));
        let ended = Arc::new(AtomicUsize::new(0));
        let ends = Arc::clone(&ended);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let number = count.fetch_add(1, Ordering::SeqCst);
                let (play, faults, ends) =
                    (Arc::clone(&play), Arc::clone(&told), Arc::clone(&ends));
                let admit = Arc::clone(&admit);
                thread::spawn(move || {
                    stream.set_read_timeout(Some(PATIENCE)).unwrap();
                    let mut path = String::new();
                    let judge = |request: &Request, response: Response| {
                        path = request.uri().to_string();
                        answer(admit(request), response)
                    };
                    let Ok(socket) = accept_hdr(stream, judge) else {
                        return;
                    };
                    let mut line = Line {
                        socket,
                        faults,
                        number,
                        path,
                    };
                    let _gone = play(&mut line);
                    ends.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self {
            port,
            faults,
            sockets,
            ended,
        }
    }

    /// Whether more than this number of sockets have ended.
    pub fn has_ended(&self, count: usize) -> bool {
        self.ended.load(Ordering::SeqCst) > count
    }

    pub fn url(&self) -> String {
        format!("ws://127.0.0.1:{}/", self.port)
    }

    /// The number of sockets.
    pub fn sockets(&self) -> usize {
        self.sockets.load(Ordering::SeqCst)
    }

    /// The mistakes of the client.
    pub fn faults(&self) -> Vec<String> {
        self.faults.lock().unwrap().clone()
    }
}

/// The answer to an upgrade.
#[allow(
    clippy::result_large_err,
    reason = "the signature is that of the library"
)]
fn answer(
    admitted: Result<Option<&'static str>, u16>,
    mut response: Response,
) -> Result<Response, ErrorResponse> {
    match admitted {
        Ok(None) => Ok(response),
        Ok(Some(subprotocol)) => {
            let value = subprotocol.parse().unwrap();
            response
                .headers_mut()
                .insert("sec-websocket-protocol", value);
            Ok(response)
        }
        Err(status) => {
            let mut refusal = ErrorResponse::new(None);
            *refusal.status_mut() = status.try_into().unwrap();
            Err(refusal)
        }
    }
}

impl Line {
    /// A socket after its upgrade; `faults` records the client's mistakes.
    pub fn over(
        socket: WebSocket<TcpStream>,
        faults: Arc<Mutex<Vec<String>>>,
        number: usize,
        path: String,
    ) -> Self {
        Self {
            socket,
            faults,
            number,
            path,
        }
    }

    /// The next message of any kind, including pings and pongs. Any error counts as the end.
    pub fn hear_any(&mut self) -> Result<Message, Gone> {
        match self.socket.read() {
            Ok(Message::Close(_)) | Err(_) => Err(Gone),
            Ok(message) => Ok(message),
        }
    }

    /// The next message of any kind within this time; `None` if there is none.
    pub fn hear_any_within(&mut self, time: Duration) -> Result<Option<Message>, Gone> {
        let _set = self.socket.get_ref().set_read_timeout(Some(time));
        let heard = self.socket.read();
        let _set = self.socket.get_ref().set_read_timeout(Some(PATIENCE));
        match heard {
            Err(Error::Io(error))
                if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
            {
                Ok(None)
            }
            Ok(Message::Close(_)) | Err(_) => Err(Gone),
            Ok(message) => Ok(Some(message)),
        }
    }

    /// Sends a ping.
    pub fn ping(&mut self) -> Result<(), Gone> {
        let ping = Message::Ping("are you there".into());
        self.socket.send(ping).map_err(|_| Gone)
    }

    /// Sends the first half of a message, and then cuts the connection.
    pub fn say_half(&mut self, message: &Message) -> Gone {
        let data = message.clone().into_data();
        let first = if message.is_text() { 0x81 } else { 0x82 };
        let mut frame = match (u8::try_from(data.len()), u16::try_from(data.len())) {
            (Ok(short @ 0..=125), _) => vec![first, short],
            (_, Ok(middle)) => [&[first, 126][..], &middle.to_be_bytes()].concat(),
            _ => [&[first, 127][..], &(data.len() as u64).to_be_bytes()].concat(),
        };
        frame.extend_from_slice(&data);
        let half = frame.len() / 2;
        let _gone = self.socket.get_mut().write_all(&frame[..half]);
        self.cut()
    }

    pub fn send(&mut self, message: Message) -> Result<(), Gone> {
        self.socket.send(message).map_err(|_| Gone)
    }

    /// Sends nothing more, not even pongs, until the client disconnects.
    pub fn freeze(&mut self) -> Gone {
        let mut space = [0; 4096];
        while matches!(self.socket.get_mut().read(&mut space), Ok(read) if read > 0) {}
        Gone
    }

    /// The next message, as JSON.
    pub fn hear(&mut self) -> Result<Value, Gone> {
        let text = self.hear_text()?;
        Ok(serde_json::from_str(&text).unwrap_or_else(|_| {
            self.fault(format!("no JSON: {text}"));
            Value::Null
        }))
    }

    /// The next text message.
    pub fn hear_text(&mut self) -> Result<String, Gone> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Ok(text.to_string()),
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                Ok(other) => {
                    if !other.is_close() {
                        self.fault(format!("no text: {other:?}"));
                    }
                    return Err(Gone);
                }
                Err(_) => return Err(Gone),
            }
        }
    }

    /// Asserts that neither a message nor the end comes within this time. Otherwise it records this
    /// fault.
    pub fn hears_nothing_for(&mut self, time: Duration, fault: &str) {
        let stream = self.socket.get_ref();
        stream.set_read_timeout(Some(time)).unwrap();
        let heard = self.socket.read();
        let stream = self.socket.get_ref();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let is_silent = match &heard {
            Err(Error::Io(error)) => {
                matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
            }
            _ => false,
        };
        self.ask(is_silent, format!("{fault}: {heard:?}"));
    }

    pub fn say(&mut self, text: impl Into<String>) -> Result<(), Gone> {
        let text: String = text.into();
        self.socket.send(Message::text(text)).map_err(|_| Gone)
    }

    pub fn say_bytes(&mut self, bytes: impl Into<Vec<u8>>) -> Result<(), Gone> {
        let bytes: Vec<u8> = bytes.into();
        self.socket.send(Message::binary(bytes)).map_err(|_| Gone)
    }

    /// The code and reason of the close frame that comes next.
    pub fn close_reason(&mut self) -> String {
        loop {
            match self.socket.read() {
                Ok(Message::Close(Some(frame))) => {
                    return format!("{} {}", u16::from(frame.code), frame.reason);
                }
                Ok(Message::Ping(_) | Message::Pong(_)) => {}
                other => return format!("no close frame: {other:?}"),
            }
        }
    }

    /// Cuts the connection.
    pub fn cut(&mut self) -> Gone {
        let _gone = self.socket.get_ref().shutdown(std::net::Shutdown::Both);
        Gone
    }

    pub fn close(&mut self, code: u16) -> Gone {
        let frame = CloseFrame {
            code: code.into(),
            reason: "".into(),
        };
        let _gone = self.socket.close(Some(frame));
        while self.socket.read().is_ok() {}
        Gone
    }

    /// Records a mistake of the client.
    pub fn fault(&self, text: impl Into<String>) {
        self.faults.lock().unwrap().push(text.into());
    }

    /// Records a mistake unless this is true.
    pub fn ask(&self, is_so: bool, text: impl Into<String>) {
        if !is_so {
            self.fault(text);
        }
    }

    /// Reads until the client disconnects.
    pub fn until_gone(&mut self) -> Result<(), Gone> {
        loop {
            self.hear_text()?;
        }
    }
}
