//! A NATS client with the part of the protocol that the tests need.

use std::{
    io::{BufRead as _, BufReader, Read as _, Write as _},
    net::TcpStream,
    time::Duration,
};

use serde_json::{Value, json};

/// A connection.
pub struct Client {
    stream: BufReader<TcpStream>,
    subscriptions: usize,
    has_inbox: bool,
}

/// A message of a subscription.
#[derive(Debug)]
pub struct Message {
    pub subject: String,
    pub headers: String,
    pub text: String,
}

impl Client {
    pub fn connect(url: &str, user: &str, password: &str) -> Self {
        let stream = TcpStream::connect(url.trim_start_matches("nats://")).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        let mut client = Self {
            stream: BufReader::new(stream),
            subscriptions: 0,
            has_inbox: false,
        };
        let line = client.line();
        assert!(line.starts_with("INFO "), "{line}");
        let options = json!({
            "verbose": false, "pedantic": false, "headers": true, "no_responders": true,
            "lang": "test", "version": "0", "user": user, "pass": password,
        });
        client.write(&format!("CONNECT {options}\r\n"));
        client.flush();
        client
    }

    fn write(&mut self, text: &str) {
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stream.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Waits until the server has read everything; no message may be on its way.
    pub fn flush(&mut self) {
        self.write("PING\r\n");
        loop {
            match &*self.line() {
                "PONG" => return,
                "PING" => self.write("PONG\r\n"),
                line => panic!("{line}"),
            }
        }
    }

    pub fn publish(&mut self, subject: &str, reply: &str, text: &str) {
        self.write(&format!(
            "PUB {subject} {reply} {}\r\n{text}\r\n",
            text.len()
        ));
    }

    pub fn subscribe(&mut self, subject: &str) {
        self.subscriptions += 1;
        self.write(&format!("SUB {subject} {}\r\n", self.subscriptions));
    }

    /// The next message of any subscription.
    pub fn next(&mut self) -> Message {
        loop {
            let line = self.line();
            let words: Vec<&str> = line.split(' ').collect();
            let number = |back: usize| words[words.len() - back].parse::<usize>().unwrap();
            let (head, all) = match words[0] {
                "MSG" => (0, number(1)),
                "HMSG" => (number(2), number(1)),
                "PING" => {
                    self.write("PONG\r\n");
                    continue;
                }
                "PONG" => continue,
                _ => panic!("{line}"),
            };
            let mut bytes = vec![0; all + 2];
            self.stream.read_exact(&mut bytes).unwrap();
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            return Message {
                subject: words[1].to_owned(),
                headers: text(&bytes[..head]),
                text: text(&bytes[head..all]),
            };
        }
    }

    /// Sends a request, and waits for the answer; other messages are skipped.
    pub fn request(&mut self, subject: &str, text: &str) -> Value {
        if !std::mem::replace(&mut self.has_inbox, true) {
            self.subscribe("_INBOX.test");
        }
        self.publish(subject, "_INBOX.test", text);
        loop {
            let message = self.next();
            if message.subject == "_INBOX.test" {
                return serde_json::from_str(&message.text).unwrap_or(Value::Null);
            }
        }
    }
}
