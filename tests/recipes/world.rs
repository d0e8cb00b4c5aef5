//! All servers of a recipe at one address: its host names lead here, and each connection names the
//! one it means.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tungstenite::{WebSocket, handshake::derive_accept_key, protocol::Role};

use super::{
    peer::{Gone, Line},
    plan::{Mishap, Plan},
    talk::Talk,
};

/// A client that sends nothing for this long has given up.
const PATIENCE: Duration = Duration::from_secs(20);

/// A received request: a call, or an upgrade.
#[derive(Clone, Debug)]
pub struct Call {
    /// The number of this call, or of this socket, from 0.
    pub number: usize,
    pub method: String,
    pub host: String,
    /// Path and query.
    pub target: String,
    /// With names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub at: Instant,
}

impl Call {
    /// A header, or an empty text; `name` is in lower case.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// A query parameter, or an empty text.
    pub fn query(&self, name: &str) -> &str {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs
            .find(|(known, _)| *known == name)
            .map_or("", |(_, value)| value)
    }

    /// The target without its query.
    pub fn path(&self) -> &str {
        self.target.split('?').next().unwrap_or_default()
    }
}

/// The response to a call, or to a refused upgrade.
#[derive(Clone, Debug)]
pub struct Answer {
    pub status: u16,
    pub body: String,
    /// The name of the step in the plan: planned failures happen here.
    pub step: &'static str,
}

impl Answer {
    pub fn new(status: u16, body: impl Into<String>) -> Self {
        Self {
            status,
            body: body.into(),
            step: "",
        }
    }

    /// Names the step of the recipe.
    pub fn of(self, step: &'static str) -> Self {
        Self { step, ..self }
    }
}

/// The servers of one protocol: their checks and answers.
pub trait Servers: Send + Sync + 'static {
    /// Whether a request is upgraded, and with which subprotocol.
    fn admit(&self, _: &Call) -> Result<Option<String>, Answer> {
        Ok(None)
    }

    /// The response to a call.
    fn answer(&self, call: &Call) -> Answer {
        Answer::new(404, format!("{} is not here", call.target))
    }

    /// Runs the protocol on a socket until it ends.
    fn play(&self, talk: &mut Talk) -> Result<(), Gone>;
}

/// The network that a recipe sees.
pub struct World {
    address: SocketAddr,
    inner: Arc<Inner>,
}

struct Inner {
    servers: Arc<dyn Servers>,
    plan: Arc<Plan>,
    faults: Arc<Mutex<Vec<String>>>,
    /// All calls and all upgrade requests.
    calls: Mutex<Vec<Call>>,
    dials: Mutex<Vec<Call>>,
    sockets: AtomicUsize,
}

impl World {
    pub fn start(servers: Arc<dyn Servers>, plan: Arc<Plan>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let inner = Arc::new(Inner {
            servers,
            plan,
            faults: Arc::default(),
            calls: Mutex::default(),
            dials: Mutex::default(),
            sockets: AtomicUsize::new(0),
        });
        let each = Arc::clone(&inner);
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let each = Arc::clone(&each);
                thread::spawn(move || each.connection(stream));
            }
        });
        Self { address, inner }
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The mistakes of the client.
    pub fn faults(&self) -> Vec<String> {
        self.inner.faults.lock().unwrap().clone()
    }

    pub fn calls(&self) -> Vec<Call> {
        self.inner.calls.lock().unwrap().clone()
    }

    /// All upgrade requests, with the refused ones.
    pub fn dials(&self) -> Vec<Call> {
        self.inner.dials.lock().unwrap().clone()
    }

    /// The number of opened sockets.
    pub fn sockets(&self) -> usize {
        self.inner.sockets.load(Ordering::SeqCst)
    }
}

impl Inner {
    fn connection(&self, mut stream: TcpStream) {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        let _set = stream.set_nodelay(true);
        let Some(mut call) = read(&stream) else {
            return;
        };
        let is_dial = !call.header("sec-websocket-key").is_empty();
        let all = if is_dial { &self.dials } else { &self.calls };
        {
            let mut all = all.lock().unwrap();
            call.number = all.len();
            all.push(call.clone());
        }
        if !is_dial {
            let answer = self.servers.answer(&call);
            let _gone = self.respond(&mut stream, &answer);
            return;
        }
        match self.servers.admit(&call) {
            Ok(subprotocol) => self.socket(stream, call, subprotocol.as_deref()),
            Err(refusal) => {
                let _gone = self.respond(&mut stream, &refusal);
            }
        }
    }

    fn socket(&self, mut stream: TcpStream, call: Call, subprotocol: Option<&str>) {
        let accept = derive_accept_key(call.header("sec-websocket-key").as_bytes());
        let chosen = subprotocol.map(|name| format!("Sec-WebSocket-Protocol: {name}\r\n"));
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n{}\r\n",
            chosen.unwrap_or_default()
        );
        if stream.write_all(head.as_bytes()).is_err() {
            return;
        }
        let number = self.sockets.fetch_add(1, Ordering::SeqCst);
        let socket = WebSocket::from_raw_socket(stream, Role::Server, None);
        let line = Line::over(
            socket,
            Arc::clone(&self.faults),
            number,
            call.target.clone(),
        );
        let mut talk = Talk::new(line, call, Arc::clone(&self.plan));
        let _gone = self.servers.play(&mut talk);
    }

    fn respond(&self, stream: &mut TcpStream, answer: &Answer) -> std::io::Result<()> {
        let Answer { status, body, step } = answer;
        let length = body.len();
        let whole = format!(
            "HTTP/1.1 {status} Scripted\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        let bytes = whole.as_bytes();
        match self.plan.take(step) {
            None | Some(Mishap::CutBehind) => stream.write_all(bytes),
            Some(Mishap::CutBefore) => Ok(()),
            // Within the body, or within the head if there is no body.
            Some(Mishap::CutWithin) => stream.write_all(&bytes[..bytes.len() - length / 2 - 1]),
            Some(Mishap::Silence) => {
                let mut space = [0; 64];
                while stream.read(&mut space)? > 0 {}
                Ok(())
            }
            Some(Mishap::Says(status, body)) => {
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 {status} Scripted\r\nContent-Length: {length}\r\n\r\n{body}"
                )
            }
        }
    }
}

fn read(stream: &TcpStream) -> Option<Call> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut first = line.split_whitespace();
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim_end();
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(':')?;
        headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let mut call = Call {
        number: 0,
        method,
        host: String::new(),
        target,
        headers,
        body: String::new(),
        at: Instant::now(),
    };
    call.host = call.header("host").to_owned();
    let length = call.header("content-length").parse().unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    call.body = String::from_utf8(body).ok()?;
    Some(call)
}
