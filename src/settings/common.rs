//! Settings that names share: thousands may differ only in their URLs, and then keep one copy of
//! the rest.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
};

use everwire_proto::{language::Template, settings::ConnectionSettings};
use parking_lot::Mutex;

/// How many different settings are searched for equal ones. Similar names are usually opened one
/// after another.
const LOOKED_AT: usize = 16;

/// One name's settings: its URLs, and the rest, which it may share with other names.
#[derive(Clone, Debug)]
pub(crate) struct NameSettings {
    /// `url`, then `failover_urls`; at least one.
    pub urls: Arc<[Template]>,
    /// The rest. Its own `url` and `failover_urls` are empty.
    pub common: Arc<ConnectionSettings>,
}

/// The latest settings of opened names, for the next ones to share.
#[derive(Debug, Default)]
pub(crate) struct CommonSettings {
    settings: Mutex<Recent<ConnectionSettings>>,
    /// It is common that several names use one URL.
    urls: Mutex<Recent<[Template]>>,
}

impl CommonSettings {
    /// Splits settings, and shares parts that equal those of another name.
    pub(crate) fn share(&self, mut settings: ConnectionSettings) -> NameSettings {
        let url = std::mem::take(&mut settings.url);
        let failover = std::mem::take(&mut settings.failover_urls);
        let urls: Vec<Template> = std::iter::once(url).chain(failover).collect();
        let (mut known_urls, mut known) = (self.urls.lock(), self.settings.lock());
        NameSettings {
            urls: match known_urls.find(&urls) {
                Some(urls) => urls,
                None => known_urls.keep(urls.into()),
            },
            common: match known.find(&settings) {
                Some(common) => common,
                None => known.keep(Arc::new(settings)),
            },
        }
    }
}

/// Recently used values that somebody still holds.
#[derive(Debug)]
struct Recent<T: ?Sized>(VecDeque<Weak<T>>);

impl<T: ?Sized> Default for Recent<T> {
    fn default() -> Self {
        Self(VecDeque::new())
    }
}

impl<T: ?Sized + PartialEq> Recent<T> {
    /// A known value that equals this one.
    fn find(&self, value: &T) -> Option<Arc<T>> {
        let mut known = self.0.iter().filter_map(Weak::upgrade);
        known.find(|known| **known == *value)
    }

    /// Adds a known value.
    fn keep(&mut self, value: Arc<T>) -> Arc<T> {
        self.0.retain(|known| known.strong_count() > 0);
        self.0.truncate(LOOKED_AT - 1);
        self.0.push_front(Arc::downgrade(&value));
        value
    }
}

impl NameSettings {
    /// The original settings.
    pub(crate) fn whole(&self) -> ConnectionSettings {
        let mut urls = self.urls.iter().cloned();
        let mut settings = ConnectionSettings::clone(&self.common);
        settings.url = urls.next().unwrap_or_default();
        settings.failover_urls = urls.collect();
        settings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(number: usize) -> ConnectionSettings {
        let mut settings = ConnectionSettings::new(format!("ws://a.example/{number}")).unwrap();
        settings.failover_urls = vec![format!("ws://b.example/{number}").into()];
        settings
    }

    #[test]
    fn names_share_their_urls_or_the_rest_where_these_are_equal() {
        let common = CommonSettings::default();
        let [one, other] = [1, 2].map(|number| common.share(settings(number)));
        assert!(Arc::ptr_eq(&one.common, &other.common));
        assert_eq!(one.whole(), settings(1));
        assert_eq!(other.whole(), settings(2));

        let same_urls = common.share(settings(1));
        assert!(Arc::ptr_eq(&one.urls, &same_urls.urls));
        assert!(!Arc::ptr_eq(&one.urls, &other.urls));

        let mut different = settings(3);
        different.close_code = 1000;
        let third = common.share(different.clone());
        assert!(!Arc::ptr_eq(&one.common, &third.common));
        assert_eq!(third.whole(), different);
    }

    #[test]
    fn only_so_many_settings_are_looked_at_and_none_is_kept() {
        let common = CommonSettings::default();
        let held: Vec<_> = (0..3 * LOOKED_AT)
            .map(|number| {
                let mut settings = settings(0);
                settings.max_message = number;
                common.share(settings)
            })
            .collect();
        assert_eq!(common.settings.lock().0.len(), LOOKED_AT);
        drop(held);
        let fresh = common.share(settings(0));
        assert_eq!(common.settings.lock().0.len(), 1);
        assert_eq!(Arc::strong_count(&fresh.common), 1);
    }
}
