//! Connections that are created and removed at run time.

use std::time::Duration;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header,
    web::{Data, Path, Payload},
};
use everwire::{
    ConnectionName, ConnectionSettings, Manager, Owner, Status,
    config::ApiLimits,
    manager::{ConfigureError, OpenError},
};

use super::{
    access::{Caller, ReachedName},
    body,
    lookup::Named,
    permit::{Permit, ToControl},
    problem::Problem,
};
use crate::service::{changes::Subject, persisted, state::AppState};

/// The longest settings, in bytes.
const MAX_SETTINGS: usize = 1 << 20;
/// The longest settings of a token that does not reach all names. They are kept in memory and on
/// disk for each of its names, and each list shows their tags.
const TENANTS_SETTINGS: usize = 64 << 10;
/// The most connections, with those of the file.
const MAX_CONNECTIONS: usize = 100_000;
/// The part of these that is reserved for callers that reach all names.
const KEPT_CONNECTIONS: usize = 1_000;
/// How long a request waits for a connection to close. The removal continues in any case.
const REMOVAL: Duration = Duration::from_secs(30);

/// Create or replace a connection
///
/// The body has the keys of `[connections.NAME]` of the TOML file. The connection inherits
/// `[defaults]` and `[groups]`, except for the keys that say where to dial and those that may hold
/// secrets. `${NAME}`, `${file:PATH}` and paths are not allowed, only `${secret:ID}`.
/// `service.api_limits` limits the values. A new name belongs to the token that creates it.
/// Replacing it does not change its owner.
#[utoipa::path(
    put,
    path = "/v1/connections/{name}",
    tag = "connections",
    params(("name" = inline(super::schema::Name), Path)),
    request_body(content = super::schema::Settings, content_type = "application/json"),
    responses(
        (status = 200, body = super::schema::Status, description = "Replaced"),
        (status = 201, body = super::schema::Status, description = "Created"),
        (status = 409, body = super::schema::Problem, content_type = "application/problem+json", description = "The configuration's file owns the name, another change of it is under way, or there are as many names as there may be, of all or of this token"),
        (status = 413, body = super::schema::Problem, content_type = "application/problem+json", description = "Longer than 1 MiB, or than 64 KiB if the token does not reach all names"),
        (status = 415, body = super::schema::Problem, content_type = "application/problem+json", description = "Not JSON"),
        (status = 422, body = super::schema::Problem, content_type = "application/problem+json", description = "Settings that cannot be used: all that is wrong"),
    ),
)]
pub async fn put(
    permit: Permit<ToControl>,
    state: Data<AppState>,
    name: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let name = ConnectionName::new(name.as_str())
        .map_err(|error| Problem::unprocessable(format!("invalid name {:?}: {error}", *name)))?;
    let name = permit.reach(name)?;
    state.refuse_owned(&name)?;
    state.refuse_unknown()?;
    let longest = match permit.reaches_all() {
        true => MAX_SETTINGS,
        false => TENANTS_SETTINGS,
    };
    let text = body::json_text(&request, payload, longest).await?;
    let change = {
        let (state, name) = (state.clone(), name.clone());
        async move { put_in_turn(&permit, &state, &name, &text).await }
    };
    let (is_new, status) = AppState::whole(change).await?;
    persisted::written(&state.manager).await?;
    if !is_new {
        return Ok(HttpResponse::Ok().json(status));
    }
    let rules = state.rules();
    let prefix = rules.public_url.as_ref().map_or("", |url| url.path());
    let location = format!("{prefix}/v1/connections/{}", *name);
    let mut created = HttpResponse::Created();
    Ok(created
        .insert_header((header::LOCATION, location))
        .json(status))
}

/// Whether the name is new, and its status. A later change may remove the name before this one is
/// answered.
async fn put_in_turn(
    caller: &Caller,
    state: &AppState,
    name: &ReachedName,
    text: &[u8],
) -> Result<(bool, Status), Problem> {
    let subject = Subject::Connection(ConnectionName::clone(name));
    let _turn = state.changes.turn(subject).await?;
    let _steady = state.changes.steady().await;
    // A reload may have given the name to the file while the body arrived.
    state.refuse_owned(name)?;
    let rules = state.rules();
    let inherited = &rules.inherited;
    let settings = inherited.connection_within(text, &rules.policy, &rules.limits)?;
    refuse_foreign_secrets(caller, &settings)?;
    refuse_what_moves_others(caller, &settings)?;
    let owner = Owner::new(&caller.token);
    let is_new = match open(caller, state, &rules.limits, name, &settings, owner.clone())? {
        true => {
            persisted::new_connection(&state.manager, name, &owner, text);
            true
        }
        false => {
            configure(state, name, settings).await?;
            persisted::connection(&state.manager, name, text);
            false
        }
    };
    let (handle, _) = state.find(name)?;
    Ok((is_new, state.status(&handle).await?))
}

/// Remove a connection
///
/// The connection is closed as by hand, and then forgotten.
#[utoipa::path(
    delete,
    path = "/v1/connections/{name}",
    tag = "connections",
    params(("name" = inline(super::schema::Name), Path)),
    responses(
        (status = 202, description = "It is still closing"),
        (status = 204, description = "It is gone"),
        (status = 409, body = super::schema::Problem, content_type = "application/problem+json", description = "The configuration's file owns the name, or another change of it is under way"),
    ),
)]
pub async fn delete(named: Named<ToControl>) -> Result<HttpResponse, Problem> {
    let Named { state, name, .. } = named;
    state.refuse_unknown()?;
    let removal = delete_in_turn(state.clone(), name);
    let removed = tokio::time::timeout(REMOVAL, AppState::whole(removal)).await;
    // A connection that is reported as removed is also removed on disk, whoever removed it.
    persisted::written(&state.manager).await?;
    match removed {
        Ok(removed) => removed.map(|()| HttpResponse::NoContent().finish()),
        Err(_) => Ok(HttpResponse::Accepted().finish()),
    }
}

