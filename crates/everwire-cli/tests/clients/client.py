"""Foreign clients of everwire's service: PyPI's `websockets`, and `http.client`.

    client.py ws URL NAME            one of each operation over /v1/ws, with an echo
    client.py raw URL                messages over a raw bridge, with an echo
    client.py ws-resume URL N        events over /v1/ws up to N messages, over as many connections as necessary
    client.py sse-resume URL N       the same over /v1/events

Events and answers are printed as lines of JSON, and each further connection as the line `again`.
The output equals that of client.mjs.
"""

import asyncio
import base64
import http.client
import json
import sys
from urllib.parse import urlsplit

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake


def tell(line: str) -> None:
    print(line, flush=True)


async def ws(url: str, name: str) -> None:
    async with connect(url) as socket:

        async def ask(answers: int, **request: object) -> None:
            await socket.send(json.dumps(request))
            for _ in range(answers):
                tell(await socket.recv())

        await ask(1, op="subscribe", id="s", match=name, types=["message"])
        await ask(2, op="send", id="t", name=name, text="grüße", wait="confirmed", timeout="20s")
        await ask(2, op="send", id="b", name=name, base64="AP8=", wait="written", timeout="20s")
        await ask(1, op="send", id="n", name="nobody", text="")
        await ask(1, op="unsubscribe", id="s")
    tell(json.dumps({"closed": socket.close_code}))


async def raw(url: str) -> None:
    async with connect(url) as socket:
        for message in ["grüße", "", bytes([0, 255]), "x" * 70_000]:
            await socket.send(message)
            echo = await socket.recv()
            if isinstance(echo, str):
                tell(json.dumps({"text": echo}))
            else:
                tell(json.dumps({"base64": base64.b64encode(echo).decode()}))
    tell(json.dumps({"closed": socket.close_code}))


async def ws_resume(url: str, messages: int) -> None:
    subscribe = {"op": "subscribe", "id": "s"}
    while messages > 0:
        try:
            async with connect(url) as socket:
                await socket.send(json.dumps(subscribe))
                while messages > 0:
                    line = await socket.recv()
                    told = json.loads(line)
                    if told["type"] == "ack":
                        subscribe["since"] = told["cursor"]
                        continue
                    tell(line)
                    subscribe["since"] = told.get("cursor", subscribe["since"])
                    messages -= told["type"] == "message"
                return
        except (ConnectionClosed, InvalidHandshake, OSError, EOFError):
            tell("again")


def sse_resume(url: str, messages: int) -> None:
    last_id = None
    while messages > 0:
        address = urlsplit(url)
        connection = http.client.HTTPConnection(address.hostname, address.port, timeout=20)
        try:
            headers = {} if last_id is None else {"Last-Event-ID": last_id}
            connection.request("GET", address.path, headers=headers)
            response = connection.getresponse()
            event_id, data = None, None
            while messages > 0:
                line = response.readline()
                if not line.endswith(b"\n"):
                    raise EOFError
                line = line.decode().rstrip("\n")
                if line.startswith("id: "):
                    event_id = line.removeprefix("id: ")
                elif line.startswith("data: "):
                    data = line.removeprefix("data: ")
                elif line == "":
                    # Only a whole event counts (HTML Living Standard §9.2.6).
                    last_id = event_id or last_id
                    if data is not None:
                        tell(data)
                        messages -= json.loads(data)["type"] == "message"
                    event_id, data = None, None
        except (http.client.HTTPException, OSError, EOFError):
            tell("again")
        finally:
            connection.close()


match sys.argv[1:]:
    case ["ws", url, name]:
        asyncio.run(ws(url, name))
    case ["raw", url]:
        asyncio.run(raw(url))
    case ["ws-resume", url, messages]:
        asyncio.run(ws_resume(url, int(messages)))
    case ["sse-resume", url, messages]:
        sse_resume(url, int(messages))
    case _:
        sys.exit(__doc__)
