//! HTTP calls of an open socket, as the peer of a life answers them.

use std::{future::pending, rc::Rc, time::Duration};

use everwire_proto::dialogue::{Call, CallTarget, Response, Unanswered};
use serde_json::{Value as Json, json};
use tokio::time::{sleep, timeout};

use super::World;
use crate::connection::simulation::{keys::key_of, plan::Dice};

/// The longest time until a call arrives, in milliseconds. A call that is given up has arrived
/// before, or never does.
const ARRIVES: u64 = 500;

/// The content of a call.
struct Asked {
    socket: usize,
    id: u64,
    keys: Vec<usize>,
    is_off: bool,
}

impl World {
    /// Decides the outcome of a call. It is counted at once.
    pub(super) fn called(
        self: Rc<Self>,
        call: &Call,
    ) -> impl Future<Output = Result<Response, Unanswered>> + 'static {
        let (asked, within) = (Asked::of(call), call.within);
        if let Some(keys) = &self.keys {
            keys.borrow_mut().call(asked.socket);
        }
        async move {
            let answer = timeout(within, self.answer(asked)).await;
            answer.unwrap_or_else(|_| Err(unanswered()))
        }
    }

    async fn answer(&self, asked: Asked) -> Result<Response, Unanswered> {
        let mut dice = self.dice();
        let troubled = self.is_troubled();
        // The name could do nothing about a lost `off`, so none is lost.
        if troubled && !asked.is_off && dice.percent(self.plan.dial_failures) {
            let keys = self.keys.as_ref().expect("it subscribes");
            keys.borrow_mut().lose(asked.socket, &asked.keys);
            return Err(unanswered());
        }
        let longest = if troubled { ARRIVES } else { 20 };
        sleep(dice.millis(longest)).await;
        let response = self.arrives(&asked, troubled, &mut dice).await;
        sleep(dice.millis(longest)).await;
        Ok(response)
    }

    /// The peer receives the call.
    async fn arrives(&self, asked: &Asked, troubled: bool, dice: &mut Dice) -> Response {
        let (is_gone, has_passed) = {
            let standing = &self.talks.borrow().sockets[asked.socket];
            (standing.is_gone, standing.has_passed)
        };
        if is_gone {
            // The caller is gone.
            return pending().await;
        }
        assert!(has_passed, "a call before the script has passed");
        let keys = self.keys.as_ref().expect("it subscribes");
        let moods = keys.borrow().moods;
        if asked.is_off {
            keys.borrow_mut().leave(asked.socket, &asked.keys);
            return response(200, &json!({"unsubbed": true}));
        }
        let answer = {
            let mut keys = keys.borrow_mut();
            keys.tally.called += 1;
            let taken = keys.ask(asked.socket, asked.id, &asked.keys);
            keys.decide(taken, troubled, dice)
        };
        let is_mute = asked.keys.iter().any(|key| keys.borrow().is_mute(*key));
        if is_mute || (troubled && dice.percent(moods.silences)) {
            return pending().await;
        }
        if troubled && dice.percent(moods.lates) {
            sleep(Duration::from_millis(dice.within(0, 6_000))).await;
        }
        keys.borrow_mut().give(asked.socket, &answer);
        let refused: String = answer.refused().map(|key| key + ",").collect();
        match answer.sid() {
            Some(sid) => response(200, &json!({"subbed": true, "sid": sid, "nosub": refused})),
            None => response(409, &json!({"nosub": refused})),
        }
    }
}

impl Asked {
    fn of(call: &Call) -> Self {
        let CallTarget::Http { body, .. } = &call.target else {
            panic!("{call:?} is no HTTP request");
        };
        let body = body.as_ref().expect("a body");
        let said: Json = serde_json::from_slice(body).expect("JSON");
        let nonce = said["nonce"].as_str().expect("a nonce");
        let socket = nonce.trim_start_matches("nonce-").parse();
        let keys = said["args"].as_array().expect("keys");
        let key = |key: &Json| key_of(key.as_str().expect("a text"));
        Self {
            socket: socket.expect("a socket"),
            id: said["id"].as_u64().expect("a number"),
            keys: keys.iter().map(key).collect(),
            is_off: said["op"] == "unsub",
        }
    }
}

fn response(status: u16, body: &Json) -> Response {
    Response {
        status: Some(status),
        body: body.to_string().into_bytes(),
        ..Response::default()
    }
}

fn unanswered() -> Unanswered {
    Unanswered {
        text: "no answer came within its time".into(),
        is_refusal: false,
    }
}
