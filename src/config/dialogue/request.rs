//! `request`.

use super::{compiler::Compiler, places};
use crate::config::{
    keys::RequestTable,
    read::{Located, Problem},
};
use everwire_proto::{
    language::{BuiltIn, Expression, Name},
    settings::dialogue::RequestSettings,
};

/// Compiles how requests are numbered and answered.
pub(super) fn compile(
    table: &Located<RequestTable>,
    compiler: &mut Compiler<'_, '_>,
) -> Option<RequestSettings> {
    let place = table.place;
    let table = &table.value;
    if table.id.is_none() {
        let problem = Problem::absence(place, "`request` has no `id`")
            .help("write where the number of a request stands: id = \"/id\"");
        compiler.push(problem);
    }
    let answer = match &table.answer {
        Some(answer) => {
            let text = &answer.value;
            let condition = compiler.condition(text, places::ANSWER);
            if condition
                .as_ref()
                .is_some_and(|condition| !tells_apart(condition))
            {
                let message =
                    "`answer` does not look at `id`: each message would answer any request";
                let help =
                    "compare it with the number that the server repeats: answer = '/id == id'";
                compiler.wrong(text.0.place, message, help);
            }
            condition
        }
        None => {
            let problem = Problem::absence(place, "`request` has no `answer`")
                .help("write which message is the answer: answer = '/id == id'");
            compiler.push(problem);
            None
        }
    };
    let fail = table.fail.as_ref();
    let fail = fail.and_then(|fail| compiler.condition(&fail.value, places::ANSWER));
    // Requests start after the open script.
    compiler.reads.clear();
    let id = table.id.as_ref()?.value.0.clone();
    let mut request = compiler.request(id, answer?);
    request.fail = fail;
    if let Some(within) = &table.within {
        request.within = within.value.0;
    }
    if let Some(in_flight) = &table.in_flight {
        request.in_flight = in_flight.value.0;
    }
    Some(request)
}

/// Whether it can tell requests apart: it reads the number, or a `let` that does.
fn tells_apart(answer: &Expression) -> bool {
    let mut reads = answer.reads().iter();
    reads.any(|read| matches!(read.name, Name::BuiltIn(BuiltIn::Id) | Name::Let(_)))
}
