//! Captures in a dial: URLs, headers, credentials, subprotocols.

use super::{compiler::Compiler, order::Order, places};
use crate::config::{
    keys::ConnectionTable,
    values::{Dialled, Written},
};
use everwire_proto::{
    language::{MessageTemplate, TemplateKind},
    settings::dialogue::DialTemplates,
};

/// The texts of a dial with expressions, each at its index among all of its kind.
#[derive(Default, PartialEq)]
pub(super) struct DialTexts {
    urls: Vec<Option<Written>>,
    headers: Vec<Option<Written>>,
    subprotocols: Vec<Option<Written>>,
    user: Option<Written>,
    password: Option<Written>,
}

impl DialTexts {
    pub fn of(table: &ConnectionTable) -> Self {
        let one = table.url.iter().map(|url| &url.value.0);
        let several = table.urls.iter().flat_map(|urls| &urls.value.0);
        let headers = table.headers.iter().flat_map(|headers| &headers.value.0);
        let subprotocols = table.subprotocols.iter();
        let auth = table.basic_auth.as_ref().map(|auth| &auth.value);
        let user = auth.and_then(|auth| auth.user.as_ref());
        let password = auth.and_then(|auth| auth.password.as_ref());
        Self {
            urls: texts(one.chain(several)),
            headers: texts(headers.filter_map(|header| header.value.as_ref())),
            subprotocols: texts(subprotocols.flat_map(|list| &list.value.0)),
            user: user.and_then(|user| user.value.0.written.clone()),
            password: password.and_then(|password| password.value.0.written.clone()),
        }
    }

    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// The texts with expressions; empty if there are none.
fn texts<'d>(all: impl Iterator<Item = &'d Dialled>) -> Vec<Option<Written>> {
    let texts: Vec<_> = all.map(|text| text.written.clone()).collect();
    match texts.iter().any(Option::is_some) {
        true => texts,
        false => Vec::new(),
    }
}

/// The templates of a dial. `order` knows the captures that are set before it.
pub(super) fn compile(
    texts: &DialTexts,
    order: &Order,
    compiler: &mut Compiler<'_, '_>,
) -> DialTemplates {
    compiler.reads.clear();
    let mut one = |text: &Option<Written>, kind| -> Option<MessageTemplate> {
        compiler.quick_template(text.as_ref()?, kind, places::ELSEWHERE)
    };
    let templates = DialTemplates {
        urls: texts
            .urls
            .iter()
            .map(|text| one(text, TemplateKind::Url))
            .collect(),
        headers: texts
            .headers
            .iter()
            .map(|text| one(text, TemplateKind::Header))
            .collect(),
        subprotocols: texts
            .subprotocols
            .iter()
            .map(|text| one(text, TemplateKind::Header))
            .collect(),
        user: one(&texts.user, TemplateKind::Header),
        password: one(&texts.password, TemplateKind::Header),
    };
    order.refuse_early(std::mem::take(&mut compiler.reads), compiler);
    templates
}
