//! The log: the stream that all nodes read.
//!
//! A record counts when the stream's leader was asked after the record had arrived, and was still the
//! same. So a log that goes back between two records is noticed before the second one is believed.

mod leader;
mod open;
mod place;
mod reading;

use std::{pin::Pin, time::Duration};

use everwire_nats::{BridgeError, connection::Reader};
use everwire_proto::placement::{Command, Record};
use futures::future::BoxFuture;
use tokio::time::{Instant, Sleep, sleep_until};

pub(crate) use self::place::LogSettings;
use self::{
    open::{Opened, open},
    place::{Arrived, Place},
    reading::{Reading, Told},
};

/// The pause between two attempts to connect: it doubles up to the longest.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Reads the log, and appends to it.
pub(crate) struct Log {
    settings: LogSettings,
    reader: Reader,
    state: State,
    place: Place,
    attempts: u32,
}

enum State {
    Pausing(Pin<Box<Sleep>>),
    Opening(BoxFuture<'static, Result<Opened, BridgeError>>),
    Reading(Box<Reading>),
}

/// What has happened to the log.
#[derive(Debug)]
pub(crate) enum Step {
    /// It can be read, and goes on where the reading had stopped.
    Up {
        /// The server.
        server: String,
        /// Differences between the stream and the settings.
        differences: Vec<String>,
    },
    /// The next records, with their numbers.
    Records(Vec<(u64, Record)>),
    /// All records that the log had when it was opened are read.
    CaughtUp,
    /// It cannot be read now: it may have gone back.
    Broken(BridgeError),
    /// It has gone back, and is read again from its first record.
    WentBack,
    /// Records are missing that were deleted before they were read. It is read again from the first
    /// that is there.
    Behind,
    /// It does not take a record.
    Refused(String),
}

impl Log {
    /// Begins to read.
    pub fn new(settings: LogSettings) -> Self {
        let (reader, place) = (Reader::default(), Place::default());
        let state = begin(&settings, &reader, &place);
        Self {
            settings,
            reader,
            state,
            place,
            attempts: 0,
        }
    }

    /// The next step. It may be dropped and asked for again.
    pub async fn next(&mut self) -> Step {
        loop {
            match &mut self.state {
                State::Pausing(pause) => {
                    pause.await;
                    self.state = begin(&self.settings, &self.reader, &self.place);
                }
                State::Opening(opening) => match opening.await {
                    Ok(Opened::Reading(reading)) => return self.opened(reading),
                    Ok(Opened::WentBack) => return self.again(0, Step::WentBack),
                    Ok(Opened::Behind) => return self.again(0, Step::Behind),
                    Err(error) => return self.broken(error),
                },
                State::Reading(reading) => match reading.next().await {
                    Told::Records(records) => return self.read(records),
                    Told::CaughtUp => return Step::CaughtUp,
                    Told::Hole(number) => return self.again(number, Step::Behind),
                    Told::Refused(text) => return Step::Refused(text),
                    Told::Lost(error) => return self.broken(error),
                },
            }
        }
    }

    /// Appends a record. It may be lost, and is never reported as stored: what counts is that it is
    /// read. Why it could not be sent, if that is not for the lack of a connection.
    pub fn append(&mut self, command: &Command) -> Option<String> {
        match &mut self.state {
            State::Reading(reading) => reading.append(Record::encode(command).into()),
            State::Pausing(_) | State::Opening(_) => None,
        }
    }

    /// Reads again, from the first record that is there.
    pub fn reread(&mut self) {
        let _told = self.again(0, Step::Behind);
    }

    /// Deletes the records below this one, which nobody needs.
    pub fn purge(&mut self, below: u64) {
        if let State::Reading(reading) = &mut self.state {
            reading.purge(below);
        }
    }

    /// Waits until what was appended is with the server.
    pub async fn flush(&mut self) {
        if let State::Reading(reading) = &mut self.state {
            reading.flush().await;
        }
    }

    fn opened(&mut self, reading: Box<Reading>) -> Step {
        self.attempts = 0;
        self.place.made = Some(reading.made());
        let (server, differences) = (reading.server(), reading.differences());
        self.state = State::Reading(reading);
        Step::Up {
            server,
            differences,
        }
    }

    fn read(&mut self, records: Vec<Arrived>) -> Step {
        let read = records
            .iter()
            .map(|record| (record.number, Record::decode(&record.bytes)))
            .collect();
        self.place.last = records.into_iter().next_back();
        Step::Records(read)
    }

    fn broken(&mut self, error: BridgeError) -> Step {
        let pause = PAUSE * 2_u32.saturating_pow(self.attempts.min(8));
        self.attempts = self.attempts.saturating_add(1);
        let until = Instant::now() + pause.min(LONGEST_PAUSE);
        self.state = State::Pausing(Box::pin(sleep_until(until)));
        Step::Broken(error)
    }

    /// Begins to read anew, at this record.
    fn again(&mut self, from: u64, step: Step) -> Step {
        self.place = Place {
            from,
            ..Place::default()
        };
        self.state = begin(&self.settings, &self.reader, &self.place);
        step
    }
}

fn begin(settings: &LogSettings, reader: &Reader, place: &Place) -> State {
    let (settings, reader, place) = (settings.clone(), reader.clone(), place.clone());
    State::Opening(Box::pin(open(settings, reader, place)))
}