/// The turn lasts until the name is free.
async fn delete_in_turn(state: Data<AppState>, name: ReachedName) -> Result<(), Problem> {
    let subject = Subject::Connection(ConnectionName::clone(&name));
    let _turn = state.changes.turn(subject).await?;
    {
        let _steady = state.changes.steady().await;
        state.find(&name)?;
        state.refuse_owned(&name)?;
        persisted::forget_connection(&state.manager, &name);
        state.holds.forget(&state.manager, &name);
    }
    state.cluster.removed(&name);
    let removed = state.manager.remove(&*name).await;
    removed.map_err(|_gone| Problem::unknown(name.as_str()))
}

/// A token that reaches some names also reaches the secrets with such ids. With other secrets, it
/// could send the secret of another token anywhere.
fn refuse_foreign_secrets(caller: &Caller, settings: &ConnectionSettings) -> Result<(), Problem> {
    for id in settings.secret_ids() {
        let reached = ConnectionName::new(id).is_ok_and(|id| caller.reaches(&id));
        if !reached {
            return Err(Problem::forbidden(format!(
                "the token does not reach the secret {id:?}"
            )));
        }
    }
    Ok(())
}

/// A token that reaches some names must not use a bucket of the file, because it would use up the
/// rate of others. It must not make a connection required, because that would affect readiness.
/// Inherited values count as well: the caller chooses the group.
fn refuse_what_moves_others(caller: &Caller, settings: &ConnectionSettings) -> Result<(), Problem> {
    if caller.reaches_all() {
        return Ok(());
    }
    let of_steps = settings
        .dialogue
        .iter()
        .flat_map(|dialogue| dialogue.rates());
    let mut rates = settings.rate.iter().chain(of_steps);
    if let Some(bucket) = rates.find_map(|rate| rate.bucket.as_ref()) {
        return Err(Problem::forbidden(format!(
            "invalid rate: the token does not reach all names, but others share the bucket {bucket:?}; give the name a rate of its own, as \
             {{\"messages\": 5, \"per\": \"1s\"}}"
        )));
    }
    if settings.required {
        let detail = "invalid required: the token does not reach all names, and the service would not be ready without this connection; write false";
        return Err(Problem::forbidden(detail));
    }
    Ok(())
}

/// Opens a name that does not exist yet and belongs to this owner. Returns whether it opened it.
fn open(
    caller: &Caller,
    state: &AppState,
    limits: &ApiLimits,
    name: &ConnectionName,
    settings: &ConnectionSettings,
    owner: Owner,
) -> Result<bool, Problem> {
    let manager = &state.manager;
    // Nobody else opens a connection between the check and the opening.
    let _alone = state.opening.lock();
    if manager.find(name).is_some() {
        return Ok(false);
    }
    if state.cluster.takes_part() {
        let detail = "the process is a node of a cluster, whose names are those of the configuration: add the name there, for all nodes, and reload it";
        return Err(Problem::conflict(detail).member("reason", "cluster"));
    }
    refuse_one_more(caller, manager, limits, &owner)?;
    match manager.open_owned(name, settings.clone(), owner) {
        Ok(_) => Ok(true),
        Err(OpenError::Duplicate(_)) => Ok(false),
        Err(OpenError::FeatureMissing(missing)) => Err(missing.into()),
        Err(error) => Err(Problem::unavailable(error.to_string())),
    }
}

/// Checks that the limits for all names and for this owner allow one more.
fn refuse_one_more(
    caller: &Caller,
    manager: &Manager,
    limits: &ApiLimits,
    owner: &Owner,
) -> Result<(), Problem> {
    let (all, most) = (manager.len(), limits.names);
    if all >= MAX_CONNECTIONS {
        let detail =
            format!("there are {MAX_CONNECTIONS} connections, which is as many as there may be");
        return Err(Problem::conflict(detail));
    }
    if caller.reaches_all() {
        return Ok(());
    }
    if all >= MAX_CONNECTIONS - KEPT_CONNECTIONS {
        let detail = format!(
            "there are {all} connections, and the last {KEPT_CONNECTIONS} are for tokens that reach all names"
        );
        return Err(Problem::conflict(detail));
    }
    if manager.owned(owner) >= most {
        let detail = format!(
            "the token has put {most} names, as many as service.api_limits.names allows; DELETE one of them first"
        );
        return Err(Problem::conflict(detail));
    }
    Ok(())
}

async fn configure(
    state: &AppState,
    name: &ConnectionName,
    settings: ConnectionSettings,
) -> Result<(), Problem> {
    let configured = state
        .in_time(state.manager.configure(name, settings))
        .await?;
    configured.map(drop).map_err(|error| match error {
        ConfigureError::Gone(_) => Problem::conflict(format!("{name:?} is being removed")),
        ConfigureError::FeatureMissing(missing) => missing.into(),
        error => Problem::unavailable(error.to_string()),
    })
}
