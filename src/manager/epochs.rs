//! The epochs of removed names, so that a name that is opened again gets a new epoch.

use std::collections::{BTreeMap, VecDeque};

use crate::core::ConnectionName;

/// How many removed names are remembered one by one.
const REMEMBERED: usize = 4096;

/// The epochs that were given out.
#[derive(Debug, Default)]
pub(super) struct Epochs {
    /// The last epoch of each remembered name.
    gone: BTreeMap<ConnectionName, u32>,
    /// The remembered names, oldest first.
    order: VecDeque<ConnectionName>,
    /// Any other name gets an epoch of at least this.
    lowest: u32,
}

impl Epochs {
    /// Records the last epoch of a removed name.
    pub fn gone(&mut self, name: ConnectionName, epoch: u32) {
        if self.gone.insert(name.clone(), epoch).is_none() {
            self.order.push_back(name);
        }
        if self.order.len() > REMEMBERED
            && let Some(oldest) = self.order.pop_front()
            && let Some(epoch) = self.gone.remove(&oldest)
        {
            self.lowest = self.lowest.max(epoch.saturating_add(1));
        }
    }

    /// The epoch for a name that is opened: `first` if the name never existed.
    pub fn begin(&self, name: &ConnectionName, first: u32) -> u32 {
        let least = match self.gone.get(name) {
            Some(last) => last.saturating_add(1),
            None => self.lowest,
        };
        first.max(least)
    }

    /// The epoch for a name that is opened with epochs from `first` to `last`; `None` if none of
    /// these is left. `known` is the next epoch by the store, if the store has the name. What is
    /// known of other names says nothing here.
    pub fn begin_within(
        &self,
        name: &ConnectionName,
        (first, last): (u32, u32),
        known: Option<u32>,
    ) -> Option<u32> {
        let gone = self.gone.get(name).copied();
        if gone == Some(last) {
            return None;
        }
        let next = gone.map(|gone| gone.saturating_add(1));
        let within = [next, known].into_iter().flatten();
        let within = within.filter(|epoch| (first..=last).contains(epoch));
        Some(within.fold(first, u32::max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(n: usize) -> ConnectionName {
        ConnectionName::new(format!("n{n}")).unwrap()
    }

    #[test]
    fn a_name_that_comes_again_has_the_next_epoch_and_a_new_one_the_first() {
        let mut epochs = Epochs::default();
        assert_eq!(epochs.begin(&name(1), 1), 1);
        epochs.gone(name(1), 3);
        assert_eq!(epochs.begin(&name(1), 1), 4);
        assert_eq!(epochs.begin(&name(1), 7), 7, "an earlier process knew more");
        assert_eq!(epochs.begin(&name(2), 1), 1);
        epochs.gone(name(1), 4);
        assert_eq!(epochs.begin(&name(1), 1), 5);
    }

    #[test]
    fn epochs_within_bounds_go_on_and_end() {
        let mut epochs = Epochs::default();
        let bounds = (0x30005, 0x3ffff);
        epochs.lowest = 0x90000;
        assert_eq!(epochs.begin_within(&name(1), bounds, None), Some(0x30005));
        assert_eq!(
            epochs.begin_within(&name(1), bounds, Some(0x30009)),
            Some(0x30009)
        );
        assert_eq!(
            epochs.begin_within(&name(1), bounds, Some(0x90001)),
            Some(0x30005)
        );
        epochs.gone(name(1), 0x30020);
        assert_eq!(
            epochs.begin_within(&name(1), bounds, Some(0x30009)),
            Some(0x30021)
        );
        epochs.gone(name(1), 0x2ffff);
        assert_eq!(epochs.begin_within(&name(1), bounds, None), Some(0x30005));
        epochs.gone(name(1), 0x3ffff);
        assert_eq!(epochs.begin_within(&name(1), bounds, None), None);
    }

    #[test]
    fn however_many_come_and_go_none_gets_an_epoch_twice_and_the_memory_is_bounded() {
        let mut epochs = Epochs::default();
        for n in 0..3 * REMEMBERED {
            let epoch = epochs.begin(&name(n), 1);
            epochs.gone(name(n), epoch);
        }
        assert_eq!(
            (epochs.gone.len(), epochs.order.len()),
            (REMEMBERED, REMEMBERED)
        );
        for n in [0, REMEMBERED, 2 * REMEMBERED, 3 * REMEMBERED - 1] {
            assert!(epochs.begin(&name(n), 1) > 1, "{n}");
        }
    }
}
