//! What stands inside the values of settings: pointers into JSON, and templates with variables.

mod pointer;
mod secret;
mod template;

pub use self::{
    pointer::{InvalidPointer, JsonPointer, MAX_POINTER, Scalar},
    secret::Secret,
    template::{Part, SecretMissing, SecretTemplate, Template, Variable},
};
