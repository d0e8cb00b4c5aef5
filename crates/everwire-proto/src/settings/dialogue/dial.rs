//! Templates of a dial that are filled with captures.

use crate::language::MessageTemplate;

/// The templates of a dial that contain expressions, each at the index of its plain form in the
/// settings. `None`, or an index beyond the end, means no template.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct DialTemplates {
    /// Of the URLs, in order.
    pub urls: Vec<Option<MessageTemplate>>,
    /// Of the headers, in order.
    pub headers: Vec<Option<MessageTemplate>>,
    /// Of the subprotocols, in order.
    pub subprotocols: Vec<Option<MessageTemplate>>,
    /// Of the user of `basic_auth`.
    pub user: Option<MessageTemplate>,
    /// Of the password of `basic_auth`.
    pub password: Option<MessageTemplate>,
}

impl DialTemplates {
    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &MessageTemplate> {
        let lists = [&self.urls, &self.headers, &self.subprotocols];
        let lists = lists.into_iter().flatten().flatten();
        lists.chain(&self.user).chain(&self.password)
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}
