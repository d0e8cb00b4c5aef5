//! A message under construction.

use super::{
    inverted::Inverted,
    text::Text,
    tree::{Decision, Tree},
};
use crate::language::{Value, json::JsonPointer};

/// The decisions about a message so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Draft {
    /// As JSON.
    json: Tree,
    /// The whole text, if it is not the JSON.
    text: Option<Text>,
    /// The JSON follows the first such mark of the text.
    mark: Option<Box<str>>,
    status: Option<u16>,
    headers: Vec<(Box<str>, Option<Box<str>>)>,
    cookies: Vec<(Box<str>, Option<Box<str>>)>,
}

impl Draft {
    /// Sets the value at this pointer; `None` if that is impossible.
    pub fn set(mut self, pointer: &JsonPointer, value: &Value<'_>) -> Option<Self> {
        let mut json = String::new();
        match value.is_absent() {
            true => self.json.decide(pointer, Decision::Absent)?,
            false => {
                value.write_json(&mut json)?;
                self.json.decide(pointer, Decision::Value(&json))?;
            }
        }
        Some(self)
    }

    /// The value at this pointer is present, and not null.
    pub fn present(mut self, pointer: &JsonPointer) -> Option<Self> {
        self.json.decide(pointer, Decision::Present)?;
        Some(self)
    }

    /// Sets the whole text.
    pub fn set_text(self, value: &Value<'_>) -> Option<Self> {
        self.with_text(value, Text::whole)
    }

    /// The text begins with this.
    pub fn starts(self, value: &Value<'_>) -> Option<Self> {
        self.with_text(value, Text::starts)
    }

    /// The text, which is not JSON, contains this.
    pub fn contains(self, value: &Value<'_>) -> Option<Self> {
        self.with_text(value, Text::contains)
    }

    /// The text ends with this.
    pub fn ends(self, value: &Value<'_>) -> Option<Self> {
        self.with_text(value, Text::ends)
    }

    fn with_text(
        mut self,
        value: &Value<'_>,
        decide: impl FnOnce(Text, &str) -> Option<Text>,
    ) -> Option<Self> {
        let text = self.text.take().unwrap_or_default();
        self.text = Some(decide(text, &value.as_text()?)?);
        Some(self)
    }

    /// The JSON follows the first such mark of the text.
    pub fn behind(mut self, mark: &str) -> Option<Self> {
        match &self.mark {
            Some(known) if **known != *mark => return None,
            _ => self.mark = Some(mark.into()),
        }
        Some(self)
    }

    /// The text contains this: in a place of the JSON that nothing reads.
    pub fn mention(mut self, value: &Value<'_>) -> Option<Self> {
        match &self.text {
            Some(_) => self.contains(value),
            None => {
                let mut json = String::new();
                Value::text(value.as_text()?).write_json(&mut json)?;
                let aside = JsonPointer::new("/text").ok()?;
                self.json.decide(&aside, Decision::Value(&json))?;
                Some(self)
            }
        }
    }

    /// Sets the status of an HTTP answer.
    pub fn set_status(mut self, value: &Value<'_>) -> Option<Self> {
        let status = value.as_text()?.parse().ok();
        let status = status.filter(|status| (100..=599).contains(status))?;
        match self.status {
            Some(known) if known != status => return None,
            _ => self.status = Some(status),
        }
        Some(self)
    }

    /// Sets the header or cookie of this name, or makes it absent.
    pub fn set_named(mut self, what: Named, name: &str, value: &Value<'_>) -> Option<Self> {
        let text = match value.is_absent() {
            true => None,
            false => Some(value.as_text()?).filter(|text| is_header(text)),
        };
        if text.is_none() && !value.is_absent() {
            return None;
        }
        let wanted: Option<Box<str>> = text.map(|text| text.as_ref().into());
        let list = match what {
            Named::Header => &mut self.headers,
            Named::Cookie => &mut self.cookies,
        };
        match list
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
        {
            Some((_, known)) if *known != wanted => return None,
            Some(_) => {}
            None => list.push((name.into(), wanted)),
        }
        Some(self)
    }

    /// The message as it would be sent. A list whose elements are named by numbers can be written
    /// as an array, or as an object.
    pub fn write(&self, arrays: bool) -> Inverted {
        let there = |list: &[(Box<str>, Option<Box<str>>)]| {
            let there = list.iter();
            let there = there.filter_map(|(name, value)| Some((name.clone(), value.clone()?)));
            there.collect()
        };
        Inverted {
            text: match (&self.text, &self.mark) {
                (None, None) => self.json_text(arrays),
                (Some(text), None) => text.write(),
                (None, Some(mark)) => format!("{mark}{}", self.json_text(arrays)),
                (Some(text), Some(mark)) => text.write_behind(mark, &self.json_text(arrays)),
            },
            status: self.status,
            headers: there(&self.headers),
            cookies: there(&self.cookies),
        }
    }

    fn json_text(&self, arrays: bool) -> String {
        let mut text = String::new();
        match &self.json {
            Tree::Open | Tree::Absent => text.push_str("{}"),
            json => json.write(arrays, &mut text),
        }
        text
    }
}

/// The named parts of an HTTP answer.
#[derive(Clone, Copy, Debug)]
pub(super) enum Named {
    Header,
    Cookie,
}

/// Whether it is allowed in a header.
fn is_header(text: &str) -> bool {
    text.trim() == text && !text.is_empty() && text.bytes().all(|byte| matches!(byte, b' '..=b'~'))
}
