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
};
use crate::cli::rehearse::{
    answers::{Asked, Wanted},
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

/// The step that makes a call.
#[derive(Clone, Copy)]
struct Called<'s> {
    place: Place,
    call: &'s StepCall,
    asked: Asked<'s>,
    clear: &'s [u16],
    /// Whether its captures have the numbers of the dialogue: those of a preparation that names share have others.
    is_own: bool,
}

async fn call(stream: &mut TcpStream, request: &Request, stage: &Stage) -> io::Result<()> {
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

fn captured(text: &str, called: Called<'_>, stage: &Stage) {
    if called.is_own {
        let mut model = stage.model.borrow_mut();
        model.capture(text, called.asked.capture, called.asked.pointers);
        called.clear.iter().for_each(|at| model.forget(*at));
    }
}

/// All steps that make calls, in the order in which one is looked for: that of the open script which is waited for, those of `prepare` from
/// where the name has come to, and all others.
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

/// The step that calls like this.
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
    // A URL may be written in another way than it is sent.
    found.or_else(|| steps.first()).copied()
}

/// Says nothing until the other side ends.
async fn until_end(stream: &mut TcpStream) -> io::Result<()> {
    let mut read = [0; 1024];
    while stream.read(&mut read).await? > 0 {}
    Ok(())
}
