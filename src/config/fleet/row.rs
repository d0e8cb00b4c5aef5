//! The differences between the connections of a fleet.

use std::{borrow::Cow, rc::Rc};

use crate::config::read::Place;

/// The values of one connection's tokens.
#[derive(Clone, Debug)]
pub(in crate::config) struct Row {
    /// `{i}`: the number of a range, the position in a list.
    number: u64,
    /// `{name}`: the item of a list.
    item: Option<String>,
    /// `{column}`.
    columns: Rc<[String]>,
    values: Vec<String>,
    /// The place of the row.
    pub place: Option<Place>,
}

impl Row {
    /// A row of a range.
    pub fn numbered(number: u64) -> Self {
        Self {
            number,
            item: None,
            columns: Rc::new([]),
            values: Vec::new(),
            place: None,
        }
    }

    /// A row of a table: a value for each column.
    pub fn of_table(number: u64, columns: Rc<[String]>, values: Vec<String>, place: Place) -> Self {
        Self {
            columns,
            values,
            place: Some(place),
            ..Self::numbered(number)
        }
    }

    /// A row of a list, by its position, from 1.
    pub fn named(number: usize, name: &str, place: Place) -> Self {
        Self {
            item: Some(name.to_owned()),
            place: Some(place),
            ..Self::numbered(number as u64)
        }
    }

    /// The value of a token; `None` if it is not a token.
    pub fn value(&self, token: &str) -> Option<Cow<'_, str>> {
        let column = self.columns.iter().position(|column| column == token);
        if let Some(value) = column.and_then(|at| self.values.get(at)) {
            return Some(value.into());
        }
        match token {
            "i" => Some(self.number.to_string().into()),
            "name" => self.item.as_deref().map(Cow::from),
            _ => {
                let width: usize = token.strip_prefix("i:0")?.parse().ok()?;
                let number = self.number;
                (1..=20)
                    .contains(&width)
                    .then(|| format!("{number:0width$}").into())
            }
        }
    }
}
