//! The functions: their names, arguments and effects.

pub(super) mod encode;
pub(super) mod sign;
pub(super) mod text;
pub(super) mod time;

use super::error::meant;

/// A function by its name.
#[derive(Debug)]
pub(super) struct Function {
    pub name: &'static str,
    pub least: usize,
    pub most: usize,
    /// Its signature, for errors.
    pub signature: &'static str,
}

const fn function(
    name: &'static str,
    least: usize,
    most: usize,
    signature: &'static str,
) -> Function {
    Function {
        name,
        least,
        most,
        signature,
    }
}

/// All functions.
pub(super) const FUNCTIONS: [Function; 26] = [
    function("now", 1, 2, "now(unit, offset)"),
    function("hmac", 3, 4, "hmac(algorithm, key, text, out)"),
    function("hash", 2, 3, "hash(algorithm, text, out)"),
    function("sign", 3, 4, "sign(algorithm, key, text, out)"),
    function("jwt", 4, 4, "jwt(algorithm, key, header, claims)"),
    function("base64", 1, 1, "base64(x)"),
    function("base64url", 1, 1, "base64url(x)"),
    function("unbase64", 1, 1, "unbase64(x)"),
    function("hex", 1, 1, "hex(x)"),
    function("unhex", 1, 1, "unhex(x)"),
    function("urlencode", 1, 1, "urlencode(x)"),
    function("json", 1, 1, "json(x)"),
    function("raw", 1, 1, "raw(x)"),
    function("text", 1, 1, "text(x)"),
    function("number", 1, 1, "number(x)"),
    function("at", 2, 2, "at(x, pointer)"),
    function("after", 2, 2, "after(x, mark)"),
    function("between", 3, 3, "between(x, from, to)"),
    function("starts", 2, 2, "starts(x, beginning)"),
    function("contains", 2, 2, "contains(x, part)"),
    function("exists", 1, 1, "exists(x)"),
    function("default", 2, 2, "default(x, otherwise)"),
    function("uuid", 0, 0, "uuid()"),
    function("random", 2, 2, "random(bytes, form)"),
    function("header", 1, 1, "header(name)"),
    function("cookie", 1, 1, "cookie(name)"),
];

/// The function of this name.
pub(super) fn find(name: &str) -> Option<&'static Function> {
    FUNCTIONS.iter().find(|function| function.name == name)
}

/// The name that was probably meant.
pub(super) fn near(name: &str) -> Option<&'static str> {
    meant(name, FUNCTIONS.iter().map(|function| function.name))
}
