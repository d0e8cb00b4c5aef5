//! The changing connection to the servers.

use std::{pin::Pin, time::Duration};

use futures::future::BoxFuture;
use tokio::time::{Instant, Sleep};

use crate::{
    error::BridgeError,
    part::Part,
    report::{Observer, Report},
    status::Shared,
};

/// The pause between two attempts to connect: it doubles up to the longest.
const PAUSE: Duration = Duration::from_millis(250);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Opens connections, one after the other.
type Open<U> = Box<dyn Fn() -> BoxFuture<'static, Result<U, BridgeError>> + Send>;

/// The connection, or the attempt for the next one.
pub(crate) struct Link<U> {
    part: Part,
    open: Open<U>,
    state: State<U>,
    attempts: u32,
    status: Shared,
    observer: Observer,
}

enum State<U> {
    Pausing(Pin<Box<Sleep>>),
    Connecting(BoxFuture<'static, Result<U, BridgeError>>),
    Up(Box<U>),
}

impl<U> Link<U> {
    /// Starts with the first attempt.
    pub fn new(
        part: Part,
        status: Shared,
        observer: Observer,
        open: impl Fn() -> BoxFuture<'static, Result<U, BridgeError>> + Send + 'static,
    ) -> Self {
        status.begin(part);
        Self {
            part,
            state: State::Connecting(open()),
            open: Box::new(open),
            attempts: 0,
            status,
            observer,
        }
    }

    /// The connection, if there is one.
    pub fn up(&mut self) -> Option<&mut U> {
        match &mut self.state {
            State::Up(up) => Some(up),
            State::Pausing(_) | State::Connecting(_) => None,
        }
    }

    /// Waits for a connection. Returns whether it is a new one. Cancel safe.
    pub async fn connected(&mut self) -> bool {
        let is_new = self.up().is_none();
        while self.up().is_none() {
            self.step().await;
        }
        is_new
    }

    async fn step(&mut self) {
        match &mut self.state {
            State::Up(_) => {}
            State::Pausing(pause) => {
                pause.await;
                self.state = State::Connecting((self.open)());
            }
            State::Connecting(opening) => match opening.await {
                Ok(up) => {
                    self.attempts = 0;
                    self.state = State::Up(Box::new(up));
                }
                Err(error) => self.give_up(error),
            },
        }
    }

    /// Ends the connection, and tries to connect again after a pause.
    pub fn give_up(&mut self, error: BridgeError) {
        let pause = PAUSE * 2_u32.saturating_pow(self.attempts.min(8));
        self.attempts = self.attempts.saturating_add(1);
        let until = Instant::now() + pause.min(LONGEST_PAUSE);
        self.state = State::Pausing(Box::pin(tokio::time::sleep_until(until)));
        if self.status.failed(self.part, &error) {
            self.observer.tell(Report::Down(self.part, error));
        }
    }

    /// Reports that there is a connection.
    pub fn tell_up(&self, server: String, differences: Vec<String>) {
        self.status
            .connected(self.part, server.clone(), differences.clone());
        self.observer.tell(Report::Up {
            part: self.part,
            server,
            differences,
        });
    }
}
