//! The causes of states.

use super::code::Code;

/// Why a dial failed or a socket was lost, in the order of [`Cause::KINDS`](everwire::core::Cause::KINDS).
pub const LOSSES: [Code; 31] = [
    Code {
        code: "secret_missing",
        meaning: "A secret of the settings is missing: the file of a `${file:PATH}` cannot be read, or the service has no `${secret:ID}`. Nothing was dialled.",
        remedy: "Write the file, or give the secret with `PUT /v1/secrets/ID`. It is read again before each dial.",
    },
    Code {
        code: "invalid_request",
        meaning: "The URL, a header or a credential cannot be sent once its secrets and captures are filled in. Nothing was dialled.",
        remedy: "Look for a line end or another control character in the secret. The text names the part.",
    },
    Code {
        code: "forbidden",
        meaning: "The policy forbids the address: `allow_urls` of the caller's token, or the rules for a URL that a server has named.",
        remedy: "Widen `allow_urls` if the address is meant. A URL that a server names must be `wss` and lead to a public or an allowed address.",
    },
    Code {
        code: "dns",
        meaning: "The host name could not be resolved.",
        remedy: "Check the name in `url`, and the resolver of this machine: `getent hosts NAME`.",
    },
    Code {
        code: "proxy",
        meaning: "The proxy could not be reached, or did not open the tunnel. The status is the proxy's, not the server's.",
        remedy: "Check `proxy`. 407 asks for a user and a password, 403 is the proxy's own rule, 502 to 504 say that it could not reach the server.",
    },
    Code {
        code: "refused",
        meaning: "The host is up, and nothing listens on the port.",
        remedy: "Check the port in `url`, and whether the server runs.",
    },
    Code {
        code: "unreachable",
        meaning: "This machine has no route to the address.",
        remedy: "Check the network: interface, routes, VPN. Often only one of IPv4 and IPv6 is missing.",
    },
    Code {
        code: "connect_timeout",
        meaning: "The dial took longer than `connect_timeout`. The text says in which phase: prepare, dns, proxy, tcp, tls or upgrade.",
        remedy: "In the phase tcp a firewall drops packets; in the phase upgrade the server is too slow. Raise `connect_timeout` only if the server is known to need longer.",
    },
    Code {
        code: "tcp",
        meaning: "The operating system failed the connection for another reason, for example because no file descriptors are left.",
        remedy: "The text is the operating system's. \"Too many open files\": raise the limit with `ulimit -n`, or `LimitNOFILE` in the unit.",
    },
    Code {
        code: "tls_certificate",
        meaning: "The server's certificate was not accepted by us, or our client certificate was not accepted by the server.",
        remedy: "The text says why: expired, another host name, an unknown authority. Set `tls.ca_file` for a private authority, `tls.server_name` for another name, `tls.cert_file` and `tls.key_file` if the server wants a client certificate.",
    },
    Code {
        code: "tls",
        meaning: "The TLS handshake failed for another reason.",
        remedy: "Check that the port speaks TLS: `wss` to a port that speaks plain text fails so. Old servers without TLS 1.2 cannot be used.",
    },
    Code {
        code: "handshake_status",
        meaning: "The server answered the upgrade with another HTTP status than 101.",
        remedy: "401 and 403: check the credentials. 404: check the path of `url`. 429 and 503: the server is busy, and `Retry-After` is honoured. After any other 4xx already the first delay may be as long as `reconnect.max`.",
    },
    Code {
        code: "handshake_invalid",
        meaning: "The answer to the upgrade breaks RFC 6455 or HTTP. The other side is probably not a WebSocket server.",
        remedy: "Check `url`: the path, and whether a web server or a load balancer in between passes `Upgrade` on.",
    },
    Code {
        code: "subprotocol",
        meaning: "The server chose a subprotocol that was not offered, or none although some were offered.",
        remedy: "Set `subprotocols` to what the server's documentation names, in its spelling.",
    },
    Code {
        code: "extension",
        meaning: "The server agreed to an extension that was not offered, or to compression in a way that cannot be accepted.",
        remedy: "Set `compression = false` for this server.",
    },
    Code {
        code: "closed",
        meaning: "The server closed the WebSocket with a close frame. The text has its code and its reason.",
        remedy: "Look the code up in the server's documentation. Write a code for which another dial is useless, such as a login that is forbidden, into `reconnect.give_up_on`.",
    },
    Code {
        code: "eof",
        meaning: "The TCP connection ended without a close frame: the server's process died, or something in between ended it.",
        remedy: "It is dialled again. If it happens after the same time each time, a load balancer cuts idle connections: shorten `heartbeat.interval`.",
    },
    Code {
        code: "reset",
        meaning: "The TCP connection was reset, or the operating system failed it.",
        remedy: "It is dialled again. Resets under load point to the server or to a firewall that lost its state.",
    },
    Code {
        code: "pong_timeout",
        meaning: "No answer to a heartbeat came within `heartbeat.timeout`, or only pongs that do not repeat our ping.",
        remedy: "The network is gone, or the server answers no pings. For a server with a heartbeat of its own set `heartbeat.kind = \"text\"` with its `ping` and `pong`; for one that answers none set `heartbeat = \"none\"` and `idle_timeout`.",
    },
    Code {
        code: "fence_timeout",
        meaning: "The server sends messages, but does not answer the ping that confirms ours.",
        remedy: "If the server answers no pings, set `heartbeat.kind = \"text\"` with `fence = true`, so that its own heartbeat confirms messages; or wait for `written` only.",
    },
    Code {
        code: "write_timeout",
        meaning: "The server took none of our bytes within `heartbeat.timeout`: it does not read.",
        remedy: "It is dialled again. If it goes on, send less, or ask who runs the server.",
    },
    Code {
        code: "idle_timeout",
        meaning: "No byte of a message came within `idle_timeout`.",
        remedy: "Raise `idle_timeout` if the feed is quiet at times; otherwise the subscription is gone at the server, and the new socket asks for it again.",
    },
    Code {
        code: "memory",
        meaning: "A message could not be received, because all connections together use as much memory as `service.memory` allows.",
        remedy: "Raise `service.memory`, lower `max_message`, or find the connection that fills its outbox with `everwire ls`.",
    },
    Code {
        code: "protocol",
        meaning: "The server broke RFC 6455 or RFC 7692, or sent more than `max_message` or `max_frame` allows.",
        remedy: "For a limit the text names the key to raise. Everything else is a fault of the server.",
    },
    Code {
        code: "decode",
        meaning: "A message is not what `decode` says, or is longer than `max_message` once it is decompressed.",
        remedy: "Check `decode` against the server's documentation: gzip, zlib-stream and the others differ.",
    },
    Code {
        code: "prepare",
        meaning: "A step of `prepare` failed or was refused, so nothing was dialled. The text says which step, its answer and what decided.",
        remedy: "`everwire dial NAME --config FILE --steps` runs the steps one by one. 401 and 403: check the credentials of the step.",
    },
    Code {
        code: "script_refused",
        meaning: "The server refused what a step of `open_script` asked for: its `fail` matched. The text has what the server said.",
        remedy: "Check the credentials and the arguments of the step. If repeating it cannot help, say so with `give_up` on the step.",
    },
    Code {
        code: "script_timeout",
        meaning: "A step of `open_script` was not answered within its `within`. The text has what was expected, and what came last.",
        remedy: "If the answer did come, `expect` does not match it: try it at the prompt of `everwire dial NAME --config FILE --steps`.",
    },
    Code {
        code: "rule",
        meaning: "A rule of `rules` with `do = \"reconnect\"` or `\"give_up\"` matched.",
        remedy: "The text has the rule and its match. Nothing to do if the server had warned us.",
    },
    Code {
        code: "template",
        meaning: "A text that was due could not be made from its template, for example because a capture is absent.",
        remedy: "The text names the part. Give it another value with `default(x, y)`, or capture the value earlier.",
    },
    Code {
        code: "panic",
        meaning: "Code of everwire or of a subscriber in this process panicked. Only this connection was restarted.",
        remedy: "Please report it with the text and the log. Repeated panics are retried with backoff.",
    },
];

/// The causes of states that are not losses.
pub const STATES: [Code; 6] = [
    Code {
        code: "store",
        meaning: "The connection is durable, and the store in `state_dir` cannot be opened or written. It is tried again.",
        remedy: "Free disk space, or give the directory back to the service's user. The text is the store's.",
    },
    Code {
        code: "sessions_only",
        meaning: "The connection keeps no socket of its own, since `sessions_only` is set: each client of the raw bridge opens one.",
        remedy: "Nothing is wrong.",
    },
    Code {
        code: "closed_by_hand",
        meaning: "Somebody closed the connection. That stays so over reloads and restarts.",
        remedy: "`everwire connect NAME` opens it again.",
    },
    Code {
        code: "shutdown",
        meaning: "The service shuts down.",
        remedy: "Nothing is wrong. The connection comes back with the service.",
    },
    Code {
        code: "removed",
        meaning: "The connection is being removed: by the API, or because the file no longer had it at a reload.",
        remedy: "Write it into the file again if it was removed by mistake, and reload.",
    },
    Code {
        code: "rotation",
        meaning: "The socket gives way to a new one, which is dialled as soon as the old one has ended (`rotation = \"replace\"`).",
        remedy: "Nothing is wrong.",
    },
];
