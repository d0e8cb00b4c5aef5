//! Reads the configuration again on request.

use actix_web::{HttpRequest, HttpResponse, web::Data};
use serde_json::json;

use super::{
    permit::{Permit, ToControl},
    problem::Problem,
};
use crate::service::reload::{ReloadError, reload};
use crate::service::state::AppState;

/// Read the configuration's files again
///
/// Names with unchanged settings keep their sockets. So do names whose changes need no new socket.
/// With `plan=true`, nothing changes, and the answer says what would change. Connections that were
/// created over the API stay. An invalid configuration changes nothing.
#[utoipa::path(
    post,
    path = "/v1/reload",
    tag = "control",
    params(("plan" = Option<bool>, Query, description = "Only say what would be done")),
    responses(
        (status = 200, body = super::schema::Reloaded),
        (status = 409, body = super::schema::Problem, content_type = "application/problem+json", description = "There is no file"),
        (status = 422, body = super::schema::Problem, content_type = "application/problem+json", description = "The configuration is invalid: all that is wrong"),
    ),
)]
pub async fn post(
    permit: Permit<ToControl>,
    state: Data<AppState>,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let plan_only = plan_only(request.query_string())?;
    permit.need_all_names(
        "the configuration concerns all names, and the token does not reach them",
    )?;
    let reloaded = reload(&state, !plan_only).await?;
    if reloaded.done {
        reloaded.log("api");
    }
    Ok(HttpResponse::Ok().json(reloaded))
}

fn plan_only(query: &str) -> Result<bool, Problem> {
    let mut plan = None;
    for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
        let read = match (&*key, value.parse::<bool>()) {
            ("plan", Ok(value)) if plan.is_none() => value,
            ("plan", Ok(_)) => {
                return Err(Problem::bad_request(
                    "invalid plan: it comes twice; write it once",
                ));
            }
            ("plan", Err(_)) => {
                return Err(Problem::bad_request("invalid plan: write true or false"));
            }
            _ => {
                let detail = format!("unknown parameter {key}; the only one is plan");
                return Err(Problem::bad_request(detail));
            }
        };
        plan = Some(read);
    }
    Ok(plan.unwrap_or_default())
}

impl From<ReloadError> for Problem {
    fn from(error: ReloadError) -> Self {
        let detail = error.to_string();
        match error {
            ReloadError::NoFile => Self::conflict(detail),
            ReloadError::Ending => Self::unavailable(detail),
            ReloadError::Invalid(diagnostics) => {
                let errors: Vec<_> = diagnostics.iter().collect();
                let omitted = diagnostics.count() - errors.len();
                Self::unprocessable(detail)
                    .member("errors", json!(errors))
                    .member("omitted", omitted)
            }
        }
    }
}
