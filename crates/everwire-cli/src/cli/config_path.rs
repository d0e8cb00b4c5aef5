//! The argument for the configuration.

use std::path::{Path, PathBuf};

use clap::{Args, ValueHint};
use everwire::Settings;

use super::Failure;
use crate::service::BASE;

/// `[CONFIG]`.
#[derive(Debug, Args)]
pub struct ConfigPath {
    /// The TOML file, or a folder of them
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
}

/// `--config CONFIG`, for a command that uses one connection of it.
#[derive(Debug, Args)]
pub struct ConfigOption {
    /// The configuration of the name: a TOML file, or a folder of them
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
