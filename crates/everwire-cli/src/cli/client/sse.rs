//! Parses server-sent events (HTML, "Interpreting an event stream") from chunks of bytes.

use std::collections::VecDeque;

/// The longest line, in bytes. An event is one line.
const MAX_LINE: usize = 128 << 20;

/// The state of the parser.
#[derive(Debug, Default)]
pub struct Reader {
    line: Vec<u8>,
    after_return: bool,
    /// The id of the event that is being read.
    id: Option<String>,
    data: String,
    ready: VecDeque<String>,
    last_id: Option<String>,
}

/// A line is too long.
#[derive(Debug, thiserror::Error)]
#[error("a line has more than {MAX_LINE} bytes")]
pub struct LineTooLong;

impl Reader {
    /// Parses more bytes.
    ///
    /// # Errors
    ///
    /// [`LineTooLong`].
    pub fn push(&mut self, mut bytes: &[u8]) -> Result<(), LineTooLong> {
        while let Some(end) = bytes.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
            // \r\n is one line end.
            let is_rest = self.after_return && end == 0 && bytes[0] == b'\n';
            self.after_return = bytes[end] == b'\r';
            if !is_rest {
                self.extend(&bytes[..end])?;
                self.end_line();
            }
            bytes = &bytes[end + 1..];
        }
        self.after_return &= bytes.is_empty();
        self.extend(bytes)
    }

    /// The data of the next complete event.
    pub fn next(&mut self) -> Option<String> {
        self.ready.pop_front()
    }

    /// The id from which a reader resumes after all events so far.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    fn extend(&mut self, bytes: &[u8]) -> Result<(), LineTooLong> {
        if self.line.len() + bytes.len() > MAX_LINE || self.data.len() > MAX_LINE {
            return Err(LineTooLong);
        }
        self.line.extend_from_slice(bytes);
        Ok(())
    }

    fn end_line(&mut self) {
        let line = std::mem::take(&mut self.line);
        let line = String::from_utf8_lossy(&line);
        if line.is_empty() {
            return self.end_event();
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => {
                self.data.push_str(value);
                self.data.push('\n');
            }
            "id" if !value.contains('\0') => self.id = Some(value.to_owned()),
            // Comments keep the connection alive; other fields are for browsers.
            _ => {}
        }
    }

    fn end_event(&mut self) {
        self.last_id.clone_from(&self.id);
        let mut data = std::mem::take(&mut self.data);
        if data.pop().is_some() {
            self.ready.push_back(data);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &[u8] = b": hello\n\nid: 7\ndata: {\"a\":1}\n\ndata:x\r\ndata: y\r\n\r\nid\rdata: z\r\revent: no data\n\ndata: cut off";

    fn read(pieces: impl Iterator<Item = &'static [u8]>) -> Vec<(Option<String>, String)> {
        let mut reader = Reader::default();
        let mut read = Vec::new();
        for piece in pieces {
            reader.push(piece).unwrap();
            while let Some(data) = reader.next() {
                read.push((reader.last_id().map(str::to_owned), data));
            }
        }
        read
    }

    #[test]
    fn events_are_the_same_however_the_stream_is_cut() {
        let seven = Some("7".to_owned());
        let expected = [
            (seven.clone(), "{\"a\":1}".to_owned()),
            (seven, "x\ny".to_owned()),
            (Some(String::new()), "z".to_owned()),
        ];
        // In larger pieces an event's data may wait while the next id is read.
        for size in 1..7 {
            assert_eq!(read(STREAM.chunks(size)), expected, "{size}");
        }
        let data = |read: Vec<(_, String)>| read.into_iter().map(|(_, data)| data).collect();
        let whole: Vec<String> = data(read(std::iter::once(STREAM)));
        assert_eq!(whole, data(expected.to_vec()));
    }

    #[test]
    fn an_id_without_data_is_a_position_too() {
        let mut reader = Reader::default();
        reader.push(b"id: 5\n").unwrap();
        assert_eq!(reader.last_id(), None);
        reader.push(b"\n").unwrap();
        assert_eq!(reader.last_id(), Some("5"));
        assert_eq!(reader.next(), None);
    }
}
