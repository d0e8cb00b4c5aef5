"""The example for users to copy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from conftest import ROOT, SOON, TOKEN, Peer, Service, eventually

from everwire import Client, Events

FOLLOW = ROOT / "clients/python/examples/follow.py"


class Follow:
    def __init__(self, service: Service, cursor: Path) -> None:
        environment = {**os.environ, "EVERWIRE_TOKEN": TOKEN, "PYTHONPATH": str(ROOT / "clients/python/src")}
        self.process = subprocess.Popen(
            [sys.executable, str(FOLLOW), "feed", str(cursor), service.url],
            env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.process.stdout is not None and self.process.stderr is not None
        self.stdout: IO[str] = self.process.stdout
        self.stderr: IO[str] = self.process.stderr
        assert self.stderr.readline() == "following\n"

    def lines(self, count: int) -> list[str]:
        return [self.stdout.readline().strip() for _ in range(count)]

    def interrupt(self) -> str:
        self.process.send_signal(signal.SIGINT)
        assert self.process.wait(SOON) == 0
        return self.stderr.read()


def test_follow_survives_restarts_of_the_service_and_of_itself(service: Service, peer: Peer, tmp_path: Path) -> None:
    with Client(service.url, token=TOKEN) as client:
        eventually("feed is open", lambda: client.connection("feed").status()["ready"])
        with client.events("feed", types=["message"]) as events:
            follows(service, peer, tmp_path, events)


def follows(service: Service, peer: Peer, tmp_path: Path, events: Events) -> None:
    follow = Follow(service, tmp_path / "cursor")
    say = iter(range(1, 1000))
    expected = iter(range(1, 1000))

    def rounds(count: int) -> None:
        for _ in range(count):
            peer.say(f"m{next(say)}")

    def check(count: int) -> None:
        assert follow.lines(count) == [f"feed m{next(expected)}" for _ in range(count)]

    rounds(20)
    check(20)
    # With an orderly end, nothing is reported.
    service.signal(signal.SIGTERM)
    peer.until_nobody_listens()
    rounds(20)
    service.start()
    check(20)
    # With a kill nothing is lost either, and the output says that this is not certain.
    service.kill()
    peer.until_nobody_listens()
    rounds(20)
    service.start()
    check(20)
    # A line comes twice if the program is interrupted before it has stored the cursor.
    last = next(event for event in events if event.get("text") == "m60")["cursor"]
    eventually("the cursor is kept", lambda: (tmp_path / "cursor").read_text() == last)
    assert follow.interrupt().splitlines() == ["# some events may be missing here"]
    rounds(20)
    follow = Follow(service, tmp_path / "cursor")
    check(20)
    assert follow.interrupt() == ""
