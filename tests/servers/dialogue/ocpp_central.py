"""A central system of OCPP 1.6J for examples/dialogue/ocpp.toml: ocpp_central.py PORT PASSWORD.

It checks the rules of a real one: a password, one call at a time, no call before the boot is
accepted, a heartbeat in time. A charge point that breaks a rule is closed with 4000 and the rule.
"""

import asyncio
import signal
import sys
from datetime import datetime, timezone

import websockets
from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call, call_result
from ocpp.v16.enums import MessageTrigger
from websockets.asyncio.server import basic_auth, serve

INTERVAL = 3

# The charge points that this process has seen: an unknown one is checked before it is accepted.
known = set()


def now():
    return datetime.now(timezone.utc).isoformat()


class Point(ChargePoint):
    accepted = False
    booted = beats = 0

    @on("BootNotification")
    def on_boot(self, charge_point_model, **_about):
        if self.id not in known:
            known.add(self.id)
            return call_result.BootNotification(current_time=now(), interval=1, status="Pending")
        self.accepted = True
        return call_result.BootNotification(current_time=now(), interval=INTERVAL, status="Accepted")

    @after("BootNotification")
    async def after_boot(self, **_about):
        if self.accepted:
            await self.call(call.TriggerMessage(requested_message=MessageTrigger.heartbeat))
            await self.call(call.GetConfiguration())

    @on("Heartbeat")
    def on_heartbeat(self):
        self.beats += 1
        return call_result.Heartbeat(current_time=now())

    @on("StatusNotification")
    def on_status(self, **_status):
        return call_result.StatusNotification()

    @on("DataTransfer")
    def on_data_transfer(self, vendor_id, **_data):
        return call_result.DataTransfer(status="Accepted", data=f"{self.beats} heartbeats")


class OneAtATime:
    """The library's socket, with the rules of OCPP-J for received messages."""

    def __init__(self, socket):
        self.socket = socket
        self.point = None
        self.ids = set()
        self.unanswered = 0

    async def recv(self):
        try:
            message = await asyncio.wait_for(self.socket.recv(), 3 * INTERVAL)
        except asyncio.TimeoutError:
            await self.broken("no heartbeat")
        if message.startswith("[2,"):
            id, action = message.split('"')[1], message.split('"')[3]
            if id in self.ids:
                await self.broken("an id twice")
            if self.unanswered:
                await self.broken("two calls at a time")
            if not self.point.accepted and action != "BootNotification":
                await self.broken(f"{action} before the boot was accepted")
            self.ids.add(id)
            self.unanswered += 1
        return message

    async def send(self, message):
        if not message.startswith("[2,"):
            self.unanswered -= 1
        await self.socket.send(message)

    async def broken(self, rule):
        print(f"{self.point.id}: {rule}", flush=True)
        await self.socket.close(4000, rule)
        raise ConnectionError(rule)


async def talk(socket):
    if not socket.subprotocol:
        await socket.close(1002, "ocpp1.6 is spoken here")
        return
    rules = OneAtATime(socket)
    rules.point = point = Point(socket.request.path.rsplit("/", 1)[1], rules)
    try:
        await point.start()
    except (websockets.ConnectionClosed, ConnectionError):
        pass


async def main():
    port, password = int(sys.argv[1]), sys.argv[2]
    ended = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set_result, None)
    auth = basic_auth(realm="csms", check_credentials=lambda user, given: given == password)
    async with serve(talk, "127.0.0.1", port, subprotocols=["ocpp1.6"], process_request=auth):
        print("listening", flush=True)
        await ended


asyncio.run(main())
