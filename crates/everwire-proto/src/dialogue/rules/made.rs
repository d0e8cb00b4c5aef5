//! The rendered templates of a rule.

use crate::{
    dialogue::{
        context::{Context, Filled, fill},
        report,
        surroundings::Seen,
    },
    language::{MessageTemplate, World},
    settings::dialogue::DialogueRule,
};

/// The rendered templates of a rule.
pub(super) struct Made {
    pub answer: Option<Filled>,
    pub url: Option<String>,
    /// The error of a template that cannot be rendered.
    pub unfilled: Option<String>,
}

impl Made {
    /// Renders the templates of a rule. A template that fails is left out.
    pub fn of(rule: &DialogueRule, seen: Seen<'_>, cx: &Context<'_>) -> Self {
        let world = cx.world(Some(seen), Some(cx.ids.next()));
        let step = cx.step(&world);
        let answer = rule.send.as_ref().map(|send| {
            let why = |unfilled| format!("send {}: {unfilled}", report::sending(send));
            fill(send, &step).map_err(why)
        });
        let url = rule.url.as_ref().map(|url| fill_url(url, &step));
        let (answer, no_answer) = parted(answer);
        let (url, no_url) = parted(url);
        Self {
            answer,
            url,
            unfilled: no_answer.or(no_url),
        }
    }
}

/// The result, and the error.
fn parted<T>(made: Option<Result<T, String>>) -> (Option<T>, Option<String>) {
    match made {
        Some(Ok(made)) => (Some(made), None),
        Some(Err(why)) => (None, Some(why)),
        None => (None, None),
    }
}

pub(super) fn fill_url(url: &MessageTemplate, world: &dyn World) -> Result<String, String> {
    let filled = url.render(world);
    let why = |unfilled| format!("url {}: {unfilled}", report::clipped(url.as_str()));
    filled.map(|filled| filled.into_text()).map_err(why)
}
