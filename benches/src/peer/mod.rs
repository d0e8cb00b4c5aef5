//! The neutral peer: an echo that answers all complete frames of a read with one write, so that its
//! own cost is small. An idle socket owns no buffer.
//!
//! `/echo` echoes. `/flap` drops the TCP connection 100 ms after the upgrade.
//! `/ticks?count=N&micros=M` sends N numbered messages, one every M microseconds, and ignores
//! received ones. [`feed`] describes `/feed?…` and `/feed-go`, [`names`] `/names…`.

pub mod feed;
mod frames;
pub mod names;
mod ticks;
mod tls;

use std::{cell::RefCell, future::poll_fn, io, pin::Pin, task::ready, time::Duration};

use base64::{Engine, prelude::BASE64_STANDARD};
use sha1::{Digest, Sha1};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf},
    net::{TcpListener, TcpSocket, TcpStream},
};

use self::{feed::Stream, frames::answer};
pub use self::{
    frames::{header, push_header},
    tls::connector,
};

/// How long a connection to `/flap` lives.
const FLAP: Duration = Duration::from_millis(100);

const READ: usize = 256 << 10;

thread_local! {
    static BUFFERS: RefCell<(Vec<u8>, Vec<u8>)> = RefCell::new((vec![0; READ], Vec::new()));
}

/// Serves until the process ends. The first line of the output is the URL. With `tls`, the second
/// argument is the path for the certificate of its authority.
pub async fn run(arguments: &[String]) -> io::Result<()> {
    let ca_file = arguments.first().map(String::as_str);
    let acceptor = ca_file.map(tls::acceptor).transpose()?;
    let listener = listen()?;
    let scheme = if acceptor.is_some() { "wss" } else { "ws" };
    println!("{scheme}://{}", listener.local_addr()?);
    loop {
        let (socket, _) = listener.accept().await?;
        socket.set_nodelay(true)?;
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            // How a connection ends concerns only its client.
            let _ended = match acceptor {
                None => serve(socket).await,
                Some(acceptor) => async { serve(acceptor.accept(socket).await?).await }.await,
            };
        });
    }
}

fn listen() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    socket.listen(4096)
}

async fn serve(mut stream: impl Stream) -> io::Result<()> {
    let (path, key) = request(&mut stream).await?;
    let delay = names::delay(&path);
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }
    accept(&mut stream, &key).await?;
    if path.starts_with("/names/") {
        return names::serve(&mut stream, &path).await;
    }
    if let Some(answered) = names::answer(&mut stream, &path).await {
        return answered;
    }
    if path == "/flap" {
        tokio::time::sleep(FLAP).await;
        return Ok(());
    }
    if let Some(query) = path.strip_prefix("/ticks?") {
        return ticks::send(&mut stream, query).await;
    }
    if let Some(query) = path.strip_prefix("/feed?") {
        return feed::join(Box::new(stream), query).await;
    }
    if path == "/feed-go" {
        return feed::go(stream).await;
    }
    echo(stream).await
}

/// Echoes until the client ends, or closes.
async fn echo(mut stream: impl Stream) -> io::Result<()> {
    let mut rest = Vec::new();
    loop {
        let (answers, closes) = read(&mut stream, &mut rest).await?;
        if answers.is_empty() && rest.is_empty() {
            return Ok(());
        }
        stream.write_all(&answers).await?;
        stream.flush().await?;
        BUFFERS.with_borrow_mut(|(_, spare)| *spare = answers);
        if closes {
            return stream.shutdown().await;
        }
    }
}

/// Reads once. Returns the answers to the complete frames, and whether one of them is a close
/// frame. An empty answer without a rest means the end.
async fn read(
    stream: &mut (impl AsyncRead + Unpin),
    rest: &mut Vec<u8>,
) -> io::Result<(Vec<u8>, bool)> {
    poll_fn(|cx| {
        BUFFERS.with_borrow_mut(|(buffer, spare)| {
            let mut buffer = ReadBuf::new(buffer);
            ready!(Pin::new(&mut *stream).poll_read(cx, &mut buffer))?;
            let mut answers = std::mem::take(spare);
            answers.clear();
            let mut closes = false;
            if buffer.filled().is_empty() {
                rest.clear();
            } else if rest.is_empty() {
                let answered = answer(buffer.filled_mut(), &mut answers);
                rest.extend_from_slice(&buffer.filled()[answered.consumed..]);
                closes = answered.closes;
            } else {
                rest.extend_from_slice(buffer.filled());
                let answered = answer(rest, &mut answers);
                rest.drain(..answered.consumed);
                closes = answered.closes;
            }
            if rest.is_empty() {
                *rest = Vec::new();
            }
            Ok((answers, closes)).into()
        })
    })
    .await
}

/// Reads the request of an upgrade: its path and its key.
async fn request(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<(String, String)> {
    let mut head = Vec::with_capacity(512);
    while !head.ends_with(b"\r\n\r\n") {
        if head.len() > 8192 || stream.read_buf(&mut head).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    let head = String::from_utf8_lossy(&head);
    let mut lines = head.lines();
    let path = lines
        .next()
        .and_then(|line| line.split(' ').nth(1))
        .unwrap_or_default()
        .to_owned();
    let key = lines
        .filter_map(|line| line.split_once(": "))
        .find(|(name, _)| name.eq_ignore_ascii_case("sec-websocket-key"));
    let key = key.map(|(_, key)| key).ok_or(io::ErrorKind::InvalidData)?;
    Ok((path, key.to_owned()))
}

/// Answers the request of an upgrade.
async fn accept(stream: &mut (impl AsyncWrite + Unpin), key: &str) -> io::Result<()> {
    let digest = Sha1::digest(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11"));
    let response = format!(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        BASE64_STANDARD.encode(digest)
    );
    stream.write_all(response.as_bytes()).await?;
    stream.flush().await
}

/// A raw client socket, upgraded with a prebuilt request.
///
/// # Errors
///
/// An error of the socket.
pub async fn upgraded(address: &str) -> io::Result<TcpStream> {
    let mut socket = TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    upgrade_raw(&mut socket).await?;
    Ok(socket)
}

/// Requests `/echo`, and reads the head of the answer.
///
/// # Errors
///
/// An error of the stream.
pub async fn upgrade_raw(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> io::Result<()> {
    const REQUEST: &str = "GET /echo HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(REQUEST.as_bytes()).await?;
    stream.flush().await?;
    let mut head = [0; 512];
    let mut len = 0;
    while !head[..len].ends_with(b"\r\n\r\n") {
        match stream.read(&mut head[len..]).await? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => len += read,
        }
    }
    Ok(())
}
