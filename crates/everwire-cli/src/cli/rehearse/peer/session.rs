//! The server's side of a conversation.

use std::{io, rc::Rc};

use bytes::Bytes;
use everwire::{
    Heartbeat,
    dialogue::{Dialogue, Sending},
    language::{Name, Value},
};
use tokio::sync::mpsc;

use super::socket::{Heard, Socket};
use crate::cli::rehearse::{
    fault::{Fault, Place, What},
    model::{Model, Seen},
    stage::{Command, Note, Stage},
};

/// How a socket continues.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Flow {
    /// It continues.
    Goes,
    /// It continues, and the same step comes again.
    Stays,
    /// It ends.
    Ends,
}

/// Names and their values in a message.
pub type Names = Vec<(Name, Value<'static>)>;

/// One socket.
pub struct Session<'s> {
    pub socket: Socket,
    pub stage: &'s Stage,
    /// The next step of the open script.
    pub at: usize,
    /// How many messages of its own the name has sent.
    pub heard: u64,
    /// The step whose call was waited for last.
    waited_for: Option<usize>,
}

/// Runs until the socket ends.
pub async fn run(socket: Socket, stage: &Rc<Stage>) -> io::Result<()> {
    let mut commands = stage.open();
    let mut session = Session {
        socket,
        stage,
        at: 0,
        heard: 0,
        waited_for: None,
    };
    if let Some(acts) = stage.next_acts()
        && let Flow::Ends = session.play(&acts).await?
    {
        return Ok(());
    }
    let silent = Fault::new(Place::Pong, What::Silence);
    if stage.awaits(silent) && !stage.subject.settings.heartbeat.is_text() {
        session.socket.answers_pings = false;
    }
    session.talk(&mut commands).await
}

impl<'s> Session<'s> {
    async fn talk(&mut self, commands: &mut mpsc::Receiver<Command>) -> io::Result<()> {
        loop {
            if let Flow::Ends = self.speak().await? {
                return Ok(());
            }
            let flow = tokio::select! {
                heard = self.socket.next() => match heard? {
                    Some(heard) => self.hear(heard).await?,
                    None => Flow::Ends,
                },
                Some(command) = commands.recv() => self.obey(command).await?,
            };
            if let Flow::Ends = flow {
                return Ok(());
            }
        }
    }

