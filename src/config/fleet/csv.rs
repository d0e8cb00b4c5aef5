//! Comma-separated values (RFC 4180).

use std::ops::Range;

/// A line of a table: its fields, and its place.
#[derive(Debug, PartialEq)]
pub(super) struct Record {
    pub fields: Vec<String>,
    pub range: Range<usize>,
}

/// The records of a text, in order.
///
/// White space around a field is ignored, and so are empty lines and lines that start with `#`. A
/// quoted field is taken unchanged, including line ends; `""` in it is a quote.
pub(super) struct Records<'a> {
    text: &'a str,
    at: usize,
}

/// An error in a field, and its place.
#[derive(Debug, PartialEq)]
pub(super) struct InvalidField {
    pub message: &'static str,
    pub range: Range<usize>,
}

impl<'a> Records<'a> {
    pub fn new(text: &'a str) -> Self {
        let byte_order_mark = text.len() - text.trim_start_matches('\u{feff}').len();
        Self {
            text,
            at: byte_order_mark,
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_lines_without_fields(&mut self) {
        while let Some(line) = self.rest().split_inclusive('\n').next() {
            let content = line.trim();
            if !content.is_empty() && !content.starts_with('#') {
                return;
            }
            self.at += line.len();
        }
    }

    /// Takes a field. `true` if another one follows.
    fn field(&mut self) -> Result<(String, bool), InvalidField> {
        let rest = self.rest();
        let blank = rest.len() - rest.trim_start_matches([' ', '\t']).len();
        if rest[blank..].starts_with('"') {
            self.at += blank;
            return self.quoted();
        }
        let end = rest.find([',', '\n']).unwrap_or(rest.len());
        self.at += end;
        Ok((rest[..end].trim().to_owned(), self.separator()))
    }

    fn quoted(&mut self) -> Result<(String, bool), InvalidField> {
        let start = self.at;
        let mut field = String::new();
        loop {
            self.at += 1;
            let Some(end) = self.rest().find('"') else {
                self.at = self.text.len();
                let message = "the quote is not closed";
                return Err(InvalidField {
                    message,
                    range: start..start + 1,
                });
            };
            field.push_str(&self.rest()[..end]);
            self.at += end + 1;
            if !self.rest().starts_with('"') {
                break;
            }
            field.push('"');
        }
        let rest = self.rest();
        let end = rest.find([',', '\n']).unwrap_or(rest.len());
        if !rest[..end].trim().is_empty() {
            let line = rest.find('\n').unwrap_or(rest.len());
            let range = self.at..self.at + end;
            self.at += line;
            let message = "the field goes on behind its closing quote";
            return Err(InvalidField { message, range });
        }
        self.at += end;
        Ok((field, self.separator()))
    }

    /// Skips the separator after a field. `true` if it was a comma.
    fn separator(&mut self) -> bool {
        let comma = self.rest().starts_with(',');
        self.at = (self.at + 1).min(self.text.len());
        comma
    }
}

impl Iterator for Records<'_> {
    type Item = Result<Record, InvalidField>;

    fn next(&mut self) -> Option<Self::Item> {
        self.skip_lines_without_fields();
        let start = self.at;
        if self.rest().is_empty() {
            return None;
        }
        let mut fields = Vec::new();
        loop {
            let (field, more) = match self.field() {
                Ok(field) => field,
                Err(error) => return Some(Err(error)),
            };
            fields.push(field);
            if !more {
                break;
            }
        }
        let range = start..start + self.text[start..self.at].trim_end().len();
        Some(Ok(Record { fields, range }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Vec<Vec<String>> {
        let record = |record: Result<Record, InvalidField>| record.map(|record| record.fields);
        Records::new(text)
            .map(record)
            .collect::<Result<_, _>>()
            .unwrap()
    }

    #[test]
    fn fields_are_split_and_unquoted() {
        for (text, records) in [
            ("", &[][..]),
            ("a", &[&["a"][..]]),
            ("a,b\r\nc,d\r\n", &[&["a", "b"], &["c", "d"]]),
            (
                "\u{feff}a , b\n\n# x\n  # y\n,\n",
                &[&["a", "b"], &["", ""]],
            ),
            ("\"a,b\",\"say \"\"hi\"\"\"\n", &[&["a,b", "say \"hi\""]]),
            (" \"two\nlines\" ,x", &[&["two\nlines", "x"]]),
            ("\"\",\"\"\"\"", &[&["", "\""]]),
            ("a \"b\",c#d", &[&["a \"b\"", "c#d"]]),
            ("a,", &[&["a", ""]]),
        ] {
            assert_eq!(read(text), records, "{text:?}");
        }
    }

    #[test]
    fn a_wrong_quote_is_told_and_the_next_line_is_read() {
        let records: Vec<_> = Records::new("a,\"b\"c,d\ne\n\"f\n").collect();
        let invalid = |message, range| Err(InvalidField { message, range });
        assert_eq!(
            records,
            [
                invalid("the field goes on behind its closing quote", 5..6),
                Ok(Record {
                    fields: vec!["e".into()],
                    range: 9..10
                }),
                invalid("the quote is not closed", 11..12),
            ]
        );
    }
}
