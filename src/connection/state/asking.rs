//! The requests of callers, from acceptance to answer.

use std::time::Instant;

use everwire_proto::dialogue::{Answered, Bounds, Ended, NumberedRequest, RequestQueue, Waiting};

use super::{
    ActorState,
    requests::{Caller, Requests, answer},
};
use crate::{
    connection::{Request, RequestError, RequestsStatus},
    core::{Message, Rejected, TooLarge, later},
};

impl ActorState {
    /// Accepts a request, which is written when its turn comes. Takes `caller` out, unless the
    /// request is refused.
    pub(in crate::connection) fn request(
        &mut self,
        request: Request,
        caller: &mut Option<Caller>,
        now: Instant,
    ) -> Result<(), RequestError> {
        self.check_request(&request.message)?;
        let settings = self.settings.dialogue.as_ref();
        let settings = settings.and_then(|dialogue| dialogue.request.as_ref());
        let within = settings.map(|settings| settings.within);
        let waiting = match (settings, request.expected) {
            (Some(settings), None) => match request.message {
                Message::Text(text) => NumberedRequest::new(text, &settings.id)?.into(),
                Message::Binary(_) => return Err(Rejected::NotText.into()),
            },
            (None, Some(expected)) => {
                expected.check()?;
                Waiting::Plain(request.message, expected)
            }
            (Some(_), Some(_)) => return Err(RequestError::ExpectedBySettings),
            (None, None) => return Err(RequestError::NothingExpected),
        };
        let within = request.within.or(within).unwrap_or(Request::WITHIN);
        let bounds = Bounds {
            messages: self.settings.outbox.messages,
            bytes: self.settings.outbox.bytes,
        };
        let requests = self
            .requests
            .get_or_insert_with(|| Box::new(Requests::new(&self.process.memory)));
        let is_full = |queue: &RequestQueue<Caller>| {
            let bytes = queue.bytes() + waiting.bytes();
            queue.waiting() >= bounds.messages || bytes > bounds.bytes
        };
        if is_full(&requests.queue) {
            requests.queue.forget_if(Caller::is_closed);
        }
        let more = requests.queue.bytes() + waiting.bytes();
        let taken = match requests.charge.try_set(more) {
            Ok(()) if is_full(&requests.queue) => Err(Rejected::Full),
            Ok(()) => match caller.take() {
                Some(caller) => requests
                    .queue
                    .push(waiting, later(now, within), caller, bounds)
                    .map_err(|_| Rejected::Full),
                None => Ok(()),
            },
            Err(_) => Err(Rejected::NoMemory),
        };
        requests.count_memory();
        self.let_go_of_requests();
        taken?;
        self.wake();
        Ok(())
    }

    fn check_request(&self, message: &Message) -> Result<(), Rejected> {
        if self.settings.sessions_only {
            return Err(Rejected::SessionsOnly);
        }
        // With room for our number.
        let (len, limit) = (message.len(), self.settings.max_message);
        if len > limit {
            return Err(TooLarge { len, limit }.into());
        }
        match self.ending.stays() && self.outbox.with(|locked| locked.outbox.is_open()) {
            true => Ok(()),
            false => Err(Rejected::Closed),
        }
    }

    /// A request was answered on the current socket.
    pub(in crate::connection) fn answered(&mut self, answered: Answered) {
        let Some(requests) = &mut self.requests else {
            return;
        };
        let Answered {
            ticket,
            message,
            is_failure,
        } = answered;
        let outcome = match is_failure {
            true => Err(RequestError::Failed(message)),
            false => Ok(message),
        };
        let caller = requests.queue.answered(ticket);
        requests
            .answers
            .extend(caller.map(|caller| (caller, outcome)));
        self.turns.touch();
    }

    /// Tells the callers whose answers came in this turn.
    pub(in crate::connection) fn tell_callers(&mut self) {
        let Some(requests) = &mut self.requests else {
            return;
        };
        for (caller, outcome) in requests.answers.drain(..) {
            answer(Some(caller), outcome);
        }
        self.let_go_of_requests();
    }

