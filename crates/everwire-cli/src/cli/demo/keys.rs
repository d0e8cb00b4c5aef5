//! The keys that the user presses.

use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use ratatui::crossterm::event::{self, Event, KeyCode, KeyEvent, KeyEventKind, KeyModifiers};
use tokio::sync::mpsc;

/// The delay until the thread notices that it is no longer needed.
const LOOK: Duration = Duration::from_millis(100);

/// A request of the user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// `q`, Escape, or Ctrl-C, which a terminal in raw mode sends as a key.
    Quit,
    /// `c`: cut all links.
    Cut,
    /// The terminal has another size.
    Redraw,
}

/// Reads keys on its own thread until it is dropped.
pub struct Keys {
    keys: mpsc::Receiver<Key>,
    ended: Arc<AtomicBool>,
}

impl Keys {
    /// Starts reading.
    ///
    /// # Errors
    ///
    /// An error of the operating system if it cannot create a thread.
    pub fn read() -> io::Result<Self> {
        let (sender, keys) = mpsc::channel(16);
        let ended = Arc::new(AtomicBool::new(false));
        let over = Arc::clone(&ended);
        thread::Builder::new()
            .name("everwire-keys".to_owned())
            .spawn(move || read(&sender, &over))?;
        Ok(Self { keys, ended })
    }

    /// Waits for the next key; `None` when the terminal is closed.
    pub async fn next(&mut self) -> Option<Key> {
        self.keys.recv().await
    }
}

impl Drop for Keys {
    fn drop(&mut self) {
        self.ended.store(true, Ordering::Relaxed);
    }
}

fn read(keys: &mpsc::Sender<Key>, over: &AtomicBool) {
    while !over.load(Ordering::Relaxed) {
        let event = match event::poll(LOOK) {
            Ok(false) => continue,
            Ok(true) => event::read(),
            Err(error) => Err(error),
        };
        let Ok(event) = event else { return };
        if let Some(key) = meaning(&event)
            && keys.blocking_send(key).is_err()
        {
            return;
        }
    }
}

fn meaning(event: &Event) -> Option<Key> {
    let key = match event {
        Event::Resize(..) => return Some(Key::Redraw),
        Event::Key(key) if key.kind != KeyEventKind::Release => key,
        _ => return None,
    };
    match *key {
        KeyEvent {
            code: KeyCode::Char('c'),
            modifiers: KeyModifiers::CONTROL,
            ..
        } => Some(Key::Quit),
        KeyEvent {
            code: KeyCode::Char('q') | KeyCode::Esc,
            ..
        } => Some(Key::Quit),
        KeyEvent {
            code: KeyCode::Char('c'),
            ..
        } => Some(Key::Cut),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ctrl_c_quits_and_c_cuts() {
        let press = |code, modifiers| meaning(&Event::Key(KeyEvent::new(code, modifiers)));
        assert_eq!(
            press(KeyCode::Char('c'), KeyModifiers::CONTROL),
            Some(Key::Quit)
        );
        assert_eq!(
            press(KeyCode::Char('c'), KeyModifiers::NONE),
            Some(Key::Cut)
        );
        assert_eq!(
            press(KeyCode::Char('q'), KeyModifiers::NONE),
            Some(Key::Quit)
        );
        assert_eq!(press(KeyCode::Char('x'), KeyModifiers::NONE), None);
    }
}
