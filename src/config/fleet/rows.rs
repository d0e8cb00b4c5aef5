//! The rows of a fleet: a range of numbers, a list of names, a file of names, a table.

use std::{path::Path, rc::Rc};

use super::{
    MAX_NAMES, Row,
    csv::{Record, Records},
};
use crate::config::{
    keys::FleetKeys,
    read::{Context, File, Place, backticked},
};

/// The rows of a fleet. Errors in their files are reported.
pub(in crate::config) fn rows(keys: &FleetKeys, context: &mut Context<'_>) -> Vec<Row> {
    if let Some(range) = &keys.range {
        return range.value.0.clone().map(Row::numbered).collect();
    }
    if let Some(names) = &keys.names {
        let names = names.value.0.iter().zip(1..);
        return names
            .map(|(name, number)| Row::named(number, &name.value.0, name.place))
            .collect();
    }
    let read: fn(u32, Place, &mut Context<'_>) -> Vec<Row>;
    let path = match (&keys.names_file, &keys.rows_file) {
        (Some(path), _) => {
            read = names_of_file;
            path
        }
        (None, Some(path)) => {
            read = rows_of_file;
            path
        }
        (None, None) => return Vec::new(),
    };
    match open(&path.value.0, path.place, context) {
        Some(file) => read(file, path.place, context),
        None => Vec::new(),
    }
}

fn open(path: &Path, place: Place, context: &mut Context<'_>) -> Option<u32> {
    match context.source.read(path) {
        Ok(text) => Some(context.add_file(File {
            name: path.display().to_string(),
            folder: path.parent().unwrap_or(Path::new("")).to_owned(),
            text,
        })),
        Err(error) => {
            let message = format!(
                "the file {} cannot be read: {error}",
                backticked(&path.to_string_lossy())
            );
            context.wrong(
                place,
                message,
                "a relative path starts at the folder of this file",
            );
            None
        }
    }
}

fn names_of_file(file: u32, _: Place, context: &mut Context<'_>) -> Vec<Row> {
    let text = &context.files[file as usize].text;
    let mut rows = Vec::new();
    let mut too_many = None;
    let mut start = 0;
    for line in text.split_inclusive('\n') {
        let name = line.trim();
        let at = start + (line.len() - line.trim_start().len());
        start += line.len();
        if name.is_empty() || name.starts_with('#') {
            continue;
        }
        let place = Place::new(file, at..at + name.len());
        if rows.len() == MAX_NAMES {
            too_many = Some(place);
            break;
        }
        rows.push(Row::named(rows.len() + 1, name, place));
    }
    if let Some(place) = too_many {
        report_too_many(place, context);
    }
    rows
}

fn report_too_many(place: Place, context: &mut Context<'_>) {
    let help = format!("a fleet has at most {MAX_NAMES} names");
    context.wrong(place, "the file has too many names", help);
}

fn rows_of_file(file: u32, said: Place, context: &mut Context<'_>) -> Vec<Row> {
    // The text is taken out so that errors in it can be reported to the context.
    let text = std::mem::take(&mut context.files[file as usize].text);
    let rows = parse_rows(&text, file, said, context);
    context.files[file as usize].text = text;
    rows
}

fn parse_rows(text: &str, file: u32, said: Place, context: &mut Context<'_>) -> Vec<Row> {
    let mut columns: Option<Rc<[String]>> = None;
    let mut rows: Vec<Row> = Vec::new();
    for record in Records::new(text) {
        let Record { fields, range } = match record {
            Ok(record) => record,
            Err(error) => {
                let place = Place::new(file, error.range);
                context.wrong(
                    place,
                    error.message,
                    "write a quote within quotes twice: \"\"",
                );
                continue;
            }
        };
        let place = Place::new(file, range);
        let Some(columns) = &columns else {
            check_columns(&fields, place, context);
            columns = Some(fields.into());
            continue;
        };
        if rows.len() == MAX_NAMES {
            report_too_many(place, context);
            break;
        }
        if fields.len() != columns.len() {
            let message = format!(
                "the row has {} values, but there are {} columns",
                fields.len(),
                columns.len()
            );
            context.wrong(
                place,
                message,
                "write a value for each column; quote a value that has a comma",
            );
            continue;
        }
        let number = rows.len() as u64 + 1;
        rows.push(Row::of_table(number, columns.clone(), fields, place));
    }
    if columns.is_none() {
        context.wrong(
            said,
            "the file has no columns",
            "its first line names the columns, as in name,url",
        );
    }
    rows
}

fn check_columns(columns: &[String], place: Place, context: &mut Context<'_>) {
    for (at, column) in columns.iter().enumerate() {
        if column.is_empty() {
            context.wrong(
                place,
                "a column has no name",
                "name each column in the first line",
            );
        } else if columns[..at].contains(column) {
            let message = format!("the column {} comes twice", backticked(column));
            context.wrong(place, message, "give each column a name of its own");
        }
    }
}
