//! The value at the path of a key in a file, and its position.

use toml::de::{DeTable, DeValue};

/// A file that contains each key.
pub struct Examples<'a> {
    text: &'a str,
    root: DeTable<'a>,
}

/// The example of a key in the file.
#[derive(Clone, Copy)]
pub struct Example<'a> {
    /// The position of the key.
    pub position: usize,
    /// The value as written.
    pub written: &'a str,
}

impl<'a> Examples<'a> {
    pub fn new(text: &'a str) -> Self {
        let root = DeTable::parse(text).unwrap().into_inner();
        Self { text, root }
    }

    /// The first value at a path; `*` in it is any name.
    pub fn of(&self, path: &[String]) -> Option<Example<'a>> {
        let mut found = Vec::new();
        self.in_table(&self.root, path, &mut found);
        found.into_iter().min_by_key(|example| example.position)
    }

    fn in_table(&self, table: &DeTable<'a>, path: &[String], found: &mut Vec<Example<'a>>) {
        let Some((first, below)) = path.split_first() else {
            return;
        };
        for (key, value) in table {
            if first != "*" && **first != **key.get_ref() {
                continue;
            }
            if below.is_empty() {
                let (position, written) = (key.span().start, &self.text[value.span()]);
                found.push(Example { position, written });
            }
            self.in_value(value.get_ref(), below, found);
        }
    }

    /// All items of an array have the same path.
    fn in_value(&self, value: &DeValue<'a>, path: &[String], found: &mut Vec<Example<'a>>) {
        match value {
            DeValue::Table(table) => self.in_table(table, path, found),
            DeValue::Array(items) => {
                for item in items.iter() {
                    self.in_value(item.get_ref(), path, found);
                }
            }
            _ => {}
        }
    }
}
