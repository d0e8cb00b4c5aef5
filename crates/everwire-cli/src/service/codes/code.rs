//! One code, and what it means.

/// One code.
#[derive(Clone, Copy, Debug)]
pub struct Code {
    /// As it stands in JSON.
    pub code: &'static str,
    /// What has happened.
    pub meaning: &'static str,
    /// What helps.
    pub remedy: &'static str,
}
