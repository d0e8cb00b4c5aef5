//! The connection that the path of a request names.
//!
//! A handler that takes [`Found`] has all checks done: the scope of the caller, whether the name is
//! valid, whether the caller reaches it, and whether the connection exists.

use std::{
    future::{Ready, ready},
    sync::Arc,
};

use actix_web::{
    Error, FromRequest, HttpRequest,
    dev::Payload,
    web::{Data, Path},
};
use everwire::{ConnectionSettings, Handle, Status};
use serde::Deserialize;

use super::{
    access::ReachedName,
    permit::{Need, Permit},
    problem::Problem,
};
use crate::service::state::AppState;

/// A name that the caller reaches, for actions that their scope allows. The connection may not
/// exist.
pub struct Named<N> {
    /// The shared state of all handlers.
    pub state: Data<AppState>,
    /// The caller.
    pub caller: Permit<N>,
    /// The name.
    pub name: ReachedName,
}

/// An existing connection under a name that the caller reaches, for actions that their scope
/// allows.
pub struct Found<N> {
    /// The shared state of all handlers.
    pub state: Data<AppState>,
    /// The caller.
    pub caller: Permit<N>,
    /// The name.
    pub name: ReachedName,
    /// The connection.
    pub handle: Handle,
    /// Its settings.
    pub settings: Arc<ConnectionSettings>,
}

impl<N: Need> Named<N> {
    /// The connection of this name.
    ///
    /// # Errors
    ///
    /// The errors of [`AppState::find`].
    pub fn find(self) -> Result<Found<N>, Problem> {
        let (handle, settings) = self.state.find(&self.name)?;
        Ok(Found {
            state: self.state,
            caller: self.caller,
            name: self.name,
            handle,
            settings,
        })
    }

    fn of(request: &HttpRequest, payload: &mut Payload) -> Result<Self, Error> {
        let caller = Permit::from_request(request, payload).into_inner()?;
        let state = Data::from_request(request, payload).into_inner()?;
        let path = Path::<Segments>::from_request(request, payload).into_inner()?;
        let name = caller.name(&path.name)?;
        Ok(Self {
            state,
            caller,
            name,
        })
    }
}

impl<N> Found<N> {
    /// The status of the connection.
    ///
    /// # Errors
    ///
    /// The errors of [`AppState::status`].
    pub async fn status(&self) -> Result<Status, Problem> {
        self.state.status(&self.handle).await
    }
}

/// The name in a path.
#[derive(Debug, Deserialize)]
struct Segments {
    name: String,
}

impl<N: Need> FromRequest for Named<N> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        ready(Self::of(request, payload))
    }
}

impl<N: Need> FromRequest for Found<N> {
    type Error = Error;
    type Future = Ready<Result<Self, Error>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let named = Named::of(request, payload);
        ready(named.and_then(|named| Ok(named.find()?)))
    }
}
