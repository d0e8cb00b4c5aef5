//! Secrets over the API: they can be set and deleted. Only a dial can read them.

use actix_web::{
    HttpRequest, HttpResponse,
    web::{Data, Path, Payload},
};
use everwire::{ConnectionName, Owner, config::Secret};

use super::{
    body,
    permit::{Permit, ToControl},
    problem::Problem,
};
use crate::service::{changes::Subject, persisted, state::AppState};

/// The longest secret, in bytes.
const MAX_SECRET: usize = 64 * 1024;

/// Set the value of `${secret:ID}`
///
/// The body is the value, verbatim. It applies from the next dial on. A new secret belongs to the
/// token that creates it, and counts towards its share.
#[utoipa::path(
    put,
    path = "/v1/secrets/{id}",
    tag = "secrets",
    params(("id" = inline(super::schema::Name), Path)),
    request_body(content = inline(super::schema::SecretValue), content_type = "text/plain"),
    responses(
        (status = 201, description = "Created"),
        (status = 204, description = "Replaced"),
        (status = 409, body = super::schema::Problem, content_type = "application/problem+json", description = "There are too many, of all or of this token, or another change of it is under way"),
        (status = 413, body = super::schema::Problem, content_type = "application/problem+json", description = "Longer than 64 KiB"),
        (status = 422, body = super::schema::Problem, content_type = "application/problem+json", description = "No id, an empty value, or not UTF-8"),
    ),
)]
pub async fn put(
    permit: Permit<ToControl>,
    state: Data<AppState>,
    id: Path<String>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let id = ConnectionName::new(id.as_str())
        .map_err(|error| Problem::unprocessable(format!("invalid id {:?}: {error}", *id)))?;
    let id = permit.reach(id)?;
    state.refuse_unknown()?;
    let value = body::change(&request, payload, MAX_SECRET).await?;
    let value = String::from_utf8(value.into());
    let value = value.map_err(|_| Problem::unprocessable("invalid value: it is not UTF-8"))?;
    if value.is_empty() {
        return Err(Problem::unprocessable(
            "invalid value: it is empty; DELETE removes a secret",
        ));
    }
    let turn = state
        .changes
        .turn(Subject::Secret(ConnectionName::clone(&id)))
        .await?;
    let (manager, owner) = (&state.manager, Owner::new(&permit.token));
    let tenants = (!permit.reaches_all()).then(|| state.access.tenants());
    let secret = Secret::new(value.clone());
    let put = state
        .secrets
        .put(manager, &id, secret, owner.clone(), tenants);
    let is_new = put.map_err(|refused| Problem::conflict(refused.to_string()))?;
    match is_new {
        true => persisted::new_secret(manager, &id, &owner, value.as_bytes()),
        false => persisted::secret(manager, &id, value.as_bytes()),
    }
    drop(turn);
    persisted::written(&state.manager).await?;
    Ok(match is_new {
        true => HttpResponse::Created().finish(),
        false => HttpResponse::NoContent().finish(),
    })
}

/// Delete a secret
///
/// Connections that need it wait for it at their next dial.
#[utoipa::path(
    delete,
    path = "/v1/secrets/{id}",
    tag = "secrets",
    params(("id" = inline(super::schema::Name), Path)),
    responses(
        (status = 204, description = "It is gone"),
        (status = 409, body = super::schema::Problem, content_type = "application/problem+json", description = "Another change of it is under way"),
    ),
)]
pub async fn delete(
    permit: Permit<ToControl>,
    state: Data<AppState>,
    id: Path<String>,
) -> Result<HttpResponse, Problem> {
    let unknown = || Problem::not_found(format!("there is no secret {:?}", *id));
    let reached = ConnectionName::new(id.as_str()).map_err(|_| unknown())?;
    let reached = permit.reach(reached)?;
    state.refuse_unknown()?;
    let turn = state
        .changes
        .turn(Subject::Secret(ConnectionName::clone(&reached)))
        .await?;
    let was_there = state.secrets.remove(&state.manager, &reached);
    persisted::forget_secret(&state.manager, &reached);
    drop(turn);
    persisted::written(&state.manager).await?;
    match was_there {
        true => Ok(HttpResponse::NoContent().finish()),
        false => Err(unknown()),
    }
}
