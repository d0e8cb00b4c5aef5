//! The messages on a socket: answers, faults in place of them, and requests of the run.

use std::io;

use actix_http::ws::Message;
use bytes::Bytes;
use everwire::{
    dialogue::ScriptStep,
    language::{Name, NotInvertible, Value},
};

use super::{
    session::{Flow, Session},
    socket::Heard,
};
use crate::cli::rehearse::{
    answers::{Wanted, repeating},
    fault::{Junk, Place, What},
    stage::{Command, Note},
};

impl Session<'_> {
    /// Answers a step, or carries out its fault.
    pub async fn answer(
        &mut self,
        place: Place,
        step: &ScriptStep,
        said: &str,
        names: &[(Name, Value<'static>)],
    ) -> io::Result<Flow> {
        let fault = self.stage.take_fault(place);
        if fault.is_some() {
            self.stage.note(Note::Faulted);
        }
        let wanted = match fault {
            Some(What::Refusal) => Wanted::Fail,
            Some(What::GiveUp) => Wanted::GiveUp,
            Some(What::Again) => Wanted::Again,
            _ => Wanted::Expect,
        };
        let made = {
            let model = self.stage.model.borrow();
            let seen = self.seen(&model, names);
            let made = self.stage.answers().to_step(step, wanted, &seen);
            let repeat = |text: String| match &step.fail {
                Some(fail) if wanted == Wanted::Fail => {
                    repeating(text, said, fail, &self.dialogue().pointers, seen)
                }
                _ => text,
            };
            made.map(|made| made.map(|made| repeat(made.text)))
        };
        let text = match made {
            None => String::new(),
            Some(Ok(text)) => text,
            Some(Err(reason)) => return self.not_inverted(place, reason).await,
        };
        match fault {
            Some(What::CutBefore) => return Ok(Flow::Ends),
            Some(What::Silence) => return self.silent().await,
            Some(What::CutWithin) => {
                self.socket.say_half(&text).await?;
                return Ok(Flow::Ends);
            }
            Some(What::Junk(junk)) => {
                self.junk(junk).await?;
            }
            _ => {}
        }
        let is_said = step.expect.is_some() || wanted != Wanted::Expect;
        if is_said {
            let count = match wanted {
                Wanted::Expect => step.count.get(),
                _ => 1,
            };
            for _ in 0..count {
                self.say(&text).await?;
            }
        }
        match (fault, wanted) {
            (Some(What::CutBehind), _) => {
                self.passed(place, step, &text);
                return Ok(Flow::Ends);
            }
            (_, Wanted::Expect) => self.passed(place, step, &text),
            (_, Wanted::Again) => return Ok(Flow::Stays),
            // A refused subscription ends nothing.
            (_, Wanted::Fail) if place == Place::Subscribe => {}
            (_, Wanted::Fail | Wanted::GiveUp) => return self.silent().await,
        }
        Ok(Flow::Goes)
    }

    pub fn passed(&mut self, place: Place, step: &ScriptStep, text: &str) {
        let mut model = self.stage.model.borrow_mut();
        model.capture(text, &step.capture, &self.stage.subject.dialogue.pointers);
        step.clear.iter().for_each(|at| model.forget(*at));
        drop(model);
        self.stage.note(Note::Passed(place));
    }

    /// Sends nothing more, until the name ends the socket.
    pub async fn silent(&mut self) -> io::Result<Flow> {
        while let Some(heard) = self.socket.next().await? {
            if let Heard::Close = heard {
                break;
            }
        }
        Ok(Flow::Ends)
    }

    pub async fn obey(&mut self, command: Command) -> io::Result<Flow> {
        match command {
            Command::Rule(at) => {
                let made = {
                    let model = self.stage.model.borrow();
                    self.stage.answers().to_rule(at, &self.seen(&model, &[]))
                };
                match made {
                    Some(Ok(made)) => {
                        self.stage.note(Note::Obeyed);
                        self.say(&made.text).await
                    }
                    Some(Err(reason)) => self.not_inverted(Place::Rule(at), reason).await,
                    None => Ok(Flow::Goes),
                }
            }
            Command::GoOn => Ok(Flow::Goes),
            Command::Do(what) => {
                self.stage.note(Note::Obeyed);
                match what {
                    What::Closed(code) => {
                        self.socket.close(code).await?;
                        Ok(Flow::Ends)
                    }
                    What::CutBehind => Ok(Flow::Ends),
                    What::Silence => self.silent().await,
                    What::Junk(junk) => self.junk(junk).await,
                    _ => Ok(Flow::Goes),
                }
            }
        }
    }

    pub async fn junk(&mut self, junk: Junk) -> io::Result<Flow> {
        let max = self.stage.subject.settings.max_message;
        let message = match junk {
            Junk::NoJson => Message::Text("{everwire rehearses".into()),
            Junk::Deep => Message::Text("[".repeat(10_000).into()),
            Junk::Bytes => Message::Binary(Bytes::from_static(&[0xff, 0, 0xfe, 0x80])),
            Junk::Long => {
                let text = format!("{{\"text\":\"{}\"}}", "x".repeat((max / 2).min(1 << 20)));
                Message::Text(text.into())
            }
            Junk::TooLong => Message::Text("x".repeat(max.saturating_add(1)).into()),
        };
        self.socket.write(message).await?;
        Ok(Flow::Goes)
    }

    pub async fn say(&mut self, text: &str) -> io::Result<Flow> {
        self.socket.say(text).await?;
        let mut model = self.stage.model.borrow_mut();
        model.said(text, &self.stage.subject.dialogue);
        Ok(Flow::Goes)
    }

    /// Reports it to the run, which has to end.
    pub async fn not_inverted(&mut self, place: Place, reason: NotInvertible) -> io::Result<Flow> {
        self.stage.note(Note::NotInverted(place, reason));
        self.silent().await
    }
}
