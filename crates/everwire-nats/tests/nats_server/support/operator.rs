//! An operator with an account, whose users have JWTs: what `nsc` makes of them.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use nkeys::KeyPair;
use serde_json::{Value, json};

use super::Server;

/// The keys that sign.
pub struct Operator {
    operator: KeyPair,
    account: KeyPair,
    /// The account of the server itself, without which there is no JetStream.
    system: KeyPair,
}

impl Operator {
    pub fn new() -> Self {
        Self {
            operator: KeyPair::new_operator(),
            account: KeyPair::new_account(),
            system: KeyPair::new_account(),
        }
    }

    /// A server that knows the account, with JetStream in it.
    pub fn serve(&self, test: &str) -> Server {
        Server::start_with(test, &self.config())
    }

    /// The configuration of a server.
    pub fn config(&self) -> String {
        let operator = self.signed(
            &self.operator,
            &self.operator,
            json!({ "type": "operator" }),
        );
        let account = |key: &KeyPair, storage: i64| {
            let limits = json!({
                "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1,
                "leaf": -1, "mem_storage": storage, "disk_storage": storage, "streams": storage, "consumer": storage,
            });
            let claims = json!({ "type": "account", "limits": limits });
            let token = self.signed(&self.operator, key, claims);
            format!("{}: \"{token}\"", key.public_key())
        };
        let (ours, system) = (account(&self.account, -1), account(&self.system, 0));
        format!(
            "jetstream {{ store_dir: \"FOLDER/jetstream\" }}\n\
             operator: \"{operator}\"\n\
             system_account: {}\n\
             resolver: MEMORY\n\
             resolver_preload: {{ {ours}\n {system} }}\n",
            self.system.public_key()
        )
    }

    /// A user's credentials file. `lasts`: how many seconds it is valid; for ever if `None`.
    pub fn credentials(&self, lasts: Option<i64>) -> String {
        let user = KeyPair::new_user();
        let mut claims = json!({ "type": "user", "subs": -1, "data": -1, "payload": -1 });
        if let Some(lasts) = lasts {
            claims["exp"] = json!(now() + lasts);
        }
        let jwt = self.signed(&self.account, &user, claims);
        let seed = user.seed().unwrap();
        format!(
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n"
        )
    }

    /// A JWT about a key, signed by another one. `exp` of the claims is the token's.
    fn signed(&self, issuer: &KeyPair, subject: &KeyPair, mut claims: Value) -> String {
        let expires = claims.as_object_mut().unwrap().remove("exp");
        claims["version"] = json!(2);
        let mut token = json!({
            "jti": subject.public_key(), "iat": now(), "iss": issuer.public_key(),
            "name": "everwire", "sub": subject.public_key(), "nats": claims,
        });
        if let Some(expires) = expires {
            token["exp"] = expires;
        }
        let part = |value: &Value| BASE64_URL_SAFE_NO_PAD.encode(value.to_string());
        let head = part(&json!({ "typ": "JWT", "alg": "ed25519-nkey" }));
        let signed = format!("{head}.{}", part(&token));
        let signature = issuer.sign(signed.as_bytes()).unwrap();
        format!("{signed}.{}", BASE64_URL_SAFE_NO_PAD.encode(signature))
    }
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    i64::try_from(now.as_secs()).unwrap()
}
