//! `everwire reload`: makes a running service read its configuration again.

use actix::System;
use clap::Args;
use serde::Deserialize;
use serde_json::Value;

use super::{
    Failure,
    client::{ApiArgs, Error, Request},
    output, words,
};

/// How many names of a kind are listed. --json lists all.
const LISTED: usize = 20;

/// Make a running service read its configuration again
///
/// Connections whose settings are the same keep their sockets. An invalid configuration changes nothing: its errors are printed, and the
/// exit code is 2.
#[derive(Debug, Args)]
pub struct Reload {
    /// Only print what would change
    #[arg(long)]
    plan: bool,

    /// Print the result as a JSON object
    #[arg(long)]
    json: bool,

    #[command(flatten)]
    api: ApiArgs,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Reloaded {
    untouched: Vec<String>,
    applied: Vec<Changed>,
    rotated: Vec<Changed>,
    added: Vec<String>,
    removed: Vec<String>,
    service: Vec<String>,
    restart: Vec<String>,
    failed: Vec<Failed>,
}

#[derive(Deserialize)]
struct Changed {
    name: String,
    #[serde(default)]
    keys: Vec<String>,
}

#[derive(Deserialize)]
struct Failed {
    name: String,
    reason: String,
}

impl Reload {
    /// Runs the reload.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the service refuses, or could not do everything.
    pub fn execute(self) -> Result<(), Failure> {
        let plan = self.plan.then_some("true");
        let answer: Value = System::new().block_on(async {
            let request = Request::post(&["reload"]).maybe("plan", plan);
            self.api.client()?.read(request).await
        })?;
        let reloaded =
            Reloaded::deserialize(&answer).map_err(|error| Error::Answer(error.to_string()))?;
        match self.json {
            true => output::print_json(&answer.to_string())?,
            false => output::print(&lines(&reloaded).join("\n"))?,
        }
        match reloaded.failed.len() as u64 {
            0 => Ok(()),
            failed => {
                let failed = words::count(failed, "connection");
                Err(Failure::Undone(format!("{failed} could not be changed")))
            }
        }
    }
}

fn lines(reloaded: &Reloaded) -> Vec<String> {
    let changed = |changed: &[Changed]| {
        let names = changed.iter();
        names
            .map(|changed| format!("{}: {}", changed.name, changed.keys.join(", ")))
            .collect::<Vec<_>>()
    };
    let failed = reloaded.failed.iter();
    let failed: Vec<_> = failed
        .map(|failed| format!("{}: {}", failed.name, failed.reason))
        .collect();
    let mut lines = vec![format!("untouched {}", reloaded.untouched.len())];
    for (what, names) in [
        ("applied", &changed(&reloaded.applied)),
        ("rotated", &changed(&reloaded.rotated)),
        ("added", &reloaded.added),
        ("removed", &reloaded.removed),
        ("failed", &failed),
    ] {
        lines.push(format!("{what:<9} {}", names.len()));
        let listed = names.iter().take(LISTED);
        lines.extend(listed.map(|name| format!("  {}", words::one_line(name))));
        if let Some(more) = names.len().checked_sub(LISTED).filter(|more| *more > 0) {
            lines.push(format!("  and {more} more"));
        }
    }
    // `[nats]` is the only one outside of `[service]`.
    let (tables, restart): (Vec<_>, Vec<_>) = reloaded
        .restart
        .iter()
        .cloned()
        .partition(|key| key == "nats");
    for (keys, what) in [
        (&reloaded.service, "change at once"),
        (&restart, "need a restart of the service"),
    ] {
        if !keys.is_empty() {
            lines.push(format!("[service] {}: {what}", keys.join(", ")));
        }
    }
    let tables = tables.iter();
    lines.extend(tables.map(|table| format!("[{table}]: needs a restart of the service")));
    lines
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_plan_is_told_name_by_name_and_key_by_key() {
        let many: Vec<_> = (0..22).map(|i| format!("cp-{i}")).collect();
        let answer = json!({
            "done": false, "untouched": ["a", "b"], "applied": [{ "name": "c", "keys": ["tags", "rate"] }],
            "rotated": [], "added": many, "removed": ["d"], "service": [], "restart": ["listen", "nats"], "failed": [],
        });
        let lines = lines(&Reloaded::deserialize(answer).unwrap());
        assert_eq!(
            lines[..5],
            [
                "untouched 2",
                "applied   1",
                "  c: tags, rate",
                "rotated   0",
                "added     22"
            ]
        );
        assert_eq!(
            lines[25..],
            [
                "  and 2 more",
                "removed   1",
                "  d",
                "failed    0",
                "[service] listen: need a restart of the service",
                "[nats]: needs a restart of the service"
            ]
        );
    }
}
