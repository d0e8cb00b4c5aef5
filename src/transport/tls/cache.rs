//! TLS configurations, built once and shared.

use std::{collections::HashMap, hash::Hash, path::PathBuf, sync::Arc};

use parking_lot::Mutex;
use rustls::{ClientConfig, RootCertStore};
use tokio::sync::OnceCell;

use super::{
    client_config::{Key, build},
    pem_files::{Authorities, Stamp, read_roots},
};
use crate::{
    core::Cause,
    settings::TlsSettings,
    transport::{error_text::plain, files},
};

/// How many authority files and how many configurations are kept. More than that are read again.
const MAX_KEPT: usize = 64;

/// The TLS configurations of a process. Clones share them.
///
/// The first dial that needs the system's roots loads them, once. The files of the settings are
/// checked at each dial, and read again if their length, modification time or inode has changed.
#[derive(Clone, Default)]
pub(crate) struct TlsCache(Arc<Configs>);

#[derive(Default)]
struct Configs {
    system: OnceCell<Arc<Authorities>>,
    authorities: Mutex<HashMap<PathBuf, (Stamp, Arc<Authorities>)>>,
    built: Mutex<HashMap<Key, Built>>,
}

/// A configuration, and what it was built from.
#[derive(Clone)]
struct Built {
    /// `None` if any certificate is accepted.
    roots: Option<Arc<Authorities>>,
    identity: Option<[Stamp; 2]>,
    config: Arc<ClientConfig>,
}

impl TlsCache {
    /// The configuration for these settings.
    ///
    /// # Errors
    ///
    /// [`Cause::Tls`] if one of the files cannot be used, or if there are no authorities.
    pub(crate) async fn config(&self, settings: &TlsSettings) -> Result<Arc<ClientConfig>, Cause> {
        let key = Key::of(settings)?;
        let system = match key.ca_file.is_none() && !key.insecure {
            true => Some(Arc::clone(
                self.0.system.get_or_try_init(load_system).await?,
            )),
            false => None,
        };
        if key.names_no_file() {
            return self.0.config(key, system);
        }
        let configs = Arc::clone(&self.0);
        let loaded = files::off_thread(move || Ok(configs.config(key, system))).await;
        loaded.unwrap_or_else(|error| Err(Cause::Tls(plain(&error))))
    }
}

impl Configs {
    /// Blocks if the key names a file.
    fn config(
        &self,
        key: Key,
        system: Option<Arc<Authorities>>,
    ) -> Result<Arc<ClientConfig>, Cause> {
        let roots = match &key.ca_file {
            Some(path) => Some(self.authorities(path)?),
            None => system,
        };
        let stamps = match &key.identity {
            Some((cert, key)) => Some([Stamp::of("cert_file", cert)?, Stamp::of("key_file", key)?]),
            None => None,
        };
        if let Some(built) = self.built.lock().get(&key)
            && built.identity == stamps
            && built.is_over(roots.as_ref())
        {
            return Ok(Arc::clone(&built.config));
        }
        let config = build(&key, roots.clone())?;
        let built = Built {
            roots,
            identity: stamps,
            config: Arc::clone(&config),
        };
        keep(&mut self.built.lock(), key, built);
        Ok(config)
    }

    /// The authorities of a file. Blocks.
    fn authorities(&self, path: &PathBuf) -> Result<Arc<Authorities>, Cause> {
        let stamp = Stamp::of("ca_file", path)?;
        if let Some((known, roots)) = self.authorities.lock().get(path)
            && *known == stamp
        {
            return Ok(Arc::clone(roots));
        }
        let roots = read_roots(path)?;
        let kept = (stamp, Arc::clone(&roots));
        keep(&mut self.authorities.lock(), path.clone(), kept);
        Ok(roots)
    }
}

impl Built {
    fn is_over(&self, roots: Option<&Arc<Authorities>>) -> bool {
        match (&self.roots, roots) {
            (Some(ours), Some(theirs)) => Arc::ptr_eq(ours, theirs),
            (ours, theirs) => ours.is_none() && theirs.is_none(),
        }
    }
}

/// Inserts into a map with at most [`MAX_KEPT`] entries.
fn keep<K: Eq + Hash + Clone, V>(map: &mut HashMap<K, V>, key: K, value: V) {
    if map.len() >= MAX_KEPT && !map.contains_key(&key) {
        let any = map.keys().next().cloned();
        any.and_then(|any| map.remove(&any));
    }
    map.insert(key, value);
}

