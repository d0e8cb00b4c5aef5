//! Fills the texts of a dial with captured values.

use std::sync::Arc;

use everwire_proto::{
    dialogue::{BeforeDial, Here},
    language::{MessageTemplate, Part, SecretTemplate},
};

use super::before::ForDial;
use crate::{
    core::Cause,
    settings::{ConnectionSettings, Secret, Subprotocol, Template},
};

/// Fills the settings and the URL of a dial with captured values. Also returns which of these are
/// secret.
///
/// # Errors
///
/// [`Cause::Template`].
pub(super) fn fill(
    known: &BeforeDial,
    dial: ForDial<'_>,
    here: &Here<'_>,
) -> Result<(Arc<ConnectionSettings>, Template, Vec<Secret>), Cause> {
    let url = &dial.urls[dial.number];
    let templates = &known.dialogue().dial;
    let mut filling = Filling {
        known,
        here,
        secrets: Vec::new(),
    };
    let of_url = templates.urls.get(dial.number).and_then(Option::as_ref);
    let url = filling
        .one(url, of_url, "url")?
        .unwrap_or_else(|| url.clone());
    let has_others = [&templates.headers, &templates.subprotocols]
        .into_iter()
        .flatten()
        .chain([&templates.user, &templates.password])
        .any(Option::is_some);
    if !has_others {
        return Ok((Arc::clone(dial.settings), url, filling.secrets));
    }
    let mut settings = ConnectionSettings::clone(dial.settings);
    for ((name, value), template) in settings.headers.iter_mut().zip(&templates.headers) {
        let what = format!("the header {name}");
        if let Some(filled) = filling.one(value.expose(), template.as_ref(), &what)? {
            *value = SecretTemplate::from(filled);
        }
    }
    for (one, template) in settings
        .subprotocols
        .iter_mut()
        .zip(&templates.subprotocols)
    {
        if let Some(filled) = filling.one(one.template(), template.as_ref(), "subprotocols")? {
            *one = Subprotocol::from(filled);
        }
    }
    if let Some(auth) = &mut settings.basic_auth {
        let what = "basic_auth.user";
        if let Some(filled) = filling.one(&auth.user, templates.user.as_ref(), what)? {
            auth.user = filled;
        }
        let what = "basic_auth.password";
        let password = templates.password.as_ref();
        if let Some(filled) = filling.one(auth.password.expose(), password, what)? {
            auth.password = filled.into();
        }
    }
    Ok((Arc::new(settings), url, filling.secrets))
}

struct Filling<'a> {
    known: &'a BeforeDial,
    here: &'a Here<'a>,
    secrets: Vec<Secret>,
}

impl Filling<'_> {
    /// Fills one text; `None` if it has no expression. A session may have other subprotocols than
    /// its name.
    fn one(
        &mut self,
        text: &Template,
        template: Option<&MessageTemplate>,
        what: &str,
    ) -> Result<Option<Template>, Cause> {
        let Some(template) = template.filter(|_| text.has_holes()) else {
            return Ok(None);
        };
        let filled = self.known.fill(template, self.here);
        let filled = filled
            .map_err(|unfilled| Cause::Template(format!("{what} cannot be filled: {unfilled}")))?;
        for part in filled.parts() {
            if let Part::Env { value, .. } = part {
                self.secrets.push(value.clone());
            }
        }
        Ok(Some(filled))
    }
}
