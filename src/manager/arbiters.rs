//! The arbiter threads that names run on.

use std::{
    num::NonZeroUsize,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use actix::{Arbiter, ArbiterHandle, System};
use parking_lot::Mutex;

use super::error::StartError;
use crate::{
    hub::end_turns,
    memory::{Lease, MemoryBudget},
};

/// The arbiters of a manager, and their actix system if the manager started it.
pub(super) struct Arbiters {
    handles: Box<[ArbiterHandle]>,
    next: AtomicUsize,
    threads: Mutex<Option<Threads>>,
}

/// The threads that a shutdown stops.
struct Threads {
    arbiters: Vec<Arbiter>,
    own_system: Option<(System, thread::JoinHandle<()>)>,
}

impl Arbiters {
    /// Starts arbiters in the actix system of this thread.
    pub fn in_current_system(workers: usize) -> Result<Self, StartError> {
        if System::try_current().is_none() {
            return Err(StartError::NoSystem);
        }
        Ok(Self::new(start_arbiters(workers), None))
    }

    /// Starts arbiters in an actix system on a thread of its own.
    pub fn in_own_system(workers: usize) -> Result<Self, StartError> {
        let (report, started) = mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name("everwire-system".into())
            .spawn(move || {
                let system = System::new();
                let arbiters = system.block_on(async { start_arbiters(workers) });
                // The starter waits for this report.
                if report.send((System::current(), arbiters)).is_ok() {
                    // An error is the exit code of a stopped system. Nothing here sets one.
                    let _code = system.run();
                }
            })?;
        let (system, arbiters) = started.recv().map_err(|_| StartError::Ended)?;
        Ok(Self::new(arbiters, Some((system, thread))))
    }

    fn new(arbiters: Vec<Arbiter>, own_system: Option<(System, thread::JoinHandle<()>)>) -> Self {
        Self {
            handles: arbiters.iter().map(Arbiter::handle).collect(),
            next: AtomicUsize::new(0),
            threads: Mutex::new(Some(Threads {
                arbiters,
                own_system,
            })),
        }
    }

    /// The arbiter for the next name, round robin.
    pub fn next(&self) -> usize {
        self.next.fetch_add(1, Ordering::Relaxed) % self.handles.len()
    }

    pub fn len(&self) -> usize {
        self.handles.len()
    }

    pub fn get(&self, number: usize) -> &ArbiterHandle {
        &self.handles[number % self.handles.len()]
    }

    /// Gives each thread its lease on the shared memory budget, and starts its end-of-turn task.
    pub fn begin(&self, memory: &Arc<MemoryBudget>) {
        for arbiter in &self.handles {
            let memory = Arc::clone(memory);
            // The arbiters were started a moment ago.
            let _running = arbiter.spawn_fn(move || Lease::begin_here(&memory));
            let _running = arbiter.spawn(end_turns());
        }
    }

    /// Stops all threads that the manager started. Does not wait for them: this may run on one of
    /// them.
    pub fn stop(&self) {
        let Some(threads) = self.threads.lock().take() else {
            return;
        };
        for arbiter in threads.arbiters {
            arbiter.stop();
        }
        if let Some((system, _thread)) = threads.own_system {
            system.stop();
        }
    }
}

impl Drop for Arbiters {
    fn drop(&mut self) {
        self.stop();
    }
}

fn start_arbiters(workers: usize) -> Vec<Arbiter> {
    let workers = match workers {
        0 => thread::available_parallelism().map_or(1, NonZeroUsize::get),
        workers => workers,
    };
    (0..workers).map(|_| Arbiter::new()).collect()
}