async fn load_system() -> Result<Arc<Authorities>, Cause> {
    let loaded = files::off_thread(|| Ok(rustls_native_certs::load_native_certs())).await;
    let loaded = loaded.map_err(|error| Cause::Tls(plain(&error)))?;
    let mut roots = RootCertStore::empty();
    // Some systems have roots that do not parse. The others can still be used.
    roots.add_parsable_certificates(loaded.certs);
    if roots.is_empty() {
        let why = loaded.errors.first().map(|error| format!(" ({error})"));
        return Err(Cause::Tls(format!(
            "the system has no usable root certificates{}; set tls.ca_file",
            why.unwrap_or_default()
        )));
    }
    Ok(Arc::new(Authorities::of_system(roots)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::transport::tests::ScratchDir;

    fn settings(path: PathBuf) -> TlsSettings {
        TlsSettings {
            ca_file: Some(path),
            ..TlsSettings::default()
        }
    }

    fn authority() -> String {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        params.self_signed(&key).unwrap().pem()
    }

    #[tokio::test]
    async fn an_authority_file_is_parsed_again_only_when_it_changed() {
        let dir = ScratchDir::new("tls_change");
        let path = dir.write("ca.pem", authority());
        let cache = TlsCache::default();
        let first = cache.config(&settings(path.clone())).await.unwrap();
        let again = cache.config(&settings(path.clone())).await.unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        dir.write("ca.pem", authority() + &authority());
        let changed = cache.config(&settings(path)).await.unwrap();
        assert!(!Arc::ptr_eq(&first, &changed));
    }

    #[tokio::test]
    async fn an_authority_file_that_cannot_be_used_says_why() {
        let dir = ScratchDir::new("tls_bad");
        dir.write("empty", "");
        let bad = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        dir.write("bad", bad);
        for (name, why) in [
            ("none", "no such file"),
            ("empty", "no certificate"),
            ("bad", ""),
        ] {
            let cause = TlsCache::default()
                .config(&settings(dir.path(name)))
                .await
                .unwrap_err();
            assert_eq!(cause.kind(), "tls");
            assert!(cause.text().contains(why), "{name}: {cause}");
        }
    }

    #[tokio::test]
    async fn no_more_authority_files_are_kept_than_agreed() {
        let dir = ScratchDir::new("tls_bound");
        let pem = authority();
        let cache = TlsCache::default();
        for i in 0..MAX_KEPT + 3 {
            let path = dir.write(&i.to_string(), &pem);
            cache.config(&settings(path)).await.unwrap();
        }
        assert_eq!(cache.0.built.lock().len(), MAX_KEPT);
        assert_eq!(cache.0.authorities.lock().len(), MAX_KEPT);
    }

    /// A client certificate and its key, written into `dir` under a name.
    fn identity(dir: &ScratchDir, name: &str) -> TlsSettings {
        let key = rcgen::KeyPair::generate().unwrap();
        let params = rcgen::CertificateParams::new(Vec::new()).unwrap();
        let cert = params.self_signed(&key).unwrap();
        TlsSettings {
            ca_file: Some(dir.write("ca.pem", authority())),
            cert_file: Some(dir.write(&format!("{name}.pem"), cert.pem())),
            key_file: Some(dir.write(&format!("{name}.key"), key.serialize_pem())),
            ..TlsSettings::default()
        }
    }

    #[tokio::test]
    async fn a_client_certificate_is_read_again_when_it_changed() {
        let dir = ScratchDir::new("tls_identity");
        let settings = identity(&dir, "a");
        let cache = TlsCache::default();
        let first = cache.config(&settings).await.unwrap();
        assert!(first.client_auth_cert_resolver.has_certs());
        let again = cache.config(&settings).await.unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        // Replaced by a rename, as a certificate manager does it: the length may be the same, the inode is not.
        let newer = identity(&dir, "b");
        std::fs::rename(
            newer.cert_file.unwrap(),
            settings.cert_file.as_ref().unwrap(),
        )
        .unwrap();
        std::fs::rename(newer.key_file.unwrap(), settings.key_file.as_ref().unwrap()).unwrap();
        let changed = cache.config(&settings).await.unwrap();
        assert!(!Arc::ptr_eq(&first, &changed));
    }

    #[tokio::test]
    async fn a_client_certificate_that_cannot_be_used_says_why() {
        let dir = ScratchDir::new("tls_identity_bad");
        let good = identity(&dir, "a");
        let other = identity(&dir, "b");
        let encrypted =
            "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
        let cases: [(&str, Option<PathBuf>, Option<PathBuf>); 5] = [
            (
                "does not match the certificate",
                good.cert_file.clone(),
                other.key_file,
            ),
            ("belong together", good.cert_file.clone(), None),
            (
                "key is encrypted",
                good.cert_file.clone(),
                Some(dir.write("enc", encrypted)),
            ),
            (
                "no private key",
                good.cert_file.clone(),
                good.cert_file.clone(),
            ),
            (
                "no certificate",
                good.key_file.clone(),
                good.key_file.clone(),
            ),
        ];
        for (why, cert_file, key_file) in cases {
            let settings = TlsSettings {
                cert_file,
                key_file,
                ..good.clone()
            };
            let cause = TlsCache::default().config(&settings).await.unwrap_err();
            assert_eq!(cause.kind(), "tls");
            assert!(cause.text().contains(why), "{why}: {cause}");
        }
    }
}
