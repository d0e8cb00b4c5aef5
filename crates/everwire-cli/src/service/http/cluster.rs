//! The cluster: its nodes, and where names are.

use actix_web::{
    HttpResponse,
    web::{Data, Path},
};

use super::{
    lookup::Named,
    permit::{Permit, ToControl, ToRead},
    problem::Problem,
};
use crate::service::{
    cluster::{ClusterStatus, NameInCluster, NotChanged},
    state::AppState,
};

/// The cluster, as this node sees it
///
/// Only for tokens that reach all names.
#[utoipa::path(
    get,
    path = "/v1/cluster",
    tag = "cluster",
    responses(
        (status = 200, body = ClusterStatus),
        (status = 404, body = super::schema::Problem, content_type = "application/problem+json", description = "The process is no node of a cluster"),
    ),
)]
pub async fn status(
    permit: Permit<ToRead>,
    state: Data<AppState>,
) -> Result<HttpResponse, Problem> {
    permit.need_all_names("the token does not reach all names, which the cluster is about")?;
    let status = state.cluster.status().ok_or_else(no_cluster)?;
    Ok(HttpResponse::Ok().json(status))
}

/// Where a name is
///
/// The names of the configuration are known to all nodes, whoever holds them.
#[utoipa::path(
    get,
    path = "/v1/cluster/names/{name}",
    tag = "cluster",
    params(("name" = inline(super::schema::Name), Path)),
    responses(
        (status = 200, body = NameInCluster),
        (status = 404, body = super::schema::Problem, content_type = "application/problem+json", description = "There is no such name, or no cluster"),
    ),
)]
pub async fn find(named: Named<ToRead>) -> Result<HttpResponse, Problem> {
    let Named { state, name, .. } = named;
    if !state.cluster.takes_part() {
        return Err(no_cluster());
    }
    let found = state.cluster.find(&name);
    let found = found.ok_or_else(|| Problem::unknown(name.as_str()))?;
    Ok(HttpResponse::Ok().json(found))
}

/// Have a node give away what it has
///
/// Its names move to other nodes, and it is given no more until it is started again. The answer comes
/// when the cluster knows it; the moves are still under way then. Only for tokens that reach all names.
#[utoipa::path(
    post,
    path = "/v1/cluster/nodes/{node}/drain",
    tag = "cluster",
    params(("node" = inline(super::schema::Name), Path)),
    responses(
        (status = 202, body = ClusterStatus, description = "It gives away what it has"),
        (status = 404, body = super::schema::Problem, content_type = "application/problem+json", description = "There is no such node, or no cluster"),
        (status = 503, body = super::schema::Problem, content_type = "application/problem+json", description = "The log of the cluster does not take the change"),
    ),
)]
pub async fn drain(
    permit: Permit<ToControl>,
    state: Data<AppState>,
    node: Path<String>,
) -> Result<HttpResponse, Problem> {
    permit.need_all_names("the token does not reach all names, which the cluster is about")?;
    state.cluster.drain(&node).await?;
    let status = state.cluster.status().ok_or_else(no_cluster)?;
    Ok(HttpResponse::Accepted().json(status))
}

fn no_cluster() -> Problem {
    NotChanged::NoCluster.into()
}

impl From<NotChanged> for Problem {
    fn from(error: NotChanged) -> Self {
        let detail = error.to_string();
        match error {
            NotChanged::NoNode(_) | NotChanged::NoCluster => Self::not_found(detail),
            NotChanged::NotInLog(_) => Self::unavailable(detail).member("reason", "not_in_log"),
        }
    }
}
