//! The built-in behaviours of paths: the table in the module's documentation.

use std::{collections::HashMap, time::Duration};

use super::{
    parts::{How, Pongs, Subprotocol},
    script::Script,
};

/// The script for a request's target. The error is a line for the body of the refusal.
pub(super) fn route(target: &str) -> Result<Script, Refusal> {
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let query = Query(
        url::form_urlencoded::parse(query.as_bytes())
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect(),
    );
    let script = behaviour(path, &query)?;
    adjust(script, &query)
}

/// Why a target has no script.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) text: String,
}

fn behaviour(path: &str, query: &Query) -> Result<Script, Refusal> {
    if let Some(status) = path.strip_prefix("/status/") {
        return refusal(status, query);
    }
    match path {
        "/echo" => Ok(Script::echo()),
        "/heartbeat" => Ok(Script::text_heartbeat()),
        "/sink" => Ok(Script::sink()),
        "/feed" => {
            let every = query.duration("every", Duration::from_millis(100))?;
            Ok(Script::echo().feed(every, query.optional("count")?))
        }
        "/fragments" => Ok(Script::fragmenter(query.number("piece", 3)?)),
        "/slow" => Ok(Script::echo().read_rate(query.number("rate", 1024)?)),
        "/flood" => flood(query),
        "/ping-flood" => Ok(Script::echo().ping_flood(query.number("count", 100_000)?)),
        "/never" => Ok(Script::hang_up(How::Freeze)),
        "/hang-up" => Ok(Script::hang_up(query.how("how", How::Fin)?)),
        "/wrong-accept" => Ok(Script::sink().wrong_accept()),
        "/announce" => announce(query),
        "/raw" => Ok(delayed(query)?.raw(query.hex("hex")?)),
        "/torn" => Ok(delayed(query)?
            .half_a_frame()
            .end(query.how("how", How::Reset)?)),
        "/close" => {
            Ok(delayed(query)?.close(Some(query.number("code", 1000)?), query.text("reason")))
        }
        "/close-empty" => Ok(delayed(query)?.close(None, "")),
        "/drop" => Ok(delayed(query)?.end(query.how("how", How::Fin)?)),
        "/silent" => Ok(delayed(query)?.end(How::Freeze)),
        _ => Err(Refusal {
            status: 404,
            text: format!("no behaviour is called {path}"),
        }),
    }
}

/// Echoes until its condition: `messages` messages, then `after`.
fn delayed(query: &Query) -> Result<Script, Refusal> {
    let script = match query.number("messages", 0)? {
        0 => Script::echo(),
        count => Script::echo().await_messages(count),
    };
    match query.duration("after", Duration::ZERO)? {
        Duration::ZERO => Ok(script),
        after => Ok(script.wait(after)),
    }
}

fn refusal(status: &str, query: &Query) -> Result<Script, Refusal> {
    let status = match status.parse() {
        Ok(status @ 200..=599) => status,
        _ => return Err(bad(format!("{status} is not a status from 200 to 599"))),
    };
    let mut script = Script::status(status).body(query.text("body"));
    for (key, header) in [("retry_after", "Retry-After"), ("location", "Location")] {
        if let Some(value) = query.0.get(key) {
            script = script.header(header, value);
        }
    }
    Ok(script)
}

fn flood(query: &Query) -> Result<Script, Refusal> {
    let size: usize = query.number("size", 16)?;
    let text = "x".repeat(size.min(1 << 20));
    Ok(Script::echo().message_flood(text, query.number("count", u64::MAX)?))
}

fn announce(query: &Query) -> Result<Script, Refusal> {
    const BLOCK: u64 = 16 << 10;
    let script = delayed(query)?.announce(query.number("bytes", 1 << 40)?);
    match query.number::<u64>("pour", 0)? {
        0 => Ok(script),
        pour => Ok(script.flood(vec![0; BLOCK as usize], pour.div_ceil(BLOCK))),
    }
}

