//! The argument for the configuration.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use everwire::Settings;

use super::Failure;
use crate::service::BASE;

/// `[CONFIG]`.
#[derive(Debug, Args)]
pub struct ConfigPath {
    /// The configuration: a TOML file, or a folder of TOML files
    #[arg(
        value_name = "CONFIG",
        env = "EVERWIRE_CONFIG",
        default_value = "config/everwire.toml",
        value_hint = ValueHint::AnyPath
    )]
    path: PathBuf,
}

impl ConfigPath {
    /// The file or the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The settings in it, above the defaults of this program.
    ///
    /// # Errors
    ///
    /// [`Failure::Config`] with all errors.
    pub fn load(&self) -> Result<Settings, Failure> {
        BASE.load(&self.path).map_err(Failure::Config)
    }

    /// The same, and looks at the files that a dial would read.
    ///
    /// # Errors
    ///
    /// [`Failure::Config`] with all that is wrong.
    pub fn check(&self) -> Result<Settings, Failure> {
        BASE.check(&self.path).map_err(Failure::Config)
    }
}

/// `--config CONFIG`, for a command that uses one connection of it.
#[derive(Debug, Args)]
pub struct ConfigOption {
    /// The configuration that has the connection: a TOML file, or a folder of TOML files
    #[arg(
        long = "config",
        value_name = "CONFIG",
        env = "EVERWIRE_CONFIG",
        default_value = "config/everwire.toml",
        value_hint = ValueHint::AnyPath
    )]
    config: PathBuf,
}

impl ConfigOption {
    /// The file or the folder.
    pub fn path(&self) -> &Path {
        &self.config
    }
}
