//! Explains what a connection reads besides its settings: names, never values.

use std::{collections::BTreeSet, path::Path};

use super::{Line, words::lines as told};
use everwire_proto::{
    language::{MessageTemplate, Part, Template, Variable},
    settings::{ConnectionSettings, Opening, Proxy, Subprotocol},
};

pub(super) fn lines(settings: &ConnectionSettings) -> Vec<Line> {
    let mut found = Found::default();
    for template in templates(settings) {
        found.template(template);
    }
    if let Some(dialogue) = &settings.dialogue {
        found.environment.extend(dialogue.environment());
        let variables = dialogue.templates().flat_map(MessageTemplate::variables);
        variables.for_each(|variable| found.variable(variable));
    }
    let tls = &settings.tls;
    let files = [&tls.ca_file, &tls.cert_file, &tls.key_file];
    let files = files.into_iter().flatten();
    found
        .files
        .extend(files.map(|path| path.display().to_string()));
    found.lines()
}

/// What these templates and files read.
pub(super) fn of<'a>(
    templates: impl IntoIterator<Item = &'a Template>,
    files: impl IntoIterator<Item = &'a Path>,
) -> Vec<Line> {
    let mut found = Found::default();
    for template in templates {
        found.template(template);
    }
    let files = files.into_iter().map(|path| path.display().to_string());
    found.files.extend(files);
    found.lines()
}

/// All templates that are filled at a dial, without those of the dialogue.
fn templates(settings: &ConnectionSettings) -> impl Iterator<Item = &Template> {
    let headers = settings.headers.iter().map(|(_, value)| value.expose());
    let auth = settings.basic_auth.iter();
    let auth = auth.flat_map(|auth| [&auth.user, auth.password.expose()]);
    let openings = settings.on_open.iter().filter_map(|opening| match opening {
        Opening::Text(template) => Some(template),
        Opening::Binary(_) => None,
    });
    let subprotocols = settings.subprotocols.iter().map(Subprotocol::template);
    let proxy = settings.proxy.iter().flat_map(Proxy::templates);
    settings
        .urls()
        .chain(headers)
        .chain(auth)
        .chain(openings)
        .chain(subprotocols)
        .chain(proxy)
}

#[derive(Default)]
struct Found {
    environment: BTreeSet<Box<str>>,
    files: BTreeSet<String>,
    secrets: BTreeSet<String>,
}

impl Found {
    fn template(&mut self, template: &Template) {
        for part in template.parts() {
            if let Part::Env { name, .. } = part {
                self.environment.insert(name.clone());
            }
        }
        template
            .variables()
            .for_each(|variable| self.variable(variable));
    }

    fn variable(&mut self, variable: Variable<'_>) {
        match variable {
            Variable::File(path) => self.files.insert(path.display().to_string()),
            Variable::Stored(id) => self.secrets.insert(id.to_owned()),
        };
    }

    fn lines(self) -> Vec<Line> {
        let list = |what: &str, names: Vec<String>| {
            (!names.is_empty()).then(|| format!("{what} {}", names.join(", ")))
        };
        let environment = self.environment.iter().map(ToString::to_string).collect();
        let found = [
            list("of the environment:", environment),
            list("files:", self.files.into_iter().collect()),
            list("stored secrets:", self.secrets.into_iter().collect()),
        ];
        told(found.into_iter().flatten())
    }
}
