//! Selects the names to rehearse, and makes placeholders for their secrets.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    rc::Rc,
};

use everwire::{
    ConnectionName, ConnectionSettings, Pattern, Settings,
    config::{Opening, Proxy, Subprotocol, Template, Variable},
    language::MessageTemplate,
};

use super::{
    fault::{Fault, Place, What},
    placeholders::Placeholders,
    rehearsed::Rehearsed,
};

/// A name, and the number of equal names that are rehearsed with it.
pub struct Chosen {
    pub rehearsed: Rehearsed,
    pub alike: usize,
}

/// The names of a pattern that keep a socket. Of names that differ only in their name, the first.
pub fn of(settings: &Settings, pattern: &Pattern, placeholders: &Rc<Placeholders>) -> Vec<Chosen> {
    let mut chosen: Vec<Chosen> = Vec::new();
    let mut known: HashMap<String, usize> = HashMap::new();
    for (name, connection) in &settings.connections {
        if !pattern.matches(name) || connection.sessions_only {
            continue;
        }
        let key = format!("{connection:?}").replace(name.as_str(), "{name}");
        if let Some(first) = known.get(&key).and_then(|at| chosen.get_mut(*at)) {
            first.alike += 1;
            continue;
        }
        known.insert(key, chosen.len());
        chosen.push(Chosen {
            rehearsed: rehearsed(name, connection, placeholders),
            alike: 0,
        });
    }
    // The placeholders are complete when all names are prepared.
    for chosen in &mut chosen {
        let any = Fault::new(Place::Whole, What::AsWritten);
        // Makes the placeholders of its captures.
        let _subject = chosen.rehearsed.subject(any);
        chosen.rehearsed.planted = placeholders.planted();
    }
    chosen
}

fn rehearsed(
    name: &ConnectionName,
    settings: &ConnectionSettings,
    placeholders: &Rc<Placeholders>,
) -> Rehearsed {
    let stored = settings.secret_ids().map(|id| {
        let placeholder = placeholders.make(format!("${{secret:{id}}}"), false);
        (id.to_owned(), placeholder)
    });
    let missing = files(settings).into_iter().filter(|path| !path.is_file());
    let missing = missing.map(|path| {
        let placeholder = placeholders.file(&path);
        (path, placeholder)
    });
    Rehearsed {
        name: name.clone(),
        settings: settings.clone(),
        files: missing.collect(),
        stored: stored.collect::<BTreeMap<_, _>>(),
        planted: Vec::new(),
        playback: None,
        placeholders: Rc::clone(placeholders),
    }
}

/// The files of all templates.
fn files(settings: &ConnectionSettings) -> Vec<PathBuf> {
    let headers = settings.headers.iter().map(|(_, value)| value.expose());
    let auth = settings.basic_auth.iter();
    let auth = auth.flat_map(|auth| [&auth.user, auth.password.expose()]);
    let openings = settings.on_open.iter().filter_map(|opening| match opening {
        Opening::Text(text) => Some(text),
        Opening::Binary(_) => None,
    });
    let templates = settings
        .urls()
        .chain(headers)
        .chain(auth)
        .chain(settings.subprotocols.iter().map(Subprotocol::template))
        .chain(settings.proxy.iter().flat_map(Proxy::templates))
        .chain(openings);
    let dialogue = settings.dialogue.iter();
    let said = dialogue.flat_map(|dialogue| dialogue.templates());
    let variables = templates.flat_map(Template::variables);
    let variables = variables.chain(said.flat_map(MessageTemplate::variables));
    let files = variables.filter_map(|variable| match variable {
        Variable::File(path) => Some(path.to_owned()),
        Variable::Stored(_) => None,
    });
    files.collect()
}
