//! The text of a message that is more than JSON: what is decided of it so far.

/// The whole of it, or parts.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Text {
    /// All of it.
    Whole(Box<str>),
    Parts {
        /// It begins with this.
        start: Box<str>,
        /// It has these, in any place.
        middle: Vec<Box<str>>,
        /// It ends with this.
        end: Box<str>,
    },
}

impl Default for Text {
    /// Nothing is decided.
    fn default() -> Self {
        Self::Parts {
            start: "".into(),
            middle: Vec::new(),
            end: "".into(),
        }
    }
}

impl Text {
    /// It is this; `None` if that cannot be.
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

    /// It has this somewhere.
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

    /// The shortest that it can be.
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

    /// The same, with this JSON directly behind the first such mark.
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

/// Adds a part; what the end of the text has of its beginning is not said twice.
fn append(text: &mut String, part: &str) {
    let lengths = (0..=part.len()).rev();
    let mut heads = lengths.filter_map(|length| part.get(..length));
    let common = heads.find(|head| text.ends_with(head));
    text.push_str(&part[common.map_or(0, str::len)..]);
}