    /// A message on the current socket that is not a pong: it answers a request that expects its
    /// value.
    #[inline]
    pub(in crate::connection) fn answer_by_value(&mut self, message: &Message) {
        if self.requests.is_some() {
            self.answer_plain(message);
        }
    }

    #[cold]
    fn answer_plain(&mut self, message: &Message) {
        let Some(requests) = &mut self.requests else {
            return;
        };
        if let Some(ticket) = requests.queue.answered_by(message) {
            let caller = requests.queue.answered(ticket);
            let outcome = Ok(message.clone());
            requests
                .answers
                .extend(caller.map(|caller| (caller, outcome)));
            self.turns.touch();
        }
    }

    /// Ends the requests whose time is over. `true` if there were any: their places are then free.
    pub(in crate::connection) fn expire_requests(&mut self, now: Instant) -> bool {
        let Some(requests) = &mut self.requests else {
            return false;
        };
        let ended = requests.queue.expire(now);
        requests.count_memory();
        let any = !ended.is_empty();
        for Ended {
            caller,
            was_written,
            number,
        } in ended
        {
            let error = match was_written {
                true => RequestError::Unanswered,
                false => RequestError::NotSent,
            };
            answer(Some(caller), Err(error));
            if let (Some(number), Some(serving)) = (number, &mut self.serving) {
                serving.conversation.forget_request(number);
            }
        }
        self.let_go_of_requests();
        any
    }

    /// When the next request times out.
    pub(in crate::connection) fn requests_deadline(&self) -> Option<Instant> {
        self.requests.as_ref()?.queue.deadline()
    }

    /// The current socket is gone: its written requests have no answer, and may have arrived.
    pub(in crate::connection) fn lose_requests(&mut self) {
        let Some(requests) = &mut self.requests else {
            return;
        };
        requests.close_waits = false;
        for ended in requests.queue.lost() {
            answer(Some(ended.caller), Err(RequestError::InDoubt));
        }
        self.let_go_of_requests();
    }

    /// The name is closed, or has given up: unwritten requests are cancelled.
    pub(in crate::connection) fn cancel_requests(&mut self) {
        let Some(requests) = &mut self.requests else {
            return;
        };
        for ended in requests.queue.cancel() {
            answer(Some(ended.caller), Err(RequestError::Cancelled));
        }
        requests.count_memory();
        self.let_go_of_requests();
    }

    /// Whether requests await an answer on the current socket.
    pub(in crate::connection) fn awaits_answers(&self) -> bool {
        let requests = self.requests.as_ref();
        requests.is_some_and(|requests| requests.queue.in_flight() > 0)
    }

    /// The close script is due. `true` if it waits for answers first.
    pub(in crate::connection) fn close_waits_for_answers(&mut self) -> bool {
        let waits = self.awaits_answers();
        if let Some(requests) = &mut self.requests {
            requests.close_waits = waits;
        }
        waits
    }

    /// Our close frame goes out, so the close script does not wait any more.
    pub(in crate::connection) fn close_waits_no_more(&mut self) {
        if let Some(requests) = &mut self.requests {
            requests.close_waits = false;
        }
        self.let_go_of_requests();
    }

    /// Whether the close script waited for answers, and may begin now; once.
    pub(in crate::connection) fn may_close_now(&mut self) -> bool {
        let has_waited = match &mut self.requests {
            Some(requests) if requests.queue.in_flight() == 0 => {
                std::mem::take(&mut requests.close_waits)
            }
            Some(_) | None => false,
        };
        self.let_go_of_requests();
        has_waited
    }

    /// How many there are.
    pub(in crate::connection) fn requests_status(&self) -> Option<RequestsStatus> {
        let queue = &self.requests.as_ref()?.queue;
        Some(RequestsStatus {
            waiting: queue.waiting(),
            in_flight: queue.in_flight(),
        })
    }

    /// Frees the memory when there are no requests.
    fn let_go_of_requests(&mut self) {
        let is_idle = |requests: &Requests| {
            requests.queue.is_empty() && !requests.close_waits && requests.answers.is_empty()
        };
        if self.requests.as_deref().is_some_and(is_idle) {
            self.requests = None;
        }
    }
}
