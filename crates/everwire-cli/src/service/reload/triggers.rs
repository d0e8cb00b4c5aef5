//! Triggers of a reload without a request: SIGHUP, and a change of the files.

use std::{ffi::OsStr, io, path::Path, time::Duration};

use actix_web::web::Data;
use notify::{
    Event, EventKind, RecommendedWatcher, RecursiveMode, Watcher,
    event::{AccessKind, AccessMode},
};
use tokio::sync::mpsc;

use super::{ReloadError, Reloaded, reload};
use crate::service::state::AppState;

/// Files are read again after this time without a write: an editor may write more than once.
const QUIET: Duration = Duration::from_millis(200);
/// After this number of writes, files are read even if writes continue.
const MAX_WRITES: usize = 50;

/// Why changes cannot be noticed.
#[derive(Debug, thiserror::Error)]
pub enum TriggerError {
    /// Signals cannot be listened for.
    #[error("cannot listen for SIGHUP: {0}")]
    Signal(#[source] io::Error),
    /// Files cannot be watched.
    #[error("the configuration cannot be watched: {0}; `service.watch` asks for it")]
    Watch(#[from] notify::Error),
}

/// Starts listening, inside a running actix system.
///
/// # Errors
///
/// [`TriggerError`].
pub fn start(state: &Data<AppState>, watch: bool) -> Result<(), TriggerError> {
    let Some(path) = state.source.path.as_deref() else {
        return Ok(());
    };
    on_hangup(state.clone()).map_err(TriggerError::Signal)?;
    if watch {
        let (watcher, changes) = watcher(path)?;
        actix::spawn(on_changes(state.clone(), watcher, changes));
    }
    Ok(())
}

#[cfg(unix)]
fn on_hangup(state: Data<AppState>) -> io::Result<()> {
    use actix_rt::signal::unix::{SignalKind, signal};

    let mut hangup = signal(SignalKind::hangup())?;
    actix::spawn(async move {
        while hangup.recv().await.is_some() {
            log_reload("SIGHUP", &reload(&state, true).await);
        }
    });
    Ok(())
}

#[cfg(not(unix))]
fn on_hangup(_: Data<AppState>) -> io::Result<()> {
    Ok(())
}

/// Watches the folder, since editors replace the file.
fn watcher(path: &Path) -> notify::Result<(RecommendedWatcher, mpsc::Receiver<()>)> {
    let folder = match path.is_dir() {
        true => path,
        false => path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty())
            .unwrap_or(Path::new(".")),
    };
    let own_name = path.file_name().map(OsStr::to_owned);
    // One waiting notice is enough.
    let (sender, changes) = mpsc::channel(1);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<Event>| {
        let concerns = match &event {
            Ok(event) => is_change(event) && is_of_the_configuration(event, own_name.as_deref()),
            // Events may have been lost.
            Err(_) => true,
        };
        if concerns {
            let _one_waits = sender.try_send(());
        }
    })?;
    watcher.watch(folder, RecursiveMode::NonRecursive)?;
    Ok((watcher, changes))
}

/// Whether the event is a change. Reads are not: a reload itself reads.
fn is_change(event: &Event) -> bool {
    match event.kind {
        EventKind::Access(kind) => kind == AccessKind::Close(AccessMode::Write),
        _ => true,
    }
}

fn is_of_the_configuration(event: &Event, own_name: Option<&OsStr>) -> bool {
    // Kubernetes replaces a link of this name.
    event.need_rescan()
        || event.paths.iter().any(|path| {
            let name = path.file_name();
            name == own_name
                || name == Some(OsStr::new("..data"))
                || path
                    .extension()
                    .is_some_and(|extension| extension == "toml")
        })
}

async fn on_changes(
    state: Data<AppState>,
    // It watches until it is dropped.
    _watcher: RecommendedWatcher,
    mut changes: mpsc::Receiver<()>,
) {
    while changes.recv().await.is_some() {
        for _ in 0..MAX_WRITES {
            if tokio::time::timeout(QUIET, changes.recv()).await.is_err() {
                break;
            }
        }
        log_reload("watch", &reload(&state, true).await);
    }
}

/// Nobody waits for the result, so it is logged.
fn log_reload(trigger: &str, reloaded: &Result<Reloaded, ReloadError>) {
    match reloaded {
        Ok(reloaded) => reloaded.log(trigger),
        Err(ReloadError::Invalid(errors)) => tracing::error!(
            trigger,
            errors = errors.count(),
            text = errors.to_string().as_str(),
            "the configuration is invalid, and nothing was changed"
        ),
        Err(error) => tracing::error!(
            trigger,
            text = error.to_string().as_str(),
            "the configuration was not read again"
        ),
    }
}
