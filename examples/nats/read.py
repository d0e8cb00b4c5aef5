"""Reads the stream as described in docs/nats.md: each message of a name once, in order, with a
report of each gap.

    python examples/nats/read.py [COUNT]     needs nats-py; NATS_URL is the address of the server

The server keeps the position under the name of the consumer: a restarted reader continues from
there.
"""

import asyncio
import os
import sys

import nats
from nats.errors import TimeoutError
from nats.js.api import AckPolicy, ConsumerConfig


class Reader:
    """The last message of each name. A reader that must not process a message twice stores this
    together with its results.
    """

    def __init__(self):
        self.highest = {}

    def is_new(self, message):
        headers = message.headers
        subject = message.subject
        place = (int(headers["Everwire-Epoch"]), int(headers["Everwire-Seq"]))
        highest = self.highest.get(subject)
        if highest is not None and place <= highest:
            return False
        previous = headers.get("Everwire-Previous")
        if gap := headers.get("Everwire-Gap"):
            print(f"{subject}: {gap} messages were dropped before {place}", flush=True)
        elif highest is not None and previous is not None:
            if tuple(map(int, previous.split("/"))) != highest:
                print(f"{subject}: messages are missing between {highest} and {place}", flush=True)
        self.highest[subject] = place
        return True


async def main():
    left = int(sys.argv[1]) if len(sys.argv) > 1 else sys.maxsize
    client = await nats.connect(os.environ.get("NATS_URL", "nats://127.0.0.1:4222"))
    # In the order of the stream: one message at a time, so that a redelivery comes before the next
    # message.
    config = ConsumerConfig(ack_policy=AckPolicy.EXPLICIT, max_ack_pending=1)
    consumer = await client.jetstream().pull_subscribe(
        "everwire.in.>", durable="example", stream="EVERWIRE_IN", config=config
    )
    reader = Reader()
    while left > 0:
        try:
            messages = await consumer.fetch(1, timeout=5)
        except TimeoutError:
            continue
        for message in messages:
            if reader.is_new(message):
                print(message.headers["Everwire-Time"], message.subject, message.data.decode(), flush=True)
                left -= 1
            await message.ack()
    await client.close()


try:
    asyncio.run(main())
except KeyboardInterrupt:
    pass
