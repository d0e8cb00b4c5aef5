//! Calls, and upgrades.

use std::{io, rc::Rc, time::Duration};

use everwire::{
    dialogue::{Prepare, StepCall},
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
    answers::{Asked, Wanted},
    fault::{Place, What},
    stage::{Note, Stage},
};

/// Serves one connection.
pub async fn serve(mut stream: TcpStream, stage: Rc<Stage>) {
    // The other side sees why a connection ends early.
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

/// A closed stream that replaces a taken one.
async fn closed() -> io::Result<TcpStream> {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await?;
    TcpStream::connect(listener.local_addr()?).await
}

/// The step that makes a call.
#[derive(Clone, Copy)]
struct Called<'s> {
    place: Place,
    call: &'s StepCall,
    asked: Asked<'s>,
    clear: &'s [u16],
    /// Whether its captures have the numbers of the dialogue. A shared preparation has other
    /// numbers.
    is_own: bool,
}

async fn call(stream: &mut TcpStream, request: &Request, stage: &Stage) -> io::Result<()> {
    if let Some(answered) = subscribing::answered(request, stage) {
        return subscribed(stream, answered, stage).await;
    }
    let Some(called) = step_of(request, stage) else {
        stage.note(Note::Unknown);
        return Ok(());
    };
    let place = called.place;
    match place {
        Place::Prepare(at) => stage.prepare_at.set(at + 1),
        _ => stage.calls.set(stage.calls.get() + 1),
    }
    let fault = stage.take_fault(place);
    if fault.is_some() {
        stage.note(Note::Faulted);
    }
    let wanted = match fault {
        Some(What::Refusal) => Wanted::Fail,
        Some(What::GiveUp) => Wanted::GiveUp,
        Some(What::Again) => Wanted::Again,
        _ => Wanted::Expect,
    };
    let is_program = matches!(called.call, StepCall::Exec(_));
    let made = {
        let model = stage.model.borrow();
        let answers = stage.answers();
        answers.to_call(called.asked, is_program, wanted, &model.seen(&[], None))
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
        _ => {}
    }
    if wanted == Wanted::Expect {
        stage.note(Note::Passed(place));
        captured(&made.text, called, stage);
        if let Place::Open(_) = place {
            stage.called();
        }
    }
    stream.write_all(&bytes).await
}

/// Answers a request that subscribes, or carries out its fault.
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

fn captured(text: &str, called: Called<'_>, stage: &Stage) {
    if called.is_own {
        let mut model = stage.model.borrow_mut();
        model.capture(text, called.asked.capture, called.asked.pointers);
        called.clear.iter().for_each(|at| model.forget(*at));
    }
}

/// All steps that make calls, in the order of the search: the step of the open script that waits,
/// those of `prepare` from the current one on, and all others.
fn steps(stage: &Stage) -> Vec<Called<'_>> {
    let dialogue = &stage.subject.dialogue;
    let open = dialogue.open_script.iter().enumerate();
    let open = open.map(|(at, step)| (Place::Open(at), step));
    let periodic = dialogue.periodic.iter().enumerate();
    let periodic = periodic.map(|(at, periodic)| (Place::Periodic(at), &periodic.step));
    let closing = dialogue.close_script.iter().enumerate();
    let closing = closing.map(|(at, step)| (Place::Close(at), step));
    let scripts = open.chain(periodic).chain(closing);
    let mut scripts: Vec<Called<'_>> = scripts
        .filter_map(|(place, step)| {
            Some(Called {
                place,
                call: step.call.as_deref()?,
                asked: Asked::by_script(dialogue, step),
                clear: &step.clear,
                is_own: true,
            })
        })
        .collect();
    let awaited = stage.calling.get().map(Place::Open);
    let awaited = scripts.iter().position(|it| Some(it.place) == awaited);
    let first = awaited.map(|at| scripts.remove(at));
    let prepare = dialogue.prepare.as_ref();
    let preparing = prepare.into_iter().flat_map(|prepare| {
        let preparation = prepare.preparation();
        let steps = preparation.steps.iter().enumerate();
        steps.map(move |(at, step)| Called {
            place: Place::Prepare(at),
            call: &step.call,
            asked: Asked::before_dial(preparation, step),
            clear: &step.clear,
            is_own: matches!(prepare, Prepare::Own(_)),
        })
    });
    let preparing: Vec<Called<'_>> = preparing.collect();
    let ahead = preparing.iter().skip(stage.prepare_at.get());
    let all = ahead.chain(&preparing).copied();
    first.into_iter().chain(all).chain(scripts).collect()
}

/// The step that makes this call.
fn step_of<'s>(request: &Request, stage: &'s Stage) -> Option<Called<'s>> {
    let steps = steps(stage);
    let model = stage.model.borrow();
    let seen = model.seen(&[], None);
    let is_program = request.header("host") == Some("program.invalid");
    let is_it = |called: &&Called<'_>| match called.call {
        StepCall::Exec(_) => is_program,
        StepCall::Http(http) => {
            let is_url = |scheme| {
                let url = request.url(scheme);
                http.url.unfilled_from(&url, &seen).is_some()
            };
            !is_program && http.method == request.method && (is_url("https") || is_url("http"))
        }
    };
    let found = steps.iter().find(is_it);
    // A URL may be written in another form than it is sent.
    found.or_else(|| steps.first()).copied()
}

/// Sends nothing until the other side ends.
async fn until_end(stream: &mut TcpStream) -> io::Result<()> {
    let mut read = [0; 1024];
    while stream.read(&mut read).await? > 0 {}
    Ok(())
}
