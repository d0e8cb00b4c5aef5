//! What is written into the spool, loaded from it and deleted in it, each in large pieces.

use std::{collections::HashMap, path::Path, time::Instant};

use everwire::ConnectionName;

use crate::{
    lanes::{Entry, LaneId, Lanes, Place},
    report::{Observer, Report},
    spool::{Loaded, Spool, SpoolError, room},
};

/// Messages wait for the spool until the next tick, or until they have so many bytes: so a row has
/// many of them.
const HELD: usize = 1 << 20;

/// The spool, and what waits for it.
pub(super) struct Spooling {
    spool: Spool,
    /// It has been used since its space was returned to the disk.
    is_used: bool,
    /// Messages that wait to be written, with their lanes.
    held: Vec<(ConnectionName, Entry)>,
    lanes: Vec<LaneId>,
    held_bytes: usize,
    /// Messages that are no longer needed: the last place, and their number.
    forgotten: HashMap<ConnectionName, (Place, u64)>,
    /// The last reported error, until the spool can be written again.
    told: Option<String>,
    observer: Observer,
}

impl Spooling {
    /// Opens the spool in a folder. A damaged one is put aside and told.
    pub fn open(folder: &Path, limit: u64, observer: Observer) -> Result<Self, SpoolError> {
        let (spool, aside) = Spool::open(folder, limit)?;
        if let Some(aside) = aside {
            observer.tell(Report::SpoolDamaged(aside));
        }
        Ok(Self {
            is_used: spool.bytes() > 0,
            spool,
            held: Vec::new(),
            lanes: Vec::new(),
            held_bytes: 0,
            forgotten: HashMap::new(),
            told: None,
            observer,
        })
    }

    /// For each name: how many messages an earlier process left, and the place of the last one.
    pub fn names(&self) -> Result<Vec<(ConnectionName, u64, Place)>, SpoolError> {
        self.spool.names()
    }

    /// Whether it has space for a message.
    pub fn has_room(&self, entry: &Entry) -> bool {
        self.spool.has_room((self.held_bytes + room(entry)) as u64)
    }

    /// Has a message wait to be written.
    pub fn hold(&mut self, lane: LaneId, name: ConnectionName, entry: Entry, lanes: &mut Lanes) {
        self.held_bytes += room(&entry);
        self.lanes.push(lane);
        self.held.push((name, entry));
        if self.held_bytes >= HELD {
            self.write(lanes);
        }
    }

    /// Writes what waits.
    fn write(&mut self, lanes: &mut Lanes) {
        let (held, of) = (
            std::mem::take(&mut self.held),
            std::mem::take(&mut self.lanes),
        );
        self.held_bytes = 0;
        if held.is_empty() {
            return;
        }
        self.is_used = true;
        match self.spool.put(&held) {
            Ok(()) => {
                self.told = None;
                for lane in of {
                    lanes.spooled(lane);
                }
            }
            Err(error) => {
                // Last one first: each returns to its lane the gap that it took over from the one
                // before.
                for (lane, (_, entry)) in of.iter().zip(&held).rev() {
                    lanes.not_spooled(*lane, entry);
                }
                self.failed(error);
            }
        }
    }

    /// Reports an error once per reason, until the spool can be written again.
    fn failed(&mut self, error: SpoolError) {
        let text = error.to_string();
        if self.told.as_ref() != Some(&text) {
            self.told = Some(text);
            self.observer.tell(Report::Spool(error));
        }
    }

    /// Loads the next messages of a lane.
    pub fn load(
        &mut self,
        lane: LaneId,
        name: &ConnectionName,
        behind: Option<Place>,
        lanes: &mut Lanes,
        now: Instant,
    ) {
        self.write(lanes);
        if behind.is_none() {
            self.delete();
        }
        match self.spool.load(name, behind) {
            Ok(Loaded::Messages(entries)) => lanes.loaded(lane, Some(entries), now),
            Ok(Loaded::Lost(count, error)) => {
                self.observer.tell(Report::Spool(error));
                lanes.unreadable(lane, count);
            }
            Err(error) => {
                self.failed(error);
                lanes.loaded(lane, None, now);
            }
        }
    }

    /// So many messages of a name up to a place are not needed any more.
    pub fn forget(&mut self, name: ConnectionName, through: Place, count: u64) {
        let (last, total) = self.forgotten.entry(name).or_insert((through, 0));
        (*last, *total) = (through.max(*last), *total + count);
    }

    fn delete(&mut self) {
        if self.forgotten.is_empty() {
            return;
        }
        let forgotten = self.forgotten.iter();
        let forgotten = forgotten.map(|(name, (through, count))| (name, *through, *count));
        match self.spool.forget(forgotten) {
            Ok(()) => self.forgotten.clear(),
            // The next tick tries again.
            Err(error) => return self.failed(error),
        }
        if self.spool.bytes() == 0 && self.is_used {
            self.is_used = false;
            self.spool.shrink();
        }
    }

    /// Writes what waits, and deletes what is not needed.
    pub fn tick(&mut self, lanes: &mut Lanes) {
        self.write(lanes);
        self.delete();
    }

    /// Writes the messages of all lanes, for the next process. Returns how many the spool has.
    pub fn keep(&mut self, lanes: &mut Lanes) -> u64 {
        self.tick(lanes);
        if let Err(error) = self.spool.put(&lanes.drain()) {
            self.observer.tell(Report::Spool(error));
        }
        self.spool.messages()
    }

    /// How many messages it has, with those that wait to be written.
    pub fn messages(&self) -> u64 {
        self.spool.messages() + self.held.len() as u64
    }

    /// The bytes of its rows.
    pub fn bytes(&self) -> u64 {
        self.spool.bytes()
    }
}
