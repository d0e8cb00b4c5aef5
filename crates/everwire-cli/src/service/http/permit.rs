//! A caller who has the scope that a route needs.

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

/// Something that a caller needs a scope for.
pub trait Need: 'static {
    /// Asks for it.
    ///
    /// # Errors
    ///
    /// 403, with a challenge that says what is lacking (RFC 6750 §3.1).
    fn ask(caller: &Caller) -> Result<(), Problem>;
}

/// Both of them, in this order.
impl<A: Need, B: Need> Need for (A, B) {
    fn ask(caller: &Caller) -> Result<(), Problem> {
        A::ask(caller)?;
        B::ask(caller)
    }
}

/// Declares a need, with the scopes of which one is enough, and how the lack of it is told.
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
    /// To look.
    ToRead: [Read], "read"
}
need! {
    /// To send.
    ToSend: [Send], "send"
}
need! {
    /// To ask what became of a message: who may send may ask.
    ToAsk: [Send, Read], "send"
}
need! {
    /// To change.
    ToControl: [Control], "control"
}
need! {
    /// To be known.
    ToCome: [Read, Send, Control], "read"
}

/// A caller who has the scope: the one way to the handlers of routes that need one.
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
    let caller = state.access.identify(request.headers())?;
    N::ask(&caller)?;
    Ok(Permit(caller, PhantomData))
}
