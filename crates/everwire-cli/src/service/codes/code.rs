//! A code and its meaning.

/// One code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// The code, as in JSON.
    pub code: &'static str,
    /// What has happened.
    pub meaning: &'static str,
    /// What the reader can do.
    pub remedy: &'static str,
}
