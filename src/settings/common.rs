//! What names have in common: thousands may differ in their URL only, and keep one copy of the rest.

use std::{
    collections::VecDeque,
    sync::{Arc, Weak},
};

use everwire_proto::{language::Template, settings::ConnectionSettings};
use parking_lot::Mutex;

/// So many different settings are looked at to find equal ones. Names that are alike are opened one after another.
const LOOKED_AT: usize = 16;

/// One name's settings: its URLs, and all else, which it may share with other names.
#[derive(Clone, Debug)]
pub(crate) struct NameSettings {
    /// `url`, then `failover_urls`; at least one.
    pub urls: Arc<[Template]>,
    /// The rest. Its own `url` and `failover_urls` are empty.
    pub common: Arc<ConnectionSettings>,
}

/// The settings that names were opened with last, for the next ones to share.
#[derive(Debug, Default)]
pub(crate) struct CommonSettings(Mutex<VecDeque<Weak<ConnectionSettings>>>);

impl CommonSettings {
    /// Splits settings, and shares what equals that of another name.
    pub(crate) fn share(&self, mut settings: ConnectionSettings) -> NameSettings {
        let url = std::mem::take(&mut settings.url);
        let failover = std::mem::take(&mut settings.failover_urls);
        NameSettings {
            urls: std::iter::once(url).chain(failover).collect(),
            common: self.find_or_keep(settings),
        }
    }

    fn find_or_keep(&self, settings: ConnectionSettings) -> Arc<ConnectionSettings> {
        let mut known = self.0.lock();
        let equal = known
            .iter()
            .filter_map(Weak::upgrade)
            .find(|known| **known == settings);
        equal.unwrap_or_else(|| {
            let fresh = Arc::new(settings);
            known.retain(|known| known.strong_count() > 0);
            known.truncate(LOOKED_AT - 1);
            known.push_front(Arc::downgrade(&fresh));
            fresh
        })
    }
}

impl NameSettings {
    /// The settings as they were given.
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
    fn names_that_differ_in_their_urls_only_share_the_rest() {
        let common = CommonSettings::default();
        let [one, other] = [1, 2].map(|number| common.share(settings(number)));
        assert!(Arc::ptr_eq(&one.common, &other.common));
        assert_eq!(one.whole(), settings(1));
        assert_eq!(other.whole(), settings(2));

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
        assert_eq!(common.0.lock().len(), LOOKED_AT);
        drop(held);
        let fresh = common.share(settings(0));
        assert_eq!(common.0.lock().len(), 1);
        assert_eq!(Arc::strong_count(&fresh.common), 1);
    }
}
