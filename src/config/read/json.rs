//! From JSON text to the tree, in which a place is a JSON pointer (RFC 6901).

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value as Json;

use super::{Entry, Node, Place, Value, backticked};

/// The file number of places in a JSON text; no file of a configuration has it.
const JSON: u32 = u32::MAX;

/// The pointers of the values of a JSON text.
#[derive(Debug, Default)]
pub(in crate::config) struct Pointers(Vec<String>);

impl Pointers {
    /// The pointer to a place; the whole text for a place in a file.
    pub fn of(&self, place: Place) -> &str {
        match place.file {
            JSON => self.0.get(place.start as usize).map_or("", String::as_str),
            _ => "",
        }
    }

    fn add(&mut self, pointer: String) -> Place {
        let index = self.0.len();
        self.0.push(pointer);
        Place::new(JSON, index..index + 1)
    }
}

/// Parses a JSON text; the places of the tree are numbers of `pointers`.
///
/// # Errors
///
/// The text is not JSON, nests too deeply, repeats a key, or has a value that TOML does not have.
pub(in crate::config) fn parse_json(
    text: &[u8],
    pointers: &mut Pointers,
) -> Result<Node, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(text);
    let pointer = String::new();
    let node = NodeSeed { pointer, pointers }.deserialize(&mut deserializer)?;
    deserializer.end()?;
    Ok(node)
}

/// The tree of a JSON value at `pointer`. Values that TOML does not have are included; no key
/// accepts them.
///
/// # Errors
///
/// The pointer of a number that does not fit into 64 bits.
pub(in crate::config) fn node_of_json(
    json: &Json,
    pointer: &str,
    pointers: &mut Pointers,
) -> Result<Node, String> {
    let place = pointers.add(pointer.to_owned());
    let value = match json {
        Json::Null => Value::Null,
        Json::Bool(value) => Value::Boolean(*value),
        Json::Number(number) => match (number.as_i64(), number.as_f64()) {
            (Some(number), _) => Value::Integer(number),
            (None, Some(number)) if !json.is_u64() => Value::Float(number),
            (None, _) => return Err(pointer.to_owned()),
        },
        Json::String(text) => Value::String(text.clone()),
        Json::Array(items) => {
            let items = items.iter().enumerate();
            let nodes =
                items.map(|(at, item)| node_of_json(item, &format!("{pointer}/{at}"), pointers));
            Value::Array(nodes.collect::<Result<_, _>>()?)
        }
        Json::Object(members) => {
            let entries = members.iter().map(|(key, value)| {
                let pointer = format!("{pointer}/{}", escaped(key));
                let node = node_of_json(value, &pointer, pointers)?;
                Ok(Entry {
                    key: key.clone(),
                    place: node.place,
                    node,
                })
            });
            Value::Table(entries.collect::<Result<_, String>>()?)
        }
    };
    Ok(Node { place, value })
}

/// Builds the node at a pointer.
struct NodeSeed<'p> {
    pointer: String,
    pointers: &'p mut Pointers,
}

impl NodeSeed<'_> {
    fn node(self, value: Value) -> Node {
        let place = self.pointers.add(self.pointer);
        Node { place, value }
    }
}

impl<'de> DeserializeSeed<'de> for NodeSeed<'_> {
    type Value = Node;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for NodeSeed<'_> {
    type Value = Node;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value other than null")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Node, E> {
        Ok(self.node(Value::Boolean(value)))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Node, E> {
        Ok(self.node(Value::Integer(value)))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Node, E> {
        let value = i64::try_from(value).map_err(|_| {
            E::custom(format_args!(
                "the integer {value} does not fit into 64 bits"
            ))
        })?;
        self.visit_i64(value)
    }

    fn visit_f64<E>(self, value: f64) -> Result<Node, E> {
        Ok(self.node(Value::Float(value)))
    }

    fn visit_str<E>(self, value: &str) -> Result<Node, E> {
        Ok(self.node(Value::String(value.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
        let place = self.pointers.add(self.pointer.clone());
        let mut nodes = Vec::new();
        while let Some(node) = items.next_element_seed(NodeSeed {
            pointer: format!("{}/{}", self.pointer, nodes.len()),
            pointers: self.pointers,
        })? {
            nodes.push(node);
        }
        let value = Value::Array(nodes);
        Ok(Node { place, value })
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node, A::Error> {
        let place = self.pointers.add(self.pointer.clone());
        let mut entries: Vec<Entry> = Vec::new();
        let mut seen = std::collections::HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if !seen.insert(key.clone()) {
                let message = format!("{} is written twice", backticked(&key));
                return Err(A::Error::custom(message));
            }
            let pointer = format!("{}/{}", self.pointer, escaped(&key));
            let node = map.next_value_seed(NodeSeed {
                pointer,
                pointers: self.pointers,
            })?;
            entries.push(Entry {
                key,
                place: node.place,
                node,
            });
        }
        let value = Value::Table(entries);
        Ok(Node { place, value })
    }
}

/// A key as it is written in a pointer (RFC 6901 §3).
fn escaped(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
