//! The embedded store: durable messages, compared with a plain file that is appended to and synced.

pub mod grouped;
pub mod rows;

use std::{
    fs::{self, File},
    io::Write,
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
    time::Instant,
};

use everwire::{
    ConnectionName, Message,
    store::{Batch, Store, StoredMessage, Sync},
};

use crate::process::{cpu, written};

const SIZE: usize = 64;

/// The cost of a run.
pub struct Cost {
    /// Microseconds per message.
    pub wall: f64,
    /// Microseconds of the processor per message.
    pub cpu: f64,
    /// Bytes written per message.
    pub bytes: f64,
}

/// Groups of messages of 64 bytes.
#[derive(Clone, Copy)]
pub struct Groups {
    pub count: u64,
    pub messages: u64,
    /// The messages belong to this number of names in turn.
    pub names: u64,
}

/// Appends each group to a file with one write, and syncs it.
pub fn append(groups: Groups) -> Cost {
    let dir = Scratch::new();
    let mut file = File::create(dir.0.join("log")).expect("a file");
    let group = vec![b'x'; SIZE * groups.messages as usize];
    measure(groups, |_| {
        file.write_all(&group).expect("a write");
        file.sync_data().expect("a sync");
    })
}

/// Overwrites an 8 MiB file with the groups, again and again, and syncs it: the file system has no
/// metadata to write.
pub fn overwrite(groups: Groups) -> Cost {
    const FILE: u64 = 8 << 20;
    let dir = Scratch::new();
    let file = File::create(dir.0.join("log")).expect("a file");
    file.write_all_at(&vec![0; FILE as usize], 0)
        .expect("a write");
    file.sync_all().expect("a sync");
    let group = vec![b'x'; SIZE * groups.messages as usize];
    let slots = FILE / group.len() as u64;
    measure(groups, |n| {
        let at = n % slots * group.len() as u64;
        file.write_all_at(&group, at).expect("a write");
        file.sync_data().expect("a sync");
    })
}

/// Commits each group to the store. With `drop`, the commit also deletes the messages of the
/// previous group.
pub fn commit(groups: Groups, sync: Sync, drop: bool) -> Cost {
    let dir = Scratch::new();
    let (mut store, _) = Store::open(&dir.0).expect("a store");
    let names = names(groups.names);
    let mut batch = Batch::default();
    measure(groups, |group| {
        batch.clear();
        let first = group * groups.messages + 1;
        if drop {
            names
                .iter()
                .for_each(|name| batch.drop_through(name, first - 1));
        }
        fill(&mut batch, &names, first, groups.messages);
        store.commit(&batch, sync).expect("a commit");
    })
}

/// Opens a store with this number of waiting messages. Returns milliseconds.
pub fn open(messages: u64) -> f64 {
    let dir = Scratch::new();
    let names = names(100);
    let mut batch = Batch::default();
    fill(&mut batch, &names, 1, messages);
    let (mut store, _) = Store::open(&dir.0).expect("a store");
    store.commit(&batch, Sync::Always).expect("a commit");
    std::mem::drop(store);
    let start = Instant::now();
    let (_store, recovered) = Store::open(&dir.0).expect("a store");
    let took = start.elapsed();
    let found: usize = recovered
        .names
        .values()
        .map(|state| state.outbox.len())
        .sum();
    assert_eq!(found as u64, messages);
    took.as_secs_f64() * 1e3
}

fn measure(groups: Groups, mut each: impl FnMut(u64)) -> Cost {
    // The first groups cause one-time allocations.
    let warm = groups.count / 10;
    (0..warm).for_each(&mut each);
    let (used, bytes, start) = (cpu(), written(), Instant::now());
    (warm..warm + groups.count).for_each(each);
    let messages = (groups.count * groups.messages) as f64;
    Cost {
        wall: start.elapsed().as_secs_f64() * 1e6 / messages,
        cpu: (cpu() - used).as_secs_f64() * 1e6 / messages,
        bytes: (written() - bytes) as f64 / messages,
    }
}

fn names(count: u64) -> Vec<ConnectionName> {
    (0..count)
        .map(|n| ConnectionName::new(format!("name-{n:05}")).expect("a name"))
        .collect()
}

fn fill(batch: &mut Batch, names: &[ConnectionName], first: u64, count: u64) {
    let message = Message::text("x".repeat(SIZE));
    let at = jiff::Timestamp::now();
    for id in first..first + count {
        let name = &names[id as usize % names.len()];
        let stored = StoredMessage {
            id,
            at,
            expires_at: None,
            message: message.clone(),
        };
        batch.put_message(name, stored);
    }
}

/// A directory next to this program, which is on a disk; the one for temporary files may not be.
pub struct Scratch(PathBuf);

impl Scratch {
    /// An empty directory, which is removed when this is dropped.
    pub fn new() -> Self {
        let program = std::env::current_exe().expect("this program");
        let beside = program.parent().unwrap_or(Path::new("."));
        let path = beside.join(format!("store-{}", std::process::id()));
        fs::create_dir_all(&path).expect("a directory");
        Self(path)
    }

    /// Its path.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _removed = fs::remove_dir_all(&self.0);
    }
}
