//! A scripted HTTP server: a thread for each request, and a record of all requests.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::{TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant},
};

/// A received request.
#[derive(Clone, Debug)]
pub struct Request {
    /// The number of the request, from 0.
    pub number: usize,
    /// `GET /path HTTP/1.1`.
    pub line: String,
    /// With names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
    pub at: Instant,
}

/// A server that answers each request on its own connection.
pub struct Http {
    port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
}

impl Http {
    /// Answers each request with this function.
    pub fn start(
        answer: impl Fn(&Request, &mut TcpStream) -> std::io::Result<()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let requests = Arc::<Mutex<Vec<Request>>>::default();
        let (told, answer) = (Arc::clone(&requests), Arc::new(answer));
        thread::spawn(move || {
            for mut stream in listener.incoming().map_while(Result::ok) {
                let (told, answer) = (Arc::clone(&told), Arc::clone(&answer));
                thread::spawn(move || {
                    let patience = Some(Duration::from_secs(20));
                    stream.set_read_timeout(patience).unwrap();
                    stream.set_write_timeout(patience).unwrap();
                    let Some(mut request) = read(&stream) else {
                        return;
                    };
                    {
                        let mut told = told.lock().unwrap();
                        request.number = told.len();
                        told.push(request.clone());
                    }
                    let _gone = answer(&request, &mut stream);
                });
            }
        });
        Self { port, requests }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Returns a function that counts the requests.
    pub fn counter(&self) -> impl Fn() -> usize + Send + Sync + 'static {
        let requests = Arc::clone(&self.requests);
        move || requests.lock().unwrap().len()
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Request {
    /// A header; `name` is in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut headers = self.headers.iter();
        let found = headers.find(|(known, _)| known == name);
        found.map(|(_, value)| &**value)
    }
}

fn read(stream: &TcpStream) -> Option<Request> {
    let mut reader = BufReader::new(stream);
    let mut line = String::new();
    reader.read_line(&mut line).ok()?;
    let mut headers = Vec::new();
    loop {
        let mut header = String::new();
        reader.read_line(&mut header).ok()?;
        let header = header.trim_end();
        if header.is_empty() {
            break;
        }
        let (name, value) = header.split_once(": ")?;
        headers.push((name.to_ascii_lowercase(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(0, |(_, length)| length.parse().unwrap());
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(Request {
        number: 0,
        line: line.trim_end().to_owned(),
        headers,
        body: String::from_utf8(body).unwrap(),
        at: Instant::now(),
    })
}

/// Sends a complete response.
pub fn respond(
    stream: &mut TcpStream,
    status: &str,
    headers: &[&str],
    body: &str,
) -> std::io::Result<()> {
    let headers: String = headers
        .iter()
        .map(|header| format!("{header}\r\n"))
        .collect();
    let length = body.len();
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n{headers}\r\n{body}"
    )
}

/// Sends nothing until the client disconnects.
pub fn say_nothing(stream: &mut TcpStream) -> std::io::Result<()> {
    let mut space = [0; 64];
    while stream.read(&mut space)? > 0 {}
    Ok(())
}
