//! The simplest log: a thread appends the waiting messages with one write, and syncs the file.

use std::{
    fs::File,
    io::Write,
    sync::mpsc::{Receiver, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use super::{SIZE, Scratch};
use crate::ours::durable::WINDOW;

/// The time from the first message until the last one is synced, with the same number in flight.
pub fn append(messages: usize) -> Duration {
    let scratch = Scratch::new();
    let file = File::create(scratch.path().join("log")).expect("a file");
    let (sender, to_keep) = channel();
    let (kept, answers) = channel();
    thread::spawn(move || keep(file, &to_keep, &kept));
    send(messages / 10, &sender, &answers);
    let start = Instant::now();
    send(messages, &sender, &answers);
    start.elapsed()
}

fn send(messages: usize, sender: &Sender<[u8; SIZE]>, answers: &Receiver<usize>) {
    let (mut sent, mut safe) = (0, 0);
    while safe < messages {
        while sent < messages && sent - safe < WINDOW {
            sender.send([b'x'; SIZE]).expect("a keeper");
            sent += 1;
        }
        safe += answers.recv().expect("a keeper");
    }
}

/// Reports after each sync how many messages are synced.
fn keep(mut file: File, to_keep: &Receiver<[u8; SIZE]>, kept: &Sender<usize>) {
    let mut group = Vec::new();
    while let Ok(first) = to_keep.recv() {
        group.clear();
        group.extend(first);
        to_keep.try_iter().for_each(|message| group.extend(message));
        file.write_all(&group).expect("a write");
        file.sync_data().expect("a sync");
        if kept.send(group.len() / SIZE).is_err() {
            return;
        }
    }
}
