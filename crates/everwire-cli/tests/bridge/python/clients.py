"""Unmodified Python client libraries, like ../node/clients.mjs, which describes the output.

clients.py KIND DIRECT_URL BRIDGED_URL
"""

import asyncio
import json
import os
import sys
import threading
import time
from urllib.parse import urlsplit

RETRY = 0.5
HEARTBEAT = 1
PATIENCE = 0.15
PAUSE = 0.03


def now():
    return int(time.time() * 1000)


class Way:
    """What one of the two tells, and what it has asked."""

    def __init__(self, name):
        self.name = name
        self.asked = []
        self.heard = threading.Event()

    def tell(self, **what):
        line = json.dumps({"at": now(), "way": self.name, **what})
        # In a single write, since both connections write.
        os.write(1, f"{line}\n".encode())

    def up(self):
        self.tell(what="up")

    def down(self, why):
        self.tell(what="down", why=str(why))

    def answer(self, question):
        self.tell(what="answer", asked=self.asked[question])
        self.heard.set()

    def ask(self, question):
        """Puts questions for ever."""
        while True:
            self.asked.append(now())
            self.heard.clear()
            question(len(self.asked) - 1)
            self.heard.wait(PATIENCE)
            time.sleep(PAUSE)


def paho(url, way):
    import paho.mqtt.client as mqtt

    topic = f"everwire-{way.name}"
    parts = urlsplit(url)
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, transport="websockets")
    client.ws_set_options(path=parts.path)
    client.reconnect_delay_set(min_delay=RETRY, max_delay=RETRY)

    def on_connect(client, _data, _flags, _code, _properties):
        way.up()
        # A clean session has no subscriptions; the library leaves them to the application.
        client.subscribe(topic)

    client.on_connect = on_connect
    client.on_disconnect = lambda _client, _data, _flags, code, _properties: way.down(code)
    client.on_message = lambda _client, _data, message: way.answer(int(message.payload))
    client.connect_async(parts.hostname, parts.port, keepalive=HEARTBEAT)
    client.loop_start()
    way.ask(lambda question: client.publish(topic, str(question)))


def ocpp(url, way):
    import websockets
    from ocpp.routing import on
    from ocpp.v16 import ChargePoint, call, call_result

    loop = asyncio.new_event_loop()
    charger = None

    class Charger(ChargePoint):
        @on("DataTransfer")
        def on_data_transfer(self, vendor_id, data):
            way.answer(int(data))
            return call_result.DataTransfer(status="Accepted")

    async def boot(charger):
        await charger.call(call.BootNotification(charge_point_model="model", charge_point_vendor="vendor"))
        way.up()

    async def run():
        nonlocal charger
        # The library leaves the socket to the application.
        while True:
            try:
                async with websockets.connect(
                    url, subprotocols=["ocpp1.6"], ping_interval=HEARTBEAT, ping_timeout=HEARTBEAT
                ) as socket:
                    charger = Charger("charger", socket)
                    booting = asyncio.ensure_future(boot(charger))
                    try:
                        await charger.start()
                    finally:
                        booting.cancel()
            except websockets.ConnectionClosed as closed:
                received = closed.rcvd
                way.down(f"{received.code} {received.reason}" if received else "lost")
            except (OSError, websockets.WebSocketException) as error:
                way.down(error)
            charger = None
            await asyncio.sleep(RETRY)

    async def transfer(question):
        if charger:
            try:
                await charger.call(call.DataTransfer(vendor_id="vendor", data=str(question)))
            except (asyncio.TimeoutError, websockets.WebSocketException):
                pass

    asking = lambda question: asyncio.run_coroutine_threadsafe(transfer(question), loop)
    threading.Thread(target=way.ask, args=[asking], daemon=True).start()
    loop.run_until_complete(run())


def main():
    kind, direct, bridged = sys.argv[1:]
    for name, url in {"direct": direct, "bridged": bridged}.items():
        threading.Thread(target=globals()[kind], args=[url, Way(name)], daemon=True).start()
    sys.stdin.read()
    os._exit(0)


main()
