//! The names that an expression may read: captures, `let`s, and built-in ones.

use super::error::meant;

/// The meaning of a name in an expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Name {
    /// A built-in name.
    BuiltIn(BuiltIn),
    /// A captured value, by its number among [`Names::captures`].
    Capture(u16),
    /// A `let`, by its number among [`Names::lets`].
    Let(u16),
}

impl From<BuiltIn> for Name {
    fn from(built_in: BuiltIn) -> Self {
        Self::BuiltIn(built_in)
    }
}

/// A built-in name. Which of them exist depends on the place of the expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BuiltIn {
    /// The whole text of the message; in an HTTP step the body.
    Message,
    /// The number of this step.
    Id,
    /// The number under which a subscription was asked for.
    OnId,
    /// The key of a subscription.
    Key,
    /// The item of a subscription.
    Item,
    /// The items of a batch of subscriptions, as a JSON array.
    Items,
    /// The status of an HTTP answer.
    Status,
    /// The last number of the message sequence.
    Sequence,
    /// Whether this socket was dialled at a URL that the peer has named.
    Handover,
    /// The connection's name.
    Name,
}

/// Words that cannot be names.
const RESERVED: [&str; 4] = ["in", "true", "false", "null"];

impl BuiltIn {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Message,
        Self::Id,
        Self::OnId,
        Self::Key,
        Self::Item,
        Self::Items,
        Self::Status,
        Self::Sequence,
        Self::Handover,
        Self::Name,
    ];

    /// Its spelling.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Message => "message",
            Self::Id => "id",
            Self::OnId => "on_id",
            Self::Key => "key",
            Self::Item => "item",
            Self::Items => "items",
            Self::Status => "status",
            Self::Sequence => "sequence",
            Self::Handover => "handover",
            Self::Name => "name",
        }
    }

    /// The built-in name with this spelling.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|built_in| built_in.as_str() == name)
    }
}

/// The built-in names of a place.
///
/// ```
/// use everwire_proto::language::{BuiltIn, BuiltIns};
///
/// let here = BuiltIns::of(&[BuiltIn::Message, BuiltIn::Id]);
/// assert!(here.has(BuiltIn::Id) && !here.has(BuiltIn::Status));
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BuiltIns(u16);

impl BuiltIns {
    /// These names.
    pub const fn of(these: &[BuiltIn]) -> Self {
        let mut set = 0;
        let mut at = 0;
        while at < these.len() {
            set |= 1 << these[at] as u16;
            at += 1;
        }
        Self(set)
    }

    /// Adds a name.
    #[must_use]
    pub const fn with(self, built_in: BuiltIn) -> Self {
        Self(self.0 | 1 << built_in as u16)
    }

    /// Whether it is one of these.
    pub const fn has(self, built_in: BuiltIn) -> bool {
        self.0 & 1 << built_in as u16 != 0
    }

    /// All of them.
    pub fn iter(self) -> impl Iterator<Item = BuiltIn> {
        BuiltIn::ALL
            .into_iter()
            .filter(move |built_in| self.has(*built_in))
    }
}

/// Why a capture or a `let` cannot have a name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidName {
    /// It has another form.
    #[error("invalid name {0:?}: it starts with a small letter, and has letters, digits and `_`")]
    Form(String),
    /// It is a word of the language.
    #[error("invalid name {0:?}: it is a word of the language")]
    Reserved(String),
    /// It is built in.
    #[error("invalid name {0:?}: this name is built in")]
    BuiltIn(String),
    /// There is a `let` of this name, or a capture where a `let` is wanted.
    #[error("invalid name {0:?}: a capture and a `let` must have different names")]
    Taken(String),
    /// There are 65,535 of them.
    #[error("invalid name {0:?}: there are too many names")]
    TooMany(String),
}

/// The names that a connection declares: its captures and its `let`s.
///
/// ```
/// use everwire_proto::language::{Name, Names};
///
/// let mut names = Names::default();
/// assert_eq!(names.capture("token")?, Name::Capture(0));
/// assert_eq!(names.capture("token")?, Name::Capture(0));
/// assert_eq!(names.declare("ts")?, Name::Let(0));
/// assert_eq!(names.find("ts"), Some(Name::Let(0)));
/// assert!(names.capture("ts").is_err() && names.capture("id").is_err());
/// # Ok::<(), everwire_proto::language::InvalidName>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    captures: Vec<Box<str>>,
    lets: Vec<Box<str>>,
}

