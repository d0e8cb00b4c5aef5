//! What is wrong with a configuration.
/// One error.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
#[non_exhaustive]
pub struct Diagnostic {
    /// The file.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column, from 1, in characters.
    pub column: usize,
    /// The offending text.
    pub text: String,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}
/// All errors.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Diagnostics(Vec<Diagnostic>);
impl Diagnostics {
    /// The errors.
    pub fn iter(&self) -> std::slice::Iter<'_, Diagnostic> {
        self.0.iter()
    }
    /// Drawn for a terminal.
    pub fn render(&self, _color: bool) -> String {
        self.to_string()
    }
}
impl std::fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0
            .iter()
            .try_for_each(|d| writeln!(f, "{}:{}:{}: {}", d.file, d.line, d.column, d.message))
    }
}
impl std::error::Error for Diagnostics {}
