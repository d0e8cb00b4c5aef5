"""The server of the example: a feed of prices at /market/NAME, and an account at /account that
reads messages.

    python examples/nats/peer.py [PORT]
"""

import asyncio
import json
import sys

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed


async def market(socket, name):
    price = 100.0
    for number in range(sys.maxsize):
        price += (number * 7919 % 11 - 5) / 10
        await socket.send(json.dumps({"market": name, "number": number, "price": round(price, 1)}))
        await asyncio.sleep(0.1)


async def account(socket):
    async for message in socket:
        print("the account was sent", message, flush=True)


async def handle(socket):
    path = socket.request.path
    try:
        if path.startswith("/market/"):
            await market(socket, path.removeprefix("/market/"))
        else:
            await account(socket)
    except ConnectionClosed:
        pass


async def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8765
    async with serve(handle, "127.0.0.1", port) as server:
        await server.serve_forever()


try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
