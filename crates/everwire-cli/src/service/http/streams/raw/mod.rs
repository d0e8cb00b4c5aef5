//! The raw bridge: an existing WebSocket client changes one URL.

mod bridges;
mod client;
mod own;
mod refusal;
mod shared;
mod subprotocols;

use actix_web::{HttpRequest, HttpResponse, web::Payload};
use serde::Serialize;
use utoipa::ToSchema;

pub use self::bridges::Bridges;

use crate::service::http::{
    lookup::Named,
    permit::{ToRead, ToSend},
    problem::Problem,
};

/// Whose socket a client talks over.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// One of its own, which comes and goes with it.
    #[default]
    Own,
    /// That of the connection, with all others.
    Shared,
}

/// Talk to a peer as if the WebSocket were one's own
///
/// With `session=own`, the default, the client gets a socket of its own to the peer, by the connection's settings (URLs, headers, secrets, TLS,
/// proxy, compression, limits), dialled before this is answered: 409 for a connection that is closed, failed or idle, 503 where the peer cannot
/// be reached, with its `cause`. Messages pass verbatim, both ways, and whoever reads slowly slows the other one down. All talking is the client's:
/// neither `on_open` nor a heartbeat's texts are sent; pings are answered here and by the peer, each for itself. The client's subprotocols are
/// offered to the peer, and the peer's choice is the answer; `everwire.v1` and `bearer.TOKEN` are for this service, as in `/v1/ws`. When the peer closes,
/// the client is closed with the same code and reason, and with 1012 where there was none, or the socket was lost; with 1001 when the connection is
/// closed by hand or removed, or the service ends, with 1012 when its settings change. When the client closes, so is its socket to the peer, with
/// the same code. The status and the `why` of the connection list these sockets as `sessions`: whose each is, with which peer, and what has passed; the
/// events `session_opened` and `session_closed` tell of its beginning and of its end, with the `cause`. At its end the service waits, within
/// `drain_timeout`, until all have closed. A connection with `sessions_only` has no other sockets: it is `idle`, and lets clients in.
///
/// With `session=shared` each message of the client is sent, and each message of the peer is told, over the connection's one socket and its
/// reconnects; the end of this WebSocket is not the connection's. A client that is too slow, or whose message finds the outbox full, is closed with 1013.
///
/// Pongs and close frames that a client forgets to mask are taken, as many servers do; messages must be masked.
///
/// Needs the scopes `send` and `read`. What a client puts behind the path (a slash, the identity of an OCPP charge point) and other parameters are
/// ignored: the peer is asked for what the connection's URL says.
#[utoipa::path(
    get,
    path = "/v1/connections/{name}/raw",
    tag = "messages",
    params(
        ("name" = inline(crate::service::http::schema::Name), Path),
        ("session" = inline(Option<Sharing>), Query, description = "Whose socket it is; own by default"),
    ),
    responses(
        (status = 101, description = "The WebSocket is open"),
        (status = 409, body = crate::service::http::schema::Problem, content_type = "application/problem+json", description = "The connection is closed, failed or idle"),
        (status = 426, body = crate::service::http::schema::Problem, content_type = "application/problem+json", description = "No WebSocket handshake"),
        (status = 503, body = crate::service::http::schema::Problem, content_type = "application/problem+json", description = "The peer cannot be reached"),
    ),
)]
pub async fn raw(
    named: Named<(ToSend, ToRead)>,
    request: HttpRequest,
    payload: Payload,
) -> Result<HttpResponse, Problem> {
    let sharing = Sharing::parse(request.query_string())?;
    let connection = named.find()?;
    super::check_handshake(&request)?;
    let slot = super::take_slot(&connection.state, &request, &connection.caller)?;
    match sharing {
        Sharing::Own => own::attach(connection, &request, slot, payload).await,
        Sharing::Shared => shared::attach(connection, &request, slot, payload).await,
    }
}

impl Sharing {
    fn parse(query: &str) -> Result<Self, Problem> {
        let mut sharing = Self::default();
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            sharing = match (&*key, &*value) {
                ("session", "own" | "") => Self::Own,
                ("session", "shared") => Self::Shared,
                ("session", _) => {
                    let detail = format!("invalid session: {value:?}; use own or shared");
                    return Err(Problem::bad_request(detail));
                }
                // Clients put their own there: `EIO=4&transport=websocket`, for example.
                _ => sharing,
            };
        }
        Ok(sharing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_has_a_socket_of_its_own_unless_it_asks_for_the_shared_one() {
        for (query, sharing) in [
            ("", Sharing::Own),
            ("session=", Sharing::Own),
            ("session=own", Sharing::Own),
            ("EIO=4&transport=websocket", Sharing::Own),
            ("EIO=4&session=shared", Sharing::Shared),
        ] {
            assert_eq!(Sharing::parse(query).ok(), Some(sharing), "{query}");
        }
        let told = Sharing::parse("session=mine").unwrap_err().to_string();
        assert!(told.contains("use own or shared"), "{told}");
    }
}