    /// Sends the messages that steps without a message of their own wait for.
    async fn speak(&mut self) -> io::Result<Flow> {
        while let Some(step) = self.dialogue().open_script.get(self.at) {
            let is_taken = {
                let model = self.stage.model.borrow();
                let condition = step.condition.as_ref();
                condition.is_none_or(|condition| condition.holds(&model.seen(&[], None)))
            };
            if step.call.is_some() {
                // Nothing is sent until the call of the step was answered.
                if is_taken && self.waits_for_call() {
                    return Ok(Flow::Goes);
                }
                self.at += 1;
                continue;
            }
            match (&step.send, &step.expect) {
                (Some(_), _) if is_taken => return Ok(Flow::Goes),
                (None, Some(_)) if is_taken => {
                    let flow = self.answer(Place::Open(self.at), step, "", &[]).await?;
                    if flow != Flow::Goes {
                        return Ok(flow);
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        Ok(Flow::Goes)
    }

    /// Whether the call of the next step was not answered yet.
    fn waits_for_call(&mut self) -> bool {
        let is_answered = self.waited_for == Some(self.at) && self.stage.calling.get().is_none();
        if !is_answered {
            self.waited_for = Some(self.at);
            self.stage.calling.set(Some(self.at));
        }
        !is_answered
    }

    async fn hear(&mut self, heard: Heard) -> io::Result<Flow> {
        match heard {
            Heard::Text(text) => {
                let flow = self.text(&text).await;
                self.heard += 1;
                flow
            }
            Heard::Binary(bytes) => {
                let flow = self.binary(&bytes).await;
                self.heard += 1;
                flow
            }
            Heard::Ping => {
                self.stage.note(Note::Pinged);
                match self.stage.take_fault(Place::Pong) {
                    Some(_) => {
                        self.stage.note(Note::Faulted);
                        self.silent().await
                    }
                    None => Ok(Flow::Goes),
                }
            }
            Heard::Close => Ok(Flow::Ends),
        }
    }

    /// Handles a text of the name: of a step, a ping, or the answer of a rule.
    async fn text(&mut self, text: &str) -> io::Result<Flow> {
        let dialogue = self.dialogue();
        // Later steps are first: as far as the peer knows, earlier ones were skipped.
        let steps = || dialogue.open_script.iter().enumerate();
        let steps = steps().skip(self.at).chain(steps().take(self.at));
        let steps = steps.map(|(at, step)| (Place::Open(at), step));
        let periodic = dialogue.periodic.iter().enumerate();
        let periodic = periodic.map(|(at, periodic)| (Place::Periodic(at), &periodic.step));
        let closing = dialogue.close_script.iter().enumerate();
        let closing = closing.map(|(at, step)| (Place::Close(at), step));
        let mut all = steps.chain(periodic).chain(closing);
        let found = all.find_map(|(place, step)| {
            let names = self.said(step.send.as_ref()?, text)?;
            Some((place, step, names))
        });
        if let Some((place, step, names)) = found {
            if let Place::Open(at) = place {
                self.at = at;
            }
            let flow = self.answer(place, step, text, &names).await?;
            if let (Place::Open(at), Flow::Goes) = (place, flow) {
                self.at = at + 1;
            }
            return Ok(flow);
        }
        if let Some(names) = self.ping(text) {
            return self.pong(&names).await;
        }
        if let Some(asked) = self.asked(text) {
            return self.subscribe(asked, text).await;
        }
        let rules = dialogue.rules.iter().enumerate();
        let mut rules = rules.filter_map(|(at, rule)| Some((at, rule.send.as_ref()?)));
        match rules.find(|(_, send)| self.said(send, text).is_some()) {
            Some((at, _)) => self.stage.note(Note::Answered(at)),
            None if self.opens_with_it() => {}
            None => self.stage.note(Note::Unknown),
        }
        Ok(Flow::Goes)
    }

    /// Handles a binary message of the name.
    async fn binary(&mut self, bytes: &Bytes) -> io::Result<Flow> {
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(text).await,
            Err(_) => {
                let steps = self.dialogue().open_script.iter().enumerate().skip(self.at);
                let is_it = |send: &Sending| matches!(send, Sending::Binary(sent) if sent == bytes);
                let mut found = steps.filter(|(_, step)| step.send.as_ref().is_some_and(is_it));
                let Some((at, step)) = found.next() else {
                    return Ok(Flow::Goes);
                };
                let flow = self.answer(Place::Open(at), step, "", &[]).await?;
                self.at = at + 1;
                Ok(flow)
            }
        }
    }

    /// The values of the names in a template, if filling it gives this text.
    pub fn said(&self, send: &Sending, text: &str) -> Option<Names> {
        let model = self.stage.model.borrow();
        match send {
            Sending::Text(template) | Sending::Bytes(template) => {
                template.unfilled_from(text, &model.seen(&[], None))
            }
            Sending::Binary(bytes) => (*bytes == *text.as_bytes()).then(Vec::new),
        }
    }

    pub fn ping(&self, text: &str) -> Option<Names> {
        let Heartbeat::Text { ping, .. } = &self.stage.subject.settings.heartbeat else {
            return None;
        };
        let templates = self.dialogue().heartbeat.as_ref();
        match templates.and_then(|templates| templates.ping.as_ref()) {
            Some(template) => {
                let model = self.stage.model.borrow();
                template.unfilled_from(text, &model.seen(&[], None))
            }
            None => (text == ping).then(Vec::new),
        }
    }

    pub async fn pong(&mut self, names: &Names) -> io::Result<Flow> {
        self.stage.note(Note::Pinged);
        if let Some(What::Silence) = self.stage.take_fault(Place::Pong) {
            self.stage.note(Note::Faulted);
            return self.silent().await;
        }
        let Heartbeat::Text { pong, .. } = &self.stage.subject.settings.heartbeat else {
            return Ok(Flow::Goes);
        };
        let pong = pong.clone();
        let templates = self.dialogue().heartbeat.as_ref();
        let made = match templates.and_then(|templates| templates.pong.as_ref()) {
            None => Ok(pong),
            Some(when) => {
                let model = self.stage.model.borrow();
                let made = self
                    .stage
                    .answers()
                    .to_ping(when, &self.seen(&model, names));
                made.map(|made| made.text)
            }
        };
        match made {
            Ok(text) => self.say(&text).await,
            Err(reason) => self.not_inverted(Place::Pong, reason).await,
        }
    }

    /// Whether it is one of the messages that open each socket and expect no answer.
    fn opens_with_it(&self) -> bool {
        let opening = self.stage.subject.settings.on_open.len();
        usize::try_from(self.heard).is_ok_and(|heard| heard < opening)
    }

    pub fn dialogue(&self) -> &'s Dialogue {
        &self.stage.subject.dialogue
    }

    pub fn seen<'m>(&self, model: &'m Model, names: &'m [(Name, Value<'static>)]) -> Seen<'m> {
        let first = self.stage.subject.dialogue.first_id.max(1);
        model.seen(names, Some(first + self.heard + self.stage.calls.get()))
    }
}
