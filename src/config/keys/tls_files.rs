//! Checks the TLS files of a configuration.

use std::path::PathBuf;

use crate::{
    config::{
        read::{Context, Located},
        values::FilePath,
    },
    settings::TlsSettings,
    transport::check_tls,
};

/// The keys of a table that name files of TLS.
pub(in crate::config) struct TlsFiles<'t> {
    pub ca_file: Option<&'t Located<FilePath>>,
    pub cert_file: Option<&'t Located<FilePath>>,
    pub key_file: Option<&'t Located<FilePath>>,
}

/// Reports files that cannot be used, each at its place. A dial would report only those of one
/// connection.
pub(in crate::config) fn check_tls_files(files: &TlsFiles<'_>, context: &mut Context<'_>) {
    if let Some(ca_file) = files.ca_file {
        let settings = TlsSettings {
            ca_file: path(ca_file),
            ..TlsSettings::default()
        };
        if let Some(wrong) = look_at(&settings, context) {
            context.wrong(ca_file.place, wrong, HELP);
        }
    }
    if let (Some(cert_file), Some(key_file)) = (files.cert_file, files.key_file) {
        let settings = TlsSettings {
            cert_file: path(cert_file),
            key_file: path(key_file),
            ..TlsSettings::default()
        };
        if let Some(wrong) = look_at(&settings, context) {
            let named = match wrong.starts_with("tls.key_file") {
                true => key_file,
                false => cert_file,
            };
            context.wrong(named.place, wrong, HELP);
        }
    }
}

const HELP: &str = "write the path of a PEM file; a relative one starts at the folder of this file";

fn path(file: &Located<FilePath>) -> Option<PathBuf> {
    Some(file.value.0.clone())
}

fn look_at(settings: &TlsSettings, context: &mut Context<'_>) -> Option<String> {
    let paths = [&settings.ca_file, &settings.cert_file, &settings.key_file];
    let paths = paths.into_iter().flatten().cloned().collect();
    context.look_at_later_files("tls", paths, || check_tls(settings))
}