impl Names {
    /// The capture of this name, which several steps may set.
    ///
    /// # Errors
    ///
    /// [`InvalidName`] with the broken rule.
    pub fn capture(&mut self, name: &str) -> Result<Name, InvalidName> {
        check(name)?;
        if position(&self.lets, name).is_some() {
            return Err(InvalidName::Taken(name.into()));
        }
        number(&mut self.captures, name).map(Name::Capture)
    }

    /// The `let` of this name.
    ///
    /// # Errors
    ///
    /// [`InvalidName`] with the broken rule.
    pub fn declare(&mut self, name: &str) -> Result<Name, InvalidName> {
        check(name)?;
        if position(&self.captures, name).is_some() {
            return Err(InvalidName::Taken(name.into()));
        }
        number(&mut self.lets, name).map(Name::Let)
    }

    /// The capture or `let` of this name.
    pub fn find(&self, name: &str) -> Option<Name> {
        let a_let = position(&self.lets, name).map(Name::Let);
        a_let.or_else(|| position(&self.captures, name).map(Name::Capture))
    }

    /// The spelling of a name.
    pub fn text(&self, name: Name) -> &str {
        let text = match name {
            Name::BuiltIn(built_in) => return built_in.as_str(),
            Name::Capture(at) => self.captures.get(usize::from(at)),
            Name::Let(at) => self.lets.get(usize::from(at)),
        };
        text.map_or("", |text| text)
    }

    /// The names of all captures, by number.
    pub fn captures(&self) -> impl ExactSizeIterator<Item = &str> {
        self.captures.iter().map(|name| &**name)
    }

    /// The names of all `let`s, by number.
    pub fn lets(&self) -> impl ExactSizeIterator<Item = &str> {
        self.lets.iter().map(|name| &**name)
    }

    /// The name that was probably meant, among those of this place.
    pub(super) fn meant<'a>(&'a self, wrong: &str, built_ins: BuiltIns) -> Option<&'a str> {
        let built_in = built_ins
            .iter()
            .map(|built_in| -> &'a str { built_in.as_str() });
        meant(wrong, self.captures().chain(self.lets()).chain(built_in))
    }
}

fn position(names: &[Box<str>], name: &str) -> Option<u16> {
    let at = names.iter().position(|known| **known == *name)?;
    u16::try_from(at).ok()
}

fn number(names: &mut Vec<Box<str>>, name: &str) -> Result<u16, InvalidName> {
    if let Some(at) = position(names, name) {
        return Ok(at);
    }
    let at = u16::try_from(names.len()).map_err(|_| InvalidName::TooMany(name.into()))?;
    names.push(name.into());
    Ok(at)
}

fn check(name: &str) -> Result<(), InvalidName> {
    if RESERVED.contains(&name) {
        return Err(InvalidName::Reserved(name.into()));
    }
    if BuiltIn::named(name).is_some() {
        return Err(InvalidName::BuiltIn(name.into()));
    }
    let small = name.starts_with(|first: char| first.is_ascii_lowercase());
    let word = name
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    match small && word {
        true => Ok(()),
        false => Err(InvalidName::Form(name.into())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_name_is_told() {
        let mut names = Names::default();
        names.declare("ts").unwrap();
        for (name, reason) in [
            (
                "Token",
                "it starts with a small letter, and has letters, digits and `_`",
            ),
            (
                "a-b",
                "it starts with a small letter, and has letters, digits and `_`",
            ),
            (
                "",
                "it starts with a small letter, and has letters, digits and `_`",
            ),
            ("in", "it is a word of the language"),
            ("sequence", "this name is built in"),
            ("ts", "a capture and a `let` must have different names"),
        ] {
            let error = names.capture(name).unwrap_err().to_string();
            assert_eq!(error, format!("invalid name {name:?}: {reason}"));
        }
        // A function's name may be used: a call has its parenthesis directly after it.
        assert!(names.capture("hash").is_ok());
    }
}
