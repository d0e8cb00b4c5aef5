//! A caller who has the scope that a route requires.

use std::{fmt, future::Ready, marker::PhantomData, ops::Deref, sync::Arc};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::header::{self, HeaderValue},
    web::Data,
};
use everwire::config::Scope;

use super::{access::Caller, problem::Problem};
use crate::service::state::AppState;

/// An action that requires a scope.
pub trait Need: 'static {
    /// Checks the scope.
    ///
    /// # Errors
    ///
    /// 403, with a challenge that names the missing scope (RFC 6750 §3.1).
    fn ask(caller: &Caller) -> Result<(), Problem>;
}

/// Both of them, in this order.
impl<A: Need, B: Need> Need for (A, B) {
    fn ask(caller: &Caller) -> Result<(), Problem> {
        A::ask(caller)?;
        B::ask(caller)
    }
}

/// Declares an action with the scopes of which one is enough, and the scope to name in the refusal.
macro_rules! need {
    ($(#[doc = $doc:literal])* $name:ident: [$($scope:ident),*], $text:literal) => {
        $(#[doc = $doc])*
        pub enum $name {}

        impl Need for $name {
            fn ask(caller: &Caller) -> Result<(), Problem> {
                const CHALLENGE: &str =
                    concat!("Bearer realm=\"everwire\", error=\"insufficient_scope\", scope=\"", $text, "\"");
                caller.need(&[$(Scope::$scope),*]).map_err(|problem| {
                    problem.header(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE))
                })
            }
        }
    };
}

need! {
    /// Reading.
    ToRead: [Read], "read"
}
need! {
    /// Sending.
    ToSend: [Send], "send"
}
need! {
    /// Reading the fate of a message: a sender may read it, too.
    ToAsk: [Send, Read], "send"
}
need! {
    /// Changing.
    ToControl: [Control], "control"
}
need! {
    /// Any scope.
    ToCome: [Read, Send, Control], "read"
}

/// A caller who has the scope. Handlers of routes that require one can be reached only with this.
pub struct Permit<N>(Arc<Caller>, PhantomData<N>);

impl<N> Deref for Permit<N> {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.0
    }
}

impl<N> fmt::Debug for Permit<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<N: Need> FromRequest for Permit<N> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(permit(request))
    }
}

fn permit<N: Need>(request: &HttpRequest) -> Result<Permit<N>, Problem> {
    let state = request.app_data::<Data<AppState>>();
    let state = state
        .ok_or_else(|| Problem::unavailable("the access rules are not loaded; ask again later"))?;
    let caller = state.access.caller(request)?;
    N::ask(&caller)?;
    Ok(Permit(caller, PhantomData))
}
