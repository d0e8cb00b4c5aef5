//! The connection that the path of a request names.
//!
//! A handler that takes [`Found`] can forget no check: whether the caller has the scope, whether the name is one, whether the caller
//! reaches it, whether there is such a connection.

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

/// A name that the caller reaches, for what they have the scope for. The connection need not be there.
pub struct Named<N> {
    /// What all handlers share.
    pub state: Data<AppState>,
    /// Who asks.
    pub caller: Permit<N>,
    /// The name.
    pub name: ReachedName,
}

/// A connection that is there, under a name that the caller reaches, for what they have the scope for.
pub struct Found<N> {
    /// What all handlers share.
    pub state: Data<AppState>,
    /// Who asks.
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
    /// Those of [`AppState::find`].
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
    /// What the connection tells about itself.
    ///
    /// # Errors
    ///
    /// Those of [`AppState::status`].
    pub async fn status(&self) -> Result<Status, Problem> {
        self.state.status(&self.handle).await
    }
}

/// Of a path, whatever else is in it.
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
