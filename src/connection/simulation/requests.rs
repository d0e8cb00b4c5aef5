//! Requests of callers, and the outcome of each.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc, time::Duration};

use actix::Addr;
use serde_json::{Value as Json, json};
use tokio::{
    task::spawn_local,
    time::{sleep, timeout},
};

use super::{oracle::Tally, plan::Dice};
use crate::{
    connection::{Ask, Connection, Request, RequestError},
    core::Message,
};

/// How long a request may stay open beyond its own timeout.
const GRACE: Duration = Duration::from_secs(1);

/// All requests of a life.
#[derive(Debug, Default)]
pub(super) struct Asked {
    next: u64,
    /// The number of open requests in this process.
    pub pending: usize,
    /// The requests that the peer received, and how often.
    arrived: BTreeMap<u64, u64>,
    /// Requests that the peer must not receive.
    unsent: Vec<u64>,
    pub answered: u64,
    pub refused: u64,
    pub in_doubt: u64,
    pub unanswered: u64,
    pub not_sent: u64,
}

impl Asked {
    /// Records that the peer received a request.
    pub fn arrives(&mut self, of: u64) {
        *self.arrived.entry(of).or_default() += 1;
    }

    /// Asserts that each was written at most once, and that none that was reported as not sent has
    /// arrived.
    pub fn judge(&self, tally: &mut Tally) {
        for (of, times) in &self.arrived {
            assert_eq!(*times, 1, "request {of} has arrived {times} times");
        }
        for of in &self.unsent {
            let has_arrived = self.arrived.contains_key(of);
            assert!(!has_arrived, "request {of} was not sent, and has arrived");
        }
        tally.asked += self.answered + self.refused;
        tally.asked_in_vain += self.in_doubt + self.unanswered;
        tally.not_asked += self.not_sent;
    }

    fn end(&mut self, of: u64, caller: &Json, end: Result<Message, RequestError>) {
        match end {
            Ok(answer) => {
                expect_own(of, caller, &answer);
                self.answered += 1;
            }
            Err(RequestError::Failed(refusal)) => {
                expect_own(of, caller, &refusal);
                self.refused += 1;
            }
            Err(RequestError::InDoubt) => self.in_doubt += 1,
            Err(RequestError::Unanswered) => self.unanswered += 1,
            Err(RequestError::NotSent | RequestError::Cancelled | RequestError::Rejected(_)) => {
                self.not_sent += 1;
                self.unsent.push(of);
            }
            Err(other) => panic!("request {of} has ended with {other:?}"),
        }
    }
}

/// Asserts that the answer belongs to this request and has the caller's own id.
fn expect_own(of: u64, caller: &Json, answer: &Message) {
    let answer: Json = serde_json::from_slice(answer.payload()).expect("JSON");
    assert_eq!(answer["of"], of, "{answer} answers request {of}");
    assert_eq!(&answer["id"], caller, "{answer} has the number of another");
}

/// Sends requests now and then, while `goes_on` returns true.
pub(super) async fn ask(
    addr: Addr<Connection>,
    asked: Rc<RefCell<Asked>>,
    goes_on: impl Fn() -> bool,
    mut dice: Dice,
) {
    while goes_on() {
        sleep(dice.millis(3_000)).await;
        for _ in 0..dice.within(1, 4) {
            ask_one(&addr, &asked, &mut dice);
        }
    }
    // The last one comes after the trouble, so that a healthy socket answers it.
    ask_one(&addr, &asked, &mut dice);
}

fn ask_one(addr: &Addr<Connection>, asked: &Rc<RefCell<Asked>>, dice: &mut Dice) {
    let of = {
        let mut asked = asked.borrow_mut();
        asked.next += 1;
        asked.pending += 1;
        asked.next
    };
    // Several callers may choose the same id.
    let caller = json!(dice.within(1, 4));
    let within = Duration::from_millis(dice.within(200, 20_000));
    let text = json!({"op": "time", "id": caller, "of": of}).to_string();
    let (addr, asked) = (addr.clone(), Rc::clone(asked));
    spawn_local(async move {
        let request = Request::new(Message::text(text)).within(within);
        let (ask, pending) = Ask::new(request);
        addr.send(ask).await.expect("the actor");
        let end = timeout(within + GRACE, pending)
            .await
            .unwrap_or_else(|_| panic!("request {of} has no end after {within:?}"))
            .expect("an end");
        let mut asked = asked.borrow_mut();
        asked.end(of, &caller, end);
        asked.pending -= 1;
    });
}
