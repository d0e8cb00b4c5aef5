"""A foreign HTTP and SOCKS5 proxy: PyPI's `pproxy`.

    proxy.py CERT KEY SEEN

The output is one line with the ports: "ws" for HTTP and SOCKS5, "auth" for the same with the user
"me" and the password "p@ss word", "wss" for HTTP over TLS. Each destination is appended to the file
SEEN. The proxy ends when its standard input does.
"""

import asyncio
import json
import sys

import pproxy


async def listen(uri: str, seen) -> int:
    proxy = pproxy.Server(uri)
    if proxy.sslserver:
        proxy.sslserver.load_cert_chain(sys.argv[1], sys.argv[2])
    told = lambda text: print(text, file=seen, flush=True)
    server = await proxy.start_server({"rserver": [], "verbose": told})
    return server.sockets[0].getsockname()[1]


async def main() -> None:
    # The tests include clients that disconnect in the middle; do not print those errors.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)
    with open(sys.argv[3], "a", encoding="utf-8") as seen:
        ports = {
            "ws": await listen("http+socks5://127.0.0.1:0", seen),
            "auth": await listen("http+socks5://127.0.0.1:0/#me:p@ss word", seen),
            "wss": await listen("http+ssl://127.0.0.1:0", seen),
        }
        print(json.dumps(ports), flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
