//! Applies functions to values.

use std::borrow::Cow;

use super::{
    super::{
        HashAlgorithm, SignatureAlgorithm, TokenAlgorithm, Value, World,
        functions::{
            encode::{self, Encoding},
            sign::{token, written},
            text,
            time::{self, Unit},
        },
        json::{JsonPointer, Number, RawJson},
        value::{Data, Marks, Origin},
    },
    node::{One, Two},
};

/// The value; absent if it is too long.
pub(super) fn bounded<'e>(value: Value<'e>, world: &dyn World) -> Value<'e> {
    match value.size() <= world.max_message() {
        true => value,
        false => Value::new(Data::Absent, value.marks),
    }
}

pub(super) fn now(unit: Unit, offset: Option<i128>, world: &dyn World) -> Value<'static> {
    let now = offset.and_then(|offset| time::now(world.moment().wall, unit, offset));
    let data = now.map_or(Data::Absent, |now| match unit {
        Unit::Iso => Data::Text(now.into()),
        _ => Data::Number(now.into()),
    });
    data.into()
}

pub(super) fn hash(
    algorithm: HashAlgorithm,
    encoding: Encoding,
    data: &Value<'_>,
    world: &dyn World,
) -> Value<'static> {
    let hash = data
        .as_bytes()
        .map(|data| world.signer().hash(algorithm, &data));
    digest(hash, encoding, data.marks)
}

pub(super) fn hmac(
    algorithm: HashAlgorithm,
    encoding: Encoding,
    [key, data]: &[Value<'_>; 2],
    world: &dyn World,
) -> Value<'static> {
    let both = key.as_bytes().zip(data.as_bytes());
    let hash = both.map(|(key, data)| world.signer().hmac(algorithm, &key, &data));
    digest(hash, encoding, key.marks.and(data.marks))
}

pub(super) fn sign(
    algorithm: SignatureAlgorithm,
    encoding: Encoding,
    [key, data]: &[Value<'_>; 2],
    world: &dyn World,
) -> Value<'static> {
    let both = key.as_bytes().zip(data.as_bytes());
    let signature = both.and_then(|(key, data)| world.signer().sign(algorithm, &key, &data));
    digest(signature, encoding, key.marks.and(data.marks))
}

pub(super) fn jwt(
    algorithm: TokenAlgorithm,
    values: &[Value<'_>; 3],
    world: &dyn World,
) -> Value<'static> {
    let marks = values
        .iter()
        .fold(Marks::default(), |marks, value| marks.and(value.marks));
    let token = token(
        world.signer(),
        algorithm,
        values.each_ref(),
        world.max_message(),
    );
    bounded(text_or_absent(token, marks), world)
}

/// A version 4 UUID (RFC 9562).
pub(super) fn uuid(world: &dyn World) -> Value<'static> {
    let mut bytes = [0; 16];
    world.moment().random.fill(&mut bytes);
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let hex = encode::hex(&bytes);
    Value::text(
        [
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..],
        ]
        .join("-"),
    )
}

pub(super) fn random(count: usize, encoding: Encoding, world: &dyn World) -> Value<'static> {
    let mut bytes = vec![0; count];
    world.moment().random.fill(&mut bytes);
    bounded(written(bytes, encoding).into(), world)
}

fn digest(bytes: Option<Vec<u8>>, encoding: Encoding, marks: Marks) -> Value<'static> {
    let data = bytes.map_or(Data::Absent, |bytes| written(bytes, encoding));
    Value::new(data, marks.transformed())
}

fn text_or_absent(text: Option<String>, marks: Marks) -> Value<'static> {
    let data = text.map_or(Data::Absent, |text| Data::Text(text.into()));
    Value::new(data, marks.transformed())
}

/// A function of one value.
pub(super) fn one<'e>(function: One, value: Value<'e>, world: &'e dyn World) -> Value<'e> {
    let (marks, max) = (value.marks, world.max_message());
    let encoded = |encoding: Encoding| {
        let bytes = value
            .as_bytes()
            .filter(|bytes| encoding.length(bytes.len()) <= max);
        digest(bytes.map(Cow::into_owned), encoding, marks)
    };
    let decoded = |decode: fn(&[u8]) -> Option<Vec<u8>>| {
        digest(
            value.as_bytes().and_then(|bytes| decode(&bytes)),
            Encoding::Bytes,
            marks,
        )
    };
    match function {
        One::Exists => Value::from(value.is_there()).marked(marks),
        One::Base64 => encoded(Encoding::Base64),
        One::Base64Url => encoded(Encoding::Base64Url),
        One::Hex => encoded(Encoding::Hex),
        One::Unbase64 => decoded(encode::unbase64),
        One::Unhex => decoded(encode::unhex),
        One::UrlEncode => {
            let text = value.as_text().map(|text| encode::url_encode(&text));
            bounded(text_or_absent(text, marks), world)
        }
        One::Json => {
            let mut json = String::new();
            let written = value.write_json(&mut json);
            bounded(text_or_absent(written.map(|()| json), marks), world)
        }
        One::Raw => raw(value),
        One::Text => match value.data {
            Data::Text(_) => value,
            _ => bounded(
                text_or_absent(value.as_text().map(Cow::into_owned), marks),
                world,
            ),
        },
        One::Number => number(value),
        One::Header => named(&value, |name| world.header(name)),
        One::Cookie => named(&value, |name| world.cookie(name)),
    }
}

fn raw(mut value: Value<'_>) -> Value<'_> {
    value.marks.origin = Origin::Own;
    value
}

fn number(value: Value<'_>) -> Value<'_> {
    let data = match value.data {
        Data::Number(number) => Data::Number(number),
        Data::Text(text) if Number::parse(&text).is_some() => Data::Number(text),
        _ => Data::Absent,
    };
    Value::new(data, value.marks)
}

fn named<'e>(name: &Value<'e>, look: impl FnOnce(&str) -> Value<'e>) -> Value<'e> {
    let found = name
        .as_text()
        .map_or_else(Value::absent, |name| look(&name));
    found.marked(name.marks)
}

/// A function of two values.
pub(super) fn two<'e>(function: Two, [x, y]: [Value<'e>; 2]) -> Value<'e> {
    let marks = x.marks.and(y.marks);
    match function {
        Two::At => at(x, &y).marked(marks),
        Two::After => text::after(x, &y),
        Two::Starts => Value::from(text::starts(&x, &y)).marked(marks),
        Two::Contains => Value::from(text::contains(&x, &y)).marked(marks),
        Two::Default if x.is_there() => x,
        Two::Default => y,
    }
}

/// The value at a pointer within a value, or within a text that contains JSON.
fn at<'e>(x: Value<'e>, pointer: &Value<'_>) -> Value<'e> {
    let Some(pointer) = pointer
        .as_text()
        .and_then(|pointer| JsonPointer::new(pointer).ok())
    else {
        return Value::absent();
    };
    let find = |json: &str| {
        RawJson::parse(json)?
            .at(&pointer)
            .map(|found| Value::json(found).into_owned())
    };
    let found = match x.data {
        Data::Json(Cow::Borrowed(json)) | Data::Text(Cow::Borrowed(json)) => RawJson::parse(json)
            .and_then(|json| json.at(&pointer))
            .map(Value::json),
        Data::Json(Cow::Owned(json)) | Data::Text(Cow::Owned(json)) => find(&json),
        Data::List(_) => {
            let mut json = String::new();
            x.write_json(&mut json).and_then(|()| find(&json))
        }
        _ if pointer.is_root() => return x,
        _ => None,
    };
    found.unwrap_or_else(Value::absent)
}
