//! What stands inside the values of settings: pointers into JSON, and templates with variables.

pub mod json;
mod secret;
mod template;

pub use self::{
    json::{InvalidPointer, JsonPointer, MAX_POINTER, Scalar},
    secret::Secret,
    template::{Part, SecretMissing, SecretTemplate, Template, Variable},
};
