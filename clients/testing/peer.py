"""The peer of both clients' tests: a WebSocket server that the tests control.

    peer.py [PORT]

    /echo      echoes each message
    /calls     answers {"id":N,"op":…}: "ask" with {"id":N,"result":"N"}, "refuse" with
               {"id":N,"error":"no"}, others never
    /subs      accepts {"op":"sub","id":N,"args":[…]} and {"op":"unsub","args":[…]}, and prints each
               as {"heard":…}
    /feed      sends each line of standard input once, to one socket; while there is no socket, it
               waits for one. The line `tick N MS` sends N messages {"n":1}, {"n":2}, …, MS
               milliseconds apart, even while nobody listens. The number of sockets is printed as
               {"feeds":COUNT}.

The first line of the output is {"port":PORT}. The server ends when its standard input does.
"""

from __future__ import annotations

import asyncio
import json
import sys

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed


def tell(**line: object) -> None:
    print(json.dumps(line), flush=True)


class Peer:
    def __init__(self) -> None:
        self.to_say: asyncio.Queue[str] = asyncio.Queue(maxsize=100_000)
        self.feeds: set[ServerConnection] = set()
        self.ticks = 0

    async def serve(self, socket: ServerConnection) -> None:
        path = socket.request.path.partition("?")[0] if socket.request else ""
        serve_one = {"/echo": self.echo, "/calls": self.calls, "/subs": self.subs, "/feed": self.feed}[path]
        try:
            await serve_one(socket)
        except ConnectionClosed:
            pass

    async def echo(self, socket: ServerConnection) -> None:
        async for message in socket:
            await socket.send(message)

    async def calls(self, socket: ServerConnection) -> None:
        async for message in socket:
            call = json.loads(message)
            if call["op"] == "ask":
                await socket.send(json.dumps({"id": call["id"], "result": call["of"]}))
            elif call["op"] == "refuse":
                await socket.send(json.dumps({"id": call["id"], "error": "no"}))

    async def subs(self, socket: ServerConnection) -> None:
        async for message in socket:
            said = json.loads(message)
            tell(heard=said)
            if said["op"] == "sub":
                await socket.send(json.dumps({"id": said["id"], "ok": True}))

    async def feed(self, socket: ServerConnection) -> None:
        self.feeds.add(socket)
        tell(feeds=len(self.feeds))
        closed = asyncio.ensure_future(socket.wait_closed())
        try:
            while not closed.done():
                next_one = asyncio.ensure_future(self.to_say.get())
                await asyncio.wait([next_one, closed], return_when=asyncio.FIRST_COMPLETED)
                if not next_one.done():
                    next_one.cancel()
                elif closed.done():
                    self.to_say.put_nowait(next_one.result())
                else:
                    await socket.send(next_one.result())
        finally:
            self.feeds.discard(socket)
            tell(feeds=len(self.feeds))
            closed.cancel()

    async def tick(self, count: int, pause: float) -> None:
        for _ in range(count):
            self.ticks += 1
            for socket in list(self.feeds):
                try:
                    await socket.send(json.dumps({"n": self.ticks}))
                except ConnectionClosed:
                    continue
            await asyncio.sleep(pause)
        tell(ticked=self.ticks)

    async def listen_to_the_test(self) -> None:
        loop = asyncio.get_running_loop()
        reader = asyncio.StreamReader()
        await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
        ticking = []
        while line := (await reader.readline()).decode().rstrip("\n"):
            match line.split():
                case ["tick", count, milliseconds]:
                    ticking.append(asyncio.ensure_future(self.tick(int(count), float(milliseconds) / 1000)))
                case _:
                    self.to_say.put_nowait(line)


async def main(port: int) -> None:
    peer = Peer()
    async with serve(peer.serve, "127.0.0.1", port, close_timeout=1) as server:
        tell(port=server.sockets[0].getsockname()[1])
        await peer.listen_to_the_test()


asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 0))
