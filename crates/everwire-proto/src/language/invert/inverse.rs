//! Inverse functions: the argument for a given value.

use crate::language::{
    Value,
    expression::{Call, One, Two},
    functions::encode,
    json::RawJson,
    value::Data,
};

/// The arguments for this value; `None` if they cannot be determined.
pub(super) fn before<'n>(function: One, value: &Value<'n>) -> Option<Vec<Value<'n>>> {
    let bytes = value.as_bytes();
    let text = value.as_text();
    let of = |bytes: Option<Vec<u8>>| {
        let text = bytes.and_then(|bytes| String::from_utf8(bytes).ok());
        text.map(Value::text).into_iter().collect()
    };
    let encoded = |encode: fn(&[u8]) -> String| {
        let bytes = bytes.as_deref().map(encode);
        bytes.map(String::into_bytes)
    };
    Some(match function {
        One::Raw => vec![value.clone()],
        One::Base64 | One::Base64Url => of(bytes.as_deref().and_then(encode::unbase64)),
        One::Hex => of(bytes.as_deref().and_then(encode::unhex)),
        One::Unbase64 => of(encoded(encode::base64)),
        One::Unhex => of(encoded(encode::hex)),
        One::UrlEncode => {
            let text = text.as_deref().map(str::as_bytes);
            let decoded = text.map(|text| percent_encoding::percent_decode(text).collect());
            of(decoded)
        }
        One::Json => {
            let raw = text.as_deref().and_then(RawJson::parse);
            raw.map(|raw| Value::json(raw).into_owned())
                .into_iter()
                .collect()
        }
        One::Text => match &value.data {
            Data::Text(text) => {
                let raw = RawJson::parse(text).map(|raw| Value::json(raw).into_owned());
                std::iter::once(value.clone()).chain(raw).collect()
            }
            _ => Vec::new(),
        },
        One::Number => match &value.data {
            Data::Number(number) => vec![value.clone(), Value::text(number.clone())],
            _ => Vec::new(),
        },
        One::Exists | One::Header | One::Cookie => return None,
    })
}

/// The name of a function.
pub(super) fn name_of(call: &Call) -> &'static str {
    match call {
        Call::Now(..) => "now",
        Call::Hash(..) => "hash",
        Call::Hmac(..) => "hmac",
        Call::Sign(..) => "sign",
        Call::Jwt(..) => "jwt",
        Call::Between(..) => "between",
        Call::Uuid => "uuid",
        Call::Random(..) => "random",
        Call::One(function, _) => match function {
            One::Base64 => "base64",
            One::Base64Url => "base64url",
            One::Unbase64 => "unbase64",
            One::Hex => "hex",
            One::Unhex => "unhex",
            One::UrlEncode => "urlencode",
            One::Json => "json",
            One::Raw => "raw",
            One::Text => "text",
            One::Number => "number",
            One::Exists => "exists",
            One::Header => "header",
            One::Cookie => "cookie",
        },
        Call::Two(function, _) => match function {
            Two::At => "at",
            Two::After => "after",
            Two::Starts => "starts",
            Two::Contains => "contains",
            Two::Default => "default",
        },
    }
}
