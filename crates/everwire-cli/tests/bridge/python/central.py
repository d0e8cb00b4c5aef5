"""A central system of OCPP that sends each DataTransfer back: central.py PORT."""

import asyncio
import signal
import sys
from datetime import datetime, timezone

import websockets
from ocpp.routing import after, on
from ocpp.v16 import ChargePoint, call, call_result


class Charger(ChargePoint):
    @on("BootNotification")
    def on_boot(self, **_about):
        now = datetime.now(timezone.utc).isoformat()
        return call_result.BootNotification(current_time=now, interval=300, status="Accepted")

    @on("DataTransfer")
    def on_data_transfer(self, **_data):
        return call_result.DataTransfer(status="Accepted")

    @after("DataTransfer")
    async def send_back(self, vendor_id, data):
        await self.call(call.DataTransfer(vendor_id=vendor_id, data=data))


async def serve(socket):
    if not socket.subprotocol:
        await socket.close(1002, "ocpp1.6 is spoken here")
        return
    charger = Charger(socket.request.path, socket)
    try:
        await charger.start()
    except websockets.ConnectionClosed:
        pass


async def main():
    ended = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set_result, None)
    async with websockets.serve(serve, "127.0.0.1", int(sys.argv[1]), subprotocols=["ocpp1.6"]):
        await ended


asyncio.run(main())
