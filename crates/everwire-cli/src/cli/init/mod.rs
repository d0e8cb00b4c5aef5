//! `everwire init`: a configuration to start from.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use clap::{Args, ValueEnum, ValueHint};

use super::{Failure, output};

/// Write a commented configuration to start from
///
/// It is valid as it is, and dials nothing until its URLs are yours.
#[derive(Debug, Args)]
pub struct Init {
    /// What it is for
    #[arg(value_enum)]
    recipe: Recipe,

    /// Where to write it; - is standard output
    #[arg(default_value = "config/everwire.toml", value_hint = ValueHint::FilePath)]
    path: PathBuf,

    /// Replace a file that is there
    #[arg(long)]
    force: bool,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Recipe {
    /// One connection
    Minimal,
    /// Many connections from a template
    Fleet,
    /// Market data and orders
    Exchange,
    /// Charge points, or other devices
    Chargers,
    /// A Slack app: a call before each dial, and an answer to each event
    Slack,
}

impl Recipe {
    fn text(self) -> &'static str {
        match self {
            Self::Minimal => include_str!("minimal.toml"),
            Self::Fleet => include_str!("fleet.toml"),
            Self::Exchange => include_str!("exchange.toml"),
            Self::Chargers => include_str!("chargers.toml"),
            Self::Slack => include_str!("slack.toml"),
        }
    }
}

impl Init {
    /// Writes it.
    ///
    /// # Errors
    ///
    /// [`Failure`] when the file is there already, or cannot be written.
    pub fn execute(self) -> Result<(), Failure> {
        if self.path == Path::new("-") {
            return output::print(self.recipe.text().trim_end());
        }
        let path = self.path.display();
        self.write().map_err(|error| {
            Failure::Undone(match error.kind() {
                io::ErrorKind::AlreadyExists => {
                    format!("{path} is there already; --force replaces it")
                }
                _ => format!("{path} cannot be written: {error}"),
            })
        })?;
        output::print(&format!(
            "{path} is written: edit it, then `everwire check {path}` and `everwire run {path}`"
        ))
    }

    fn write(&self) -> io::Result<()> {
        let folder = self
            .path
            .parent()
            .filter(|folder| !folder.as_os_str().is_empty());
        folder.map_or(Ok(()), fs::create_dir_all)?;
        let mut file = match self.force {
            true => File::create(&self.path)?,
            false => File::create_new(&self.path)?,
        };
        file.write_all(self.recipe.text().as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::BASE;

    #[test]
    fn every_recipe_is_valid_and_dials_nothing() {
        for &recipe in Recipe::value_variants() {
            let settings = BASE
                .from_toml(recipe.text())
                .unwrap_or_else(|errors| panic!("{recipe:?}: {errors}"));
            assert!(!settings.connections.is_empty(), "{recipe:?}");
            for (name, connection) in settings.connections {
                assert!(!connection.enabled, "{recipe:?}: {name}");
            }
        }
    }
}
