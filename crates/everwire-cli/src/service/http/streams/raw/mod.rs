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

/// Which socket a client uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Sharing {
    /// Its own, which opens and closes with the client.
    #[default]
    Own,
    /// The socket of the connection, shared with all other clients.
    Shared,
}

/// Talk to a peer through this service
///
/// With `session=own`, the default, the client gets its own socket to the peer. The socket uses the
/// settings of the connection (URLs, headers, secrets, TLS, proxy, compression, limits) and is
/// dialled before this request is answered. The answer is 409 if the connection is closed, failed
/// or idle, and 503 with the `cause` if the peer cannot be reached. Messages pass unchanged in both
/// directions, and a slow reader slows down the other side. Only the client talks: neither
/// `on_open` nor heartbeat texts are sent. The service and the peer each answer pings themselves.
/// The client's subprotocols are offered to the peer, and the peer's choice is the answer.
/// `everwire.v1` and `bearer.TOKEN` are for this service, as in `/v1/ws`.
///
/// When the peer closes, the client is closed with the same code and reason. The code is 1012 if
/// there was none or the socket was lost, 1001 if the connection is closed by hand or removed or if
/// the service ends, and 1012 if its settings change. When the client closes, its socket to the
/// peer is closed with the same code. The status and the `why` of the connection list these sockets
/// as `sessions`, with the client, the peer and the traffic of each. The events `session_opened`
/// and `session_closed` report the beginning and the end of each, with the `cause`. At its end, the
/// service waits up to `drain_timeout` until all are closed. A connection with `sessions_only` has
/// no other sockets: it is `idle`, and admits clients.
///
/// With `session=shared`, all messages use the one socket of the connection and its reconnects:
/// each message of the client is sent, and the client receives each message of the peer. The end of
/// this WebSocket does not end the connection. A client is closed with 1013 if it is too slow, or
/// if the outbox has no room for its message.
///
/// Unmasked pongs and close frames of a client are accepted, as many servers do. Messages must be
/// masked.
///
/// This needs the scopes `send` and `read`. Text that a client appends to the path (a slash, the
/// identity of an OCPP charge point) and other parameters are ignored: the URL of the connection
/// decides what the peer is asked for.
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
                // Clients put their own parameters there, for example `EIO=4&transport=websocket`.
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