/// Applies the options that any path takes.
fn adjust(mut script: Script, query: &Query) -> Result<Script, Refusal> {
    if let Some(name) = query.0.get("subprotocol") {
        script = script.subprotocol(match name.as_str() {
            "first" => Subprotocol::First,
            "second" => Subprotocol::Second,
            "none" => Subprotocol::None,
            name => Subprotocol::Named(name.to_owned()),
        });
    }
    if let Some(value) = query.0.get("extension") {
        script = script.extension(value);
    }
    script = script.pongs(match query.text("pongs") {
        "" | "answer" => Pongs::Answer,
        "ignore" => Pongs::Ignore,
        "wrong" => Pongs::Wrong,
        other => return Err(bad(format!("pongs={other}: answer, ignore or wrong"))),
    });
    if query.text("ignore_close") == "true" {
        script = script.ignore_close();
    }
    Ok(script)
}

struct Query(HashMap<String, String>);

impl Query {
    fn text(&self, key: &str) -> &str {
        self.0.get(key).map_or("", String::as_str)
    }

    fn optional<T: std::str::FromStr>(&self, key: &str) -> Result<Option<T>, Refusal> {
        match self.0.get(key) {
            None => Ok(None),
            Some(value) => match value.parse() {
                Ok(number) => Ok(Some(number)),
                Err(_) => Err(bad(format!("{key}={value}: not a number in its range"))),
            },
        }
    }

    fn number<T: std::str::FromStr>(&self, key: &str, default: T) -> Result<T, Refusal> {
        Ok(self.optional(key)?.unwrap_or(default))
    }

    fn duration(&self, key: &str, default: Duration) -> Result<Duration, Refusal> {
        let Some(value) = self.0.get(key) else {
            return Ok(default);
        };
        let digits = value
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(value.len());
        let unit = match &value[digits..] {
            "ms" => 1,
            "s" => 1000,
            "m" => 60_000,
            _ => 0,
        };
        match value[..digits].parse::<u64>() {
            Ok(number) if unit > 0 && number < 1_000_000_000 => {
                Ok(Duration::from_millis(number * unit))
            }
            _ => Err(bad(format!(
                "{key}={value}: a duration is a whole number and ms, s or m"
            ))),
        }
    }

    fn how(&self, key: &str, default: How) -> Result<How, Refusal> {
        match self.text(key) {
            "" => Ok(default),
            "fin" => Ok(How::Fin),
            "reset" => Ok(How::Reset),
            other => Err(bad(format!("{key}={other}: fin or reset"))),
        }
    }

    fn hex(&self, key: &str) -> Result<Vec<u8>, Refusal> {
        let text = self.text(key).as_bytes();
        let (pairs, rest) = text.as_chunks::<2>();
        let digit = |byte: u8| char::from(byte).to_digit(16).map(|digit| digit as u8);
        pairs
            .iter()
            .map(|&[high, low]| Some(digit(high)? << 4 | digit(low)?))
            .collect::<Option<Vec<u8>>>()
            .filter(|bytes| rest.is_empty() && !bytes.is_empty())
            .ok_or_else(|| bad(format!("{key}: pairs of hexadecimal digits are wanted")))
    }
}

fn bad(text: String) -> Refusal {
    Refusal { status: 400, text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_documented_path_has_a_script() {
        let table = include_str!("mod.rs")
            .lines()
            .filter_map(|line| line.strip_prefix("//! | `/"));
        let mut seen = 0;
        for row in table {
            let path = row.split(['`', '?']).next().unwrap_or_default();
            let path = format!("/{}", path.replace("CODE", "429"));
            let target = if path == "/raw" {
                "/raw?hex=82".to_owned()
            } else {
                path
            };
            assert!(route(&target).is_ok(), "{target}");
            seen += 1;
        }
        assert_eq!(seen, 19);
    }

    #[test]
    fn a_bad_parameter_is_refused_with_its_reason() {
        for target in [
            "/feed?every=5",
            "/feed?every=5h",
            "/close?code=70000",
            "/raw?hex=8",
            "/raw?hex=zz",
            "/raw",
            "/status/99",
            "/status/x",
            "/drop?how=gently",
            "/echo?pongs=maybe",
        ] {
            assert_eq!(route(target).unwrap_err().status, 400, "{target}");
        }
        assert_eq!(route("/nothing").unwrap_err().status, 404);
    }
}
