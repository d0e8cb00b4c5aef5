//! The text of a message that is more than JSON: the decisions so far.

/// The whole text, or parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Text {
    /// The whole text.
    Whole(Box<str>),
    Parts {
        /// Its start.
        start: Box<str>,
        /// Parts that it contains anywhere.
        middle: Vec<Box<str>>,
        /// Its end.
        end: Box<str>,
    },
}

impl Default for Text {
    /// No decisions.
    fn default() -> Self {
        Self::Parts {
            start: "".into(),
            middle: Vec::new(),
            end: "".into(),
        }
    }
}

impl Text {
    /// It is this; `None` if that is impossible.
    pub fn whole(self, text: &str) -> Option<Self> {
        let fits = match &self {
            Self::Whole(known) => **known == *text,
            Self::Parts { start, middle, end } => {
                text.starts_with(&**start)
                    && text.ends_with(&**end)
                    && middle.iter().all(|part| text.contains(&**part))
            }
        };
        fits.then(|| Self::Whole(text.into()))
    }

    /// It begins with this.
    pub fn starts(mut self, part: &str) -> Option<Self> {
        let is_so = match &mut self {
            Self::Whole(text) => text.starts_with(part),
            Self::Parts { start, .. } => {
                let is_more = part.starts_with(&**start);
                let is_less = start.starts_with(part);
                if is_more {
                    *start = part.into();
                }
                is_more || is_less
            }
        };
        is_so.then_some(self)
    }

    /// It contains this.
    pub fn contains(mut self, part: &str) -> Option<Self> {
        if self.write().contains(part) {
            return Some(self);
        }
        match &mut self {
            Self::Whole(_) => None,
            Self::Parts { middle, .. } => {
                middle.push(part.into());
                Some(self)
            }
        }
    }

    /// It ends with this.
    pub fn ends(mut self, part: &str) -> Option<Self> {
        let is_so = match &mut self {
            Self::Whole(text) => text.ends_with(part),
            Self::Parts { end, .. } => {
                let is_more = part.ends_with(&**end);
                let is_less = end.ends_with(part);
                if is_more {
                    *end = part.into();
                }
                is_more || is_less
            }
        };
        is_so.then_some(self)
    }

    /// The shortest possible text.
    pub fn write(&self) -> String {
        match self {
            Self::Whole(text) => text.clone().into(),
            Self::Parts { start, middle, end } => {
                let mut text = String::from(&**start);
                for part in middle.iter().chain([end]) {
                    append(&mut text, part);
                }
                text
            }
        }
    }

    /// The same, with this JSON directly after the first such mark.
    pub fn write_behind(&self, mark: &str, json: &str) -> String {
        let text = self.write();
        match self {
            Self::Whole(_) => text,
            Self::Parts { .. } => {
                let before = text.split_once(mark).map_or(&*text, |(before, _)| before);
                format!("{before}{mark}{json}")
            }
        }
    }
}

/// Appends a part; an overlap is not repeated.
fn append(text: &mut String, part: &str) {
    let lengths = (0..=part.len()).rev();
    let mut heads = lengths.filter_map(|length| part.get(..length));
    let common = heads.find(|head| text.ends_with(head));
    text.push_str(&part[common.map_or(0, str::len)..]);
}
