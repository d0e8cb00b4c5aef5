//! Who asks, and what they may do.

use std::{collections::BTreeSet, ops::Deref, sync::Arc};

use actix_web::http::header::{self, HeaderMap};
use base64::Engine;
use everwire::{
    ConnectionName, Owner, Pattern,
    config::{Scope, TokenSettings},
    core::OwnerShares,
};
use parking_lot::RwLock;
use ring::digest::{SHA256, digest};
use subtle::ConstantTimeEq;

use super::problem::Problem;

/// The tokens of this service.
#[derive(Default)]
pub struct Access(RwLock<Vec<(Digest, Arc<Caller>)>>);

/// A token is compared by its hash: in constant time, whatever its length.
type Digest = [u8; 32];

/// Who asks.
#[derive(Debug)]
pub struct Caller {
    /// The name of the token; empty without one.
    pub token: String,
    scopes: BTreeSet<Scope>,
    names: Pattern,
}

impl Access {
    /// Lets in who has one of these tokens; without any everybody, for everything.
    pub fn new(tokens: Vec<TokenSettings>) -> Self {
        let access = Self::default();
        access.replace(tokens);
        access
    }

    /// From the next request on, these tokens and no others. What has begun goes on.
    pub fn replace(&self, tokens: Vec<TokenSettings>) {
        let caller = |token: TokenSettings| {
            let caller = Caller {
                token: token.name,
                scopes: token.scopes,
                names: token.names,
            };
            (hash(token.secret.expose().as_bytes()), Arc::new(caller))
        };
        *self.0.write() = tokens.into_iter().map(caller).collect();
    }

    /// What names of each token's may use of what all names share.
    pub fn owner_shares(&self) -> OwnerShares {
        let tokens = self.0.read();
        let callers = tokens.iter().map(|(_, caller)| caller);
        OwnerShares::of_tokens(
            callers.map(|caller| (Owner::new(&caller.token), caller.reaches_all())),
        )
    }

    /// How many tokens do not reach all names: as many share what is not kept back for those that do.
    pub fn tenants(&self) -> usize {
        let tokens = self.0.read();
        let tenants = tokens.iter().filter(|(_, caller)| !caller.reaches_all());
        tenants.count()
    }

    /// Who has a share that counts what belongs to this owner: itself, or [`Owner::removed`] where its token is no more. `None`: its token
    /// reaches all names, or there are no tokens.
    pub fn tenant(&self, owner: &Owner) -> Option<Owner> {
        let tokens = self.0.read();
        if tokens.is_empty() {
            return None;
        }
        let mut callers = tokens.iter().map(|(_, caller)| caller);
        match callers.find(|caller| caller.token == owner.as_str()) {
            Some(caller) => (!caller.reaches_all()).then(|| owner.clone()),
            None => Some(Owner::removed()),
        }
    }

    /// Who sends these headers.
    ///
    /// # Errors
    ///
    /// 401 for whoever has no token, or an unknown one.
    pub fn identify(&self, headers: &HeaderMap) -> Result<Arc<Caller>, Problem> {
        let tokens = self.0.read();
        if tokens.is_empty() {
            return Ok(Arc::new(Caller::everybody()));
        }
        let Some(token) = bearer(headers).or_else(|| offered(headers)) else {
            let challenge = r#"Bearer realm="everwire""#;
            return Err(Problem::unauthorized(
                "missing token: send Authorization: Bearer TOKEN",
                challenge,
            ));
        };
        let asked = hash(&token);
        let mut found = None;
        // To the end, so that the time says nothing about where it stands.
        for (known, caller) in &*tokens {
            if bool::from(known.ct_eq(&asked)) {
                found = Some(caller);
            }
        }
        found.map(Arc::clone).ok_or_else(|| {
            let challenge = r#"Bearer realm="everwire", error="invalid_token""#;
            Problem::unauthorized(
                "unknown token: this service has no token with this secret",
                challenge,
            )
        })
    }
}

impl Caller {
    /// Who asks a service that has no tokens.
    pub fn everybody() -> Self {
        Self {
            token: String::new(),
            scopes: Scope::ALL.into(),
            names: Pattern::all(),
        }
    }

    /// Whether they may know of this name.
    pub fn reaches(&self, name: &ConnectionName) -> bool {
        self.names.matches(name)
    }

    /// Asks for one of these scopes.
    ///
    /// # Errors
    ///
    /// 403.
    pub fn need(&self, scopes: &[Scope]) -> Result<(), Problem> {
        if scopes.iter().any(|scope| self.scopes.contains(scope)) {
            return Ok(());
        }
        let names = scopes.iter().map(|scope| format!("{:?}", scope.as_str()));
        let names: Vec<_> = names.collect();
        let detail = format!("the token lacks the scope {}", names.join(" or "));
        Err(Problem::forbidden(detail))
    }

    /// The names that they may know of.
    pub fn names(&self) -> &Pattern {
        &self.names
    }

    /// Whether they may know of all names.
    pub fn reaches_all(&self) -> bool {
        self.names == Pattern::all()
    }

    /// Asks that they may know of all names; `or` says what is refused otherwise.
    ///
    /// # Errors
    ///
    /// 403.
    pub fn need_all_names(&self, or: &str) -> Result<(), Problem> {
        match self.reaches_all() {
            true => Ok(()),
            false => Err(Problem::forbidden(or)),
        }
    }

    /// The name of a connection as they wrote it.
    ///
    /// # Errors
    ///
    /// 404 for what is no name, 403 for one that they must not know of.
    pub fn name(&self, name: &str) -> Result<ReachedName, Problem> {
        let name = ConnectionName::new(name).map_err(|_| Problem::unknown(name))?;
        self.reach(name)
    }

    /// Asks that they may know of this name, of a connection or a secret.
    ///
    /// # Errors
    ///
    /// 403.
    pub fn reach(&self, name: ConnectionName) -> Result<ReachedName, Problem> {
        match self.reaches(&name) {
            true => Ok(ReachedName(name)),
            false => Err(Problem::forbidden(format!(
                "the token does not reach {name:?}"
            ))),
        }
    }
}

/// A name that its caller may know of: nothing else finds a connection.
#[derive(Clone)]
pub struct ReachedName(ConnectionName);

impl Deref for ReachedName {
    type Target = ConnectionName;

    fn deref(&self) -> &ConnectionName {
        &self.0
    }
}

fn hash(text: &[u8]) -> Digest {
    let mut hash = Digest::default();
    hash.copy_from_slice(digest(&SHA256, text).as_ref());
    hash
}

/// The token of `Authorization: Bearer` (RFC 6750 §2.1).
fn bearer(headers: &HeaderMap) -> Option<Vec<u8>> {
    let mut values = headers.get_all(header::AUTHORIZATION);
    let (Some(value), None) = (values.next(), values.next()) else {
        return None;
    };
    let (scheme, token) = value.to_str().ok()?.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim().into())
}

/// The token among the subprotocols of a WebSocket handshake, where a page cannot set `Authorization`: `bearer.TOKEN`, in base64url
/// without padding, since a subprotocol takes fewer characters than a token.
fn offered(headers: &HeaderMap) -> Option<Vec<u8>> {
    if headers.contains_key(header::AUTHORIZATION) {
        return None;
    }
    let values = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL);
    let mut offers = values
        .flat_map(|value| value.to_str().unwrap_or_default().split(','))
        .filter_map(|offer| offer.trim().strip_prefix("bearer."));
    let (Some(token), None) = (offers.next(), offers.next()) else {
        return None;
    };
    base64::engine::general_purpose::URL_SAFE_NO_PAD
        .decode(token)
        .ok()
}
