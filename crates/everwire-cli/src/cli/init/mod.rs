//! `everwire init`: writes a configuration to start from.

mod recipe;

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueHint};

use self::recipe::Recipe;
use super::{
    Failure, output,
    table::{Column, Table},
};

/// The default file, which `run` also reads by default.
const USUAL: &str = "config/everwire.toml";

/// Write a commented configuration to start from; without a recipe, list the recipes
///
/// A recipe for a server runs as it is, with your credentials in the environment: its comments say which ones, and where to get them. A
/// template dials nothing until you write your own URLs into it.
#[derive(Debug, Args)]
pub struct Init {
    /// The recipe or the template; without it all are listed
    #[arg(value_parser = Recipe::parser(), hide_possible_values = true)]
    recipe: Option<&'static Recipe>,

    /// Where to write it; - is standard output; folders that are missing are made [default: config/everwire.toml]
    #[arg(value_hint = ValueHint::FilePath)]
    path: Option<PathBuf>,

    /// Where to write it, as PATH
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "path", requires = "recipe")]
    out: Option<PathBuf>,

    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
}

impl Init {
    /// Writes it, or lists all.
    ///
    /// # Errors
    ///
    /// [`Failure`] if the file exists or cannot be written.
    pub fn execute(self) -> Result<(), Failure> {
        let Some(recipe) = self.recipe else {
            return output::print(&list());
        };
        let path = self.path.or(self.out);
        let path = path.unwrap_or_else(|| USUAL.into());
        if path == Path::new("-") {
            return output::print(recipe.text.trim_end());
        }
        let shown = path.display();
        let made = missing_folders(&path);
        write(recipe, &path, self.force).map_err(|error| {
            Failure::Undone(match error.kind() {
                io::ErrorKind::AlreadyExists => {
                    format!("{shown} exists already; --force replaces it")
                }
                _ => format!("{shown} cannot be written: {error}"),
            })
        })?;
        let first = match recipe.needs() {
            needs if needs.is_empty() => "read it".to_owned(),
            needs => format!("it needs {needs}"),
        };
        for folder in made {
            output::print(&format!("{} is a new folder", folder.display()))?;
        }
        output::print(&format!(
            "{shown} is written: {first}, then `everwire check {shown}` and `everwire run {shown}`"
        ))
    }
}

/// A line for each recipe.
fn list() -> String {
    let columns = [
        Column::text("NAME"),
        Column::text("WHAT IT IS"),
        Column::text("NEEDS"),
    ];
    let mut table = Table::new(columns);
    for recipe in Recipe::all() {
        let [name, about, needs] = [recipe.name, recipe.about(), &recipe.needs()];
        table.push([name.into(), about.into(), needs.into()]);
    }
    table.render()
}

/// The folders that must be made before the file, the outermost first.
fn missing_folders(path: &Path) -> Vec<PathBuf> {
    let folders = path.ancestors().skip(1);
    let folders = folders.filter(|folder| !folder.as_os_str().is_empty());
    let mut missing: Vec<_> = folders
        .take_while(|folder| !folder.exists())
        .map(Path::to_owned)
        .collect();
    missing.reverse();
    missing
}

fn write(recipe: &Recipe, path: &Path, replaces: bool) -> io::Result<()> {
    let folder = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty());
    folder.map_or(Ok(()), fs::create_dir_all)?;
    let mut file = match replaces {
        true => File::create(path)?,
        false => File::create_new(path)?,
    };
    file.write_all(recipe.text.as_bytes())
}
