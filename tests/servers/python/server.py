"""A foreign WebSocket server: PyPI's `websockets`.

    server.py [CERT KEY [CLIENT_CA]]

With CLIENT_CA, `wss` requires a client certificate of that authority. The path selects a
behaviour, with the same paths as in ../node/server.mjs except /received. /record/NAME appends a
line for each message to the file in the environment variable RECORD. The output is one line with
the ports: {"ws": PORT, "wss": PORT or null}. The server ends when its standard input does.
"""

import asyncio
import http
import json
import os
import ssl
import sys
from contextlib import AsyncExitStack

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

MAX_MESSAGE = 32 * 1024 * 1024

# Each line goes to the file at once.
RECORD = open(os.environ["RECORD"], "a", buffering=1) if "RECORD" in os.environ else None


async def echo(socket: ServerConnection) -> None:
    async for message in socket:
        await socket.send(message)


async def feed(socket: ServerConnection) -> None:
    tick = 0
    while True:
        tick += 1
        await socket.send(json.dumps({"t": tick}, separators=(",", ":")))
        await asyncio.sleep(0.02)


async def binary(socket: ServerConnection) -> None:
    await socket.send(bytes(range(256)))
    await echo(socket)


async def fragmented(socket: ServerConnection) -> None:
    await socket.send(["one ", "zwei ", "trois é"], text=True)
    await socket.send([b"\x00\x01", b"\x02", b"\x03\xff"])
    async for message in socket:
        middle = len(message) // 2
        await socket.send([message[:middle], message[middle:]])


async def record(socket: ServerConnection, name: str) -> None:
    async for message in socket:
        RECORD.write(f"{name} {message}\n")


async def close_with(socket: ServerConnection, code: int) -> None:
    await socket.recv()
    await socket.close(code, "as you asked")


async def handle(socket: ServerConnection) -> None:
    path = socket.request.path.partition("?")[0]
    try:
        if path.startswith("/close/"):
            await close_with(socket, int(path.removeprefix("/close/")))
        elif path.startswith("/record/"):
            await record(socket, path.removeprefix("/record/"))
        else:
            await HANDLERS[path](socket)
    except ConnectionClosed:
        pass


HANDLERS = {
    "/echo": echo,
    "/subprotocol": echo,
    "/feed": feed,
    "/binary": binary,
    "/fragmented": fragmented,
}


def process_request(socket: ServerConnection, request):
    path = request.path.partition("?")[0]
    if path == "/reject-401":
        response = socket.respond(http.HTTPStatus.UNAUTHORIZED, "who are you?\n")
        response.headers["WWW-Authenticate"] = 'Bearer realm="test"'
        return response
    if path.startswith("/record/") and RECORD:
        return None
    if path not in HANDLERS and not path.removeprefix("/close/").isdecimal():
        return socket.respond(http.HTTPStatus.NOT_FOUND, "no such behaviour\n")
    return None


def second_offer(socket: ServerConnection, offers):
    """The client's second offer at /subprotocol, its first elsewhere."""
    index = 1 if socket.request.path.startswith("/subprotocol") else 0
    return offers[index] if len(offers) > index else None


def listen(tls: ssl.SSLContext | None):
    return serve(
        handle,
        "127.0.0.1",
        0,
        ssl=tls,
        # Agrees to all requested parameters, and offers none itself.
        compression=None,
        extensions=[ServerPerMessageDeflateFactory()],
        max_size=MAX_MESSAGE,
        process_request=process_request,
        select_subprotocol=second_offer,
    )


def port(server) -> int:
    return server.sockets[0].getsockname()[1]


async def main() -> None:
    async with AsyncExitStack() as servers:
        ports = {"ws": port(await servers.enter_async_context(listen(None))), "wss": None}
        if len(sys.argv) >= 3:
            tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            tls.load_cert_chain(sys.argv[1], sys.argv[2])
            if len(sys.argv) == 4:
                tls.verify_mode = ssl.CERT_REQUIRED
                tls.load_verify_locations(sys.argv[3])
            ports["wss"] = port(await servers.enter_async_context(listen(tls)))
        print(json.dumps(ports), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
