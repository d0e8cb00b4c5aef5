//! Calls of `prepare`, and upgrades.

use std::{io, rc::Rc, time::Duration};

use everwire::{
    dialogue::{PrepareCall, PrepareStep},
    language::Inverted,
};
use socket2::SockRef;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};

use super::{
    http::{Request, answer},
    session,
    socket::Socket,
    subscribing::{self, Answered},
};
use crate::cli::rehearse::{
    answers::Wanted,
    fault::{Place, What},
    stage::{Note, Stage},
};

/// Serves one connection.
pub async fn serve(mut stream: TcpStream, stage: Rc<Stage>) {
    // What ends a connection early is seen on the other side.
    let _ended = talk(&mut stream, &stage).await;
}

async fn talk(stream: &mut TcpStream, stage: &Rc<Stage>) -> io::Result<()> {
    let Some(request) = Request::read(stream).await? else {
        return Ok(());
    };
    match request.is_upgrade() {
        true => upgrade(stream, request, stage).await,
        false => call(stream, &request, stage).await,
    }
}

async fn upgrade(stream: &mut TcpStream, request: Request, stage: &Rc<Stage>) -> io::Result<()> {
    stage.prepare_at.set(0);
    stage.note(Note::Dialled);
    if let Some(fault) = stage.take_fault(Place::Upgrade) {
        stage.note(Note::Faulted);
        match fault {
            What::Status(status) => {
                let refused = Inverted {
                    status: Some(status),
                    text: "{}".into(),
                    ..Inverted::default()
                };
                return stream.write_all(&answer(&refused)).await;
            }
            What::Silence => return until_end(stream).await,
            _ => return Ok(()),
        }
    }
    request.upgrade(stream).await?;
    let owned = std::mem::replace(stream, closed().await?);
    let decoding = stage.subject.settings.decode.as_ref();
    let socket = Socket::new(owned, request.rest, decoding);
    session::run(socket, stage).await
}

/// A stream that leads nowhere, in place of one that was taken.
async fn closed() -> io::Result<TcpStream> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    TcpStream::connect(listener.local_addr()?).await
}

async fn call(stream: &mut TcpStream, request: &Request, stage: &Stage) -> io::Result<()> {
    if let Some(answered) = subscribing::answered(request, stage) {
        return subscribed(stream, answered, stage).await;
    }
    let Some((at, step)) = step_of(request, stage) else {
        stage.note(Note::Unknown);
        return Ok(());
    };
    stage.prepare_at.set(at + 1);
    let place = Place::Prepare(at);
    let fault = stage.take_fault(place);
    if fault.is_some() {
        stage.note(Note::Faulted);
    }
    let wanted = match fault {
        Some(What::Refusal) => Wanted::Fail,
        Some(What::GiveUp) => Wanted::GiveUp,
        _ => Wanted::Expect,
    };
    let is_program = matches!(step.call, PrepareCall::Exec(_));
    let made = {
        let model = stage.model.borrow();
        let dialogue = &stage.subject.dialogue;
        let preparation = dialogue
            .prepare
            .as_ref()
            .map(|prepare| prepare.preparation());
        let Some(preparation) = preparation else {
            return Ok(());
        };
        let answers = stage.answers();
        answers.to_call(
            preparation,
            step,
            is_program,
            wanted,
            &model.seen(&[], None),
        )
    };
    let made = match made {
        Some(Ok(made)) => made,
        Some(Err(reason)) => {
            stage.note(Note::NotInverted(place, reason));
            return until_end(stream).await;
        }
        None => return until_end(stream).await,
    };
    let bytes = answer(&made);
    match fault {
        Some(What::Silence) => return until_end(stream).await,
        Some(What::CutBefore) => return Ok(()),
        Some(What::CutWithin) => {
            stream.write_all(&bytes[..bytes.len() / 2]).await?;
            return SockRef::from(&*stream).set_linger(Some(Duration::ZERO));
        }
        _ => stream.write_all(&bytes).await?,
    }
    if wanted == Wanted::Expect {
        stage.note(Note::Passed(place));
        captured(&made.text, step, stage);
    }
    Ok(())
}

/// Answers a request that subscribes, or does what is to go wrong there.
async fn subscribed(stream: &mut TcpStream, answered: Answered, stage: &Stage) -> io::Result<()> {
    let made = match answered.made {
        Ok(made) => made,
        Err(reason) => {
            stage.note(Note::NotInverted(Place::Subscribe, reason));
            return until_end(stream).await;
        }
    };
    let bytes = answer(&made);
    match answered.fault {
        Some(What::Silence) => until_end(stream).await,
        Some(What::CutBefore) => Ok(()),
        Some(What::CutWithin) => {
            stream.write_all(&bytes[..bytes.len() / 2]).await?;
            SockRef::from(&*stream).set_linger(Some(Duration::ZERO))
        }
        _ => stream.write_all(&bytes).await,
    }
}

fn captured(text: &str, step: &PrepareStep, stage: &Stage) {
    let dialogue = &stage.subject.dialogue;
    let prepare = dialogue.prepare.as_ref();
    let Some(everwire::dialogue::Prepare::Own(preparation)) = prepare else {
        // Those of a preparation that names share have other numbers.
        return;
    };
    let mut model = stage.model.borrow_mut();
    model.capture(text, &step.capture, &preparation.pointers);
}

/// The step that calls like this: the first from where the name has come to, or from the beginning.
fn step_of<'s>(request: &Request, stage: &'s Stage) -> Option<(usize, &'s PrepareStep)> {
    let prepare = stage.subject.dialogue.prepare.as_ref()?;
    let steps = &prepare.preparation().steps;
    let model = stage.model.borrow();
    let seen = model.seen(&[], None);
    let is_program = request.header("host") == Some("program.invalid");
    let is_it = |step: &PrepareStep| match &step.call {
        PrepareCall::Exec(_) => is_program,
        PrepareCall::Http(http) => {
            let is_url = |scheme| {
                let url = request.url(scheme);
                http.url.unfilled_from(&url, &seen).is_some()
            };
            !is_program && http.method == request.method && (is_url("https") || is_url("http"))
        }
    };
    let from = stage.prepare_at.get();
    let ahead = steps.iter().enumerate().skip(from);
    let all = steps.iter().enumerate();
    let found = ahead.chain(all).find(|(_, step)| is_it(step));
    // A URL may be written in another way than it is sent.
    found.or_else(|| steps.iter().enumerate().nth(from))
}

/// Says nothing until the other side ends.
async fn until_end(stream: &mut TcpStream) -> io::Result<()> {
    let mut read = [0; 1024];
    while stream.read(&mut read).await? > 0 {}
    Ok(())
}
