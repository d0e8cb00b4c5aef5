//! Who sends a request, and what they may do.

use std::{collections::BTreeSet, ops::Deref, sync::Arc};

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{self, HeaderMap},
};
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

/// The caller of a request that another node has passed on. That node has identified it.
#[derive(Clone, Debug)]
pub struct Forwarded(pub Arc<Caller>);

/// The tokens of this service.
#[derive(Default)]
pub struct Access(RwLock<Vec<(Digest, Arc<Caller>)>>);

/// Tokens are compared by their hash, so that the time does not depend on their length.
type Digest = [u8; 32];

/// The sender of a request.
#[derive(Debug)]
pub struct Caller {
    /// The name of the token; empty without tokens.
    pub token: String,
    scopes: BTreeSet<Scope>,
    names: Pattern,
}

impl Access {
    /// Admits callers with one of these tokens. Without tokens, admits everybody for everything.
    pub fn new(tokens: Vec<TokenSettings>) -> Self {
        let access = Self::default();
        access.replace(tokens);
        access
    }

    /// Replaces the tokens from the next request on. Running requests continue.
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

    /// The shares of each token's names in what all names use together.
    pub fn owner_shares(&self) -> OwnerShares {
        let tokens = self.0.read();
        let callers = tokens.iter().map(|(_, caller)| caller);
        OwnerShares::of_tokens(
            callers.map(|caller| (Owner::new(&caller.token), caller.reaches_all())),
        )
    }

    /// The number of tokens that do not reach all names. They share what is not reserved for tokens
    /// that do.
    pub fn tenants(&self) -> usize {
        let tokens = self.0.read();
        let tenants = tokens.iter().filter(|(_, caller)| !caller.reaches_all());
        tenants.count()
    }

    /// The owner whose share counts what belongs to `owner`: the owner itself, or
    /// [`Owner::removed`] if its token no longer exists. `None` if its token reaches all names, or
    /// if there are no tokens.
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

    /// The caller of a request: who sends it, or for whom another node has passed it on.
    ///
    /// # Errors
    ///
    /// 401 without a token or with an unknown one.
    pub fn caller(&self, request: &HttpRequest) -> Result<Arc<Caller>, Problem> {
        if let Some(Forwarded(caller)) = request.extensions().get() {
            return Ok(Arc::clone(caller));
        }
        self.identify(request.headers())
    }

    /// The caller that sends these headers.
    ///
    /// # Errors
    ///
    /// 401 without a token or with an unknown one.
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
        // All tokens are compared, so that the time does not show the position of the right one.
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
    /// A caller with these rights.
    pub fn new(token: String, scopes: BTreeSet<Scope>, names: Pattern) -> Self {
        Self {
            token,
            scopes,
            names,
        }
    }

    /// Its scopes.
    pub fn scopes(&self) -> impl Iterator<Item = Scope> + '_ {
        self.scopes.iter().copied()
    }

    /// The caller of a service without tokens.
    pub fn everybody() -> Self {
        Self {
            token: String::new(),
            scopes: Scope::ALL.into(),
            names: Pattern::all(),
        }
    }

    /// Whether the caller may know about this name.
    pub fn reaches(&self, name: &ConnectionName) -> bool {
        self.names.matches(name)
    }

    /// Checks for one of these scopes.
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

    /// The names that the caller may know about.
    pub fn names(&self) -> &Pattern {
        &self.names
    }

    /// Whether the caller may know about all names.
    pub fn reaches_all(&self) -> bool {
        self.names == Pattern::all()
    }

    /// Checks that the caller may know about all names. `or` says what is refused otherwise.
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

    /// The name of a connection, as the caller wrote it.
    ///
    /// # Errors
    ///
    /// 404 if the text is not a name, 403 if the caller must not know about it.
    pub fn name(&self, name: &str) -> Result<ReachedName, Problem> {
        let name = ConnectionName::new(name).map_err(|_| Problem::unknown(name))?;
        self.reach(name)
    }

    /// Checks that the caller may know about this name of a connection or a secret.
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

/// A name that its caller may know about. Connections can be found only with this.
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

/// The token among the subprotocols of a WebSocket handshake, for pages that cannot set
/// `Authorization`: `bearer.TOKEN`. It is base64url without padding, since a subprotocol allows
/// fewer characters than a token.
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
