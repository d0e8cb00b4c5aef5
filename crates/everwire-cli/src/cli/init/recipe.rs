//! The configurations that `everwire init` writes.

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};

/// A configuration to start from.
#[derive(Debug)]
pub struct Recipe {
    /// Its name.
    pub name: &'static str,
    /// Its text with comments. The first line is its description.
    pub text: &'static str,
    /// The environment variables and files that it reads.
    pub needs: &'static [&'static str],
}

/// A template. It dials nothing until the user replaces its URLs.
macro_rules! template {
    ($name:literal) => {
        Recipe {
            name: $name,
            text: include_str!(concat!($name, ".toml")),
            needs: &[],
        }
    };
}

/// The protocol of a server, ready to run. `config/recipes/` has the same files.
macro_rules! recipe {
    ($name:literal, $($need:literal)*) => {
        Recipe {
            name: $name,
            text: include_str!(concat!("recipes/", $name, ".toml")),
            needs: &[$($need),*],
        }
    };
}

/// The templates for no particular server.
pub const TEMPLATES: &[Recipe] = &[
    template!("minimal"),
    template!("fleet"),
    template!("exchange"),
    template!("chargers"),
];

/// The recipes for real servers.
pub const SERVERS: &[Recipe] = &[
    recipe!("binance", "BINANCE_KEY" "BINANCE_SECRET"),
    recipe!("bybit", "BYBIT_KEY" "BYBIT_SECRET"),
    recipe!("coinbase", "CB_KEY_NAME" "coinbase.pem"),
    recipe!("deepgram", "DEEPGRAM_API_KEY"),
    recipe!("deribit", "DERIBIT_ID" "DERIBIT_SECRET"),
    recipe!("discord", "DISCORD_TOKEN"),
    recipe!("eth-subscribe", "ALCHEMY_KEY" "INFURA_KEY"),
    recipe!("graphql-ws", "GQL_HOST" "GQL_TOKEN"),
    recipe!("home-assistant", "HA_TOKEN"),
    recipe!("htx",),
    recipe!("kraken", "KRAKEN_KEY" "KRAKEN_SECRET"),
    recipe!("ocpp", "CSMS_HOST" "secrets/cp-0001"),
    recipe!("okx", "OKX_KEY" "OKX_PASS" "OKX_SECRET"),
    recipe!("openai-realtime", "OPENAI_API_KEY"),
    recipe!("slack", "SLACK_APP_TOKEN"),
    recipe!("twitch-eventsub", "TWITCH_CLIENT" "TWITCH_TOKEN" "TWITCH_USER"),
];

impl Recipe {
    /// All recipes, in the order of the list.
    pub fn all() -> impl Iterator<Item = &'static Self> + Clone {
        TEMPLATES.iter().chain(SERVERS)
    }

    /// Its description: the first line.
    pub fn about(&self) -> &'static str {
        let line = self.text.lines().next().unwrap_or_default();
        line.trim_start_matches("# ").trim_end_matches('.')
    }

    /// What is necessary before it can be checked or run.
    pub fn needs(&self) -> String {
        self.needs.join(", ")
    }

    /// Parses a name. For an unknown name, the error suggests the nearest one.
    pub fn parser() -> impl TypedValueParser<Value = &'static Self> {
        let names = Self::all().map(|recipe| PossibleValue::new(recipe.name).help(recipe.about()));
        PossibleValuesParser::new(names).try_map(|name| {
            let found = Self::all().find(|recipe| recipe.name == name);
            found.ok_or("no such recipe")
        })
    }
}

#[cfg(test)]
mod tests {
    use std::{
        cell::RefCell,
        collections::BTreeSet,
        io,
        path::{Path, PathBuf},
    };

    use everwire::{config::Source, language::Variable};

    use super::*;
    use crate::service::BASE;

    /// An environment in which everything is set, and which remembers what was asked.
    #[derive(Default)]
    struct Asked(RefCell<BTreeSet<String>>);

    impl Source for Asked {
        fn variable(&self, name: &str) -> Option<String> {
            self.0.borrow_mut().insert(name.to_owned());
            Some("abcd".to_owned())
        }

        fn read(&self, path: &Path) -> io::Result<String> {
            panic!("{} is read", path.display());
        }

        fn list(&self, _: &Path) -> io::Result<Option<Vec<PathBuf>>> {
            Ok(None)
        }
    }

    #[test]
    fn each_template_is_valid_and_dials_nothing() {
        for recipe in TEMPLATES {
            let settings = BASE
                .from_toml(recipe.text)
                .unwrap_or_else(|errors| panic!("{}: {errors}", recipe.name));
            assert!(!settings.connections.is_empty(), "{}", recipe.name);
            for (name, connection) in settings.connections {
                assert!(!connection.enabled, "{}: {name}", recipe.name);
            }
        }
    }

    #[test]
    fn each_recipe_is_valid_with_what_it_says_that_it_needs() {
        for recipe in SERVERS {
            let asked = Asked::default();
            let settings = BASE
                .from_toml_with(recipe.text, &asked)
                .unwrap_or_else(|errors| panic!("{}: {errors}", recipe.name));
            assert!(settings.connections.values().all(|one| one.enabled));
            let mut needed = asked.0.into_inner();
            for connection in settings.connections.values() {
                let auth = connection.basic_auth.iter();
                let auth = auth.flat_map(|auth| [&auth.user, auth.password.expose()]);
                let dialogue = connection.dialogue.iter();
                let said = dialogue.flat_map(|dialogue| dialogue.templates());
                let variables = auth.flat_map(|template| template.variables());
                for variable in variables.chain(said.flat_map(|template| template.variables())) {
                    if let Variable::File(path) = variable {
                        needed.insert(path.display().to_string());
                    }
                }
            }
            // One file of a fleet stands for all of them.
            needed.retain(|need| !need.starts_with("secrets/") || need.ends_with("0001"));
            let says: BTreeSet<String> = recipe.needs.iter().map(ToString::to_string).collect();
            assert_eq!(needed, says, "{}", recipe.name);
        }
    }

    #[test]
    fn each_says_what_it_is_what_it_needs_and_which_page_it_follows() {
        for recipe in SERVERS {
            let head = recipe.text.split("\n\n").next().unwrap_or_default();
            assert!(head.contains("# Follows "), "{}", recipe.name);
            for need in recipe.needs {
                let what = need.trim_end_matches("cp-0001");
                assert!(head.contains(what), "{}: {need}", recipe.name);
            }
            assert!(head.contains("https://"), "{}", recipe.name);
            assert!(recipe.about().len() < 90, "{}", recipe.about());
        }
    }
}
