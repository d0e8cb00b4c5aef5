//! `basic_auth`.

use serde_json::Value as Json;

use crate::config::{
    read::{Context, IntoField, IntoSettings, Place, Problem, ShowField, ShowSettings, table},
    values::{Credential, UserName},
};
use everwire_proto::{
    language::{Part, Template},
    settings::{AuthEncoding, BasicAuth},
};

table! {
    /// HTTP basic authentication (RFC 7617).
    pub(in crate::config) struct BasicAuthTable holds secrets <=> BasicAuth {
        /// The user name, without a colon. `${NAME}` and `${file:PATH}` are expanded.
        user: UserName,
        /// The password. `${NAME}` and `${file:PATH}` are expanded.
        password: Credential,
        /// The encoding of both.
        encoding: AuthEncoding = "utf8",
    }
}

impl IntoField<Option<BasicAuth>> for BasicAuthTable {
    fn into_field(self, place: Place, context: &mut Context<'_>) -> Option<BasicAuth> {
        self.refuse_missing(place, context);
        self.refuse_unencodable(context);
        let defaults = BasicAuth {
            user: Template::default(),
            password: Template::default().into(),
            encoding: AuthEncoding::default(),
        };
        Some(self.over(defaults, context))
    }
}

impl ShowField<Option<BasicAuth>> for BasicAuthTable {
    fn show_field(field: &Option<BasicAuth>) -> Json {
        field.as_ref().map(Self::masked).into()
    }
}

impl BasicAuthTable {
    fn refuse_missing(&self, place: Place, context: &mut Context<'_>) {
        for (key, missing) in [
            ("user", self.user.is_none()),
            ("password", self.password.is_none()),
        ] {
            if missing {
                let problem = Problem::absence(place, format!("`basic_auth` has no {key}"))
                    .help("write basic_auth = { user = \"…\", password = \"…\" }");
                context.problems.push(problem);
            }
        }
    }

    fn refuse_unencodable(&self, context: &mut Context<'_>) {
        let encoding = self.encoding.as_ref().map(|encoding| encoding.value);
        if encoding != Some(AuthEncoding::Latin1) {
            return;
        }
        let user = self
            .user
            .as_ref()
            .map(|user| (&user.value.0.template, user.place));
        let password = self.password.as_ref();
        let password = password.map(|password| (&password.value.0.template, password.place));
        for (template, place) in user.into_iter().chain(password) {
            if !is_latin1(template) {
                let problem = Problem::new(place, "a character of it is not in ISO 8859-1")
                    .help("write encoding = \"utf8\", if the server takes it");
                context.problems.push(problem);
            }
        }
    }
}

fn is_latin1(template: &Template) -> bool {
    template.parts().iter().all(|part| match part {
        Part::Literal(text) => text.chars().all(|c| u32::from(c) < 256),
        Part::Env { value, .. } => value.expose().chars().all(|c| u32::from(c) < 256),
        Part::File(_) | Part::Stored(_) | Part::Hole(_) => true,
    })
}
