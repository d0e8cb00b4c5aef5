//! Connections that come and go at run time.

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
/// The longest of a token that does not reach all names: they are kept in memory and on disk for each of its names, and its tags are in each
/// list.
const TENANTS_SETTINGS: usize = 64 << 10;
/// How many connections there may be, those of the file included.
const MAX_CONNECTIONS: usize = 100_000;
/// Of these, those that only callers open who reach all names.
const KEPT_CONNECTIONS: usize = 1_000;
/// How long a request waits for the end of a connection; it goes on all the same.
const REMOVAL: Duration = Duration::from_secs(30);

/// Create or replace a connection
///
/// The body has the keys of `[connections.NAME]` of the TOML file. `[defaults]` and `[groups]` are inherited, but for what says whom to
/// dial and what may be secret. No `${NAME}`, `${file:PATH}` or path is allowed, only `${secret:ID}`. `service.api_limits` bounds what may be
/// asked for. A new name belongs to the token that creates it; replacing it leaves it to its owner.
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

/// Whether the name is new, and what it is now: a later change may remove it before this one is answered.
async fn put_in_turn(
    caller: &Caller,
    state: &AppState,
    name: &ReachedName,
    text: &[u8],
) -> Result<(bool, Status), Problem> {
    let subject = Subject::Connection(ConnectionName::clone(name));
    let _turn = state.changes.turn(subject).await?;
    let _steady = state.changes.steady().await;
    // The file may have taken the name over while the body came.
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
/// It is closed as by hand, and forgotten.
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
    // What is told to be gone is gone on disk, too, whoever removed it.
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
    let removed = state.manager.remove(&*name).await;
    removed.map_err(|_gone| Problem::unknown(name.as_str()))
}

/// A token that reaches some names reaches the secrets with such ids: another's would otherwise be sent wherever it likes.
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

/// A token that reaches some names shares no bucket of the file, or it would use up what others send by, and says nothing about whether the
/// process is ready. What is inherited counts as well: a group is chosen by who puts the name.
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

/// Opens a name that is not there yet, and belongs to this owner; whether it was not.
fn open(
    caller: &Caller,
    state: &AppState,
    limits: &ApiLimits,
    name: &ConnectionName,
    settings: &ConnectionSettings,
    owner: Owner,
) -> Result<bool, Problem> {
    let manager = &state.manager;
    // Between the look and the opening nobody opens another one.
    let _alone = state.opening.lock();
    if manager.find(name).is_some() {
        return Ok(false);
    }
    refuse_one_more(caller, manager, limits, &owner)?;
    match manager.open_owned(name, settings.clone(), owner) {
        Ok(_) => Ok(true),
        Err(OpenError::Duplicate(_)) => Ok(false),
        Err(OpenError::FeatureMissing(missing)) => Err(missing.into()),
        Err(error) => Err(Problem::unavailable(error.to_string())),
    }
}

/// There are as many names as there may be, or as the owner may have.
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
