"""A real service and a real peer for the tests.

`EVERWIRE_PROGRAM` is the program, `target/debug/everwire` by default.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[3]
TESTING = ROOT / "clients/testing"
TOKEN = "the-clients-s3cret"
READER = "the-readers-s3cret"
SOON = 20.0


def program() -> str:
    return os.environ.get("EVERWIRE_PROGRAM", str(ROOT / "target/debug/everwire"))


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def eventually(what: str, check: Callable[[], Any]) -> Any:
    """Repeats `check` until it returns something."""
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        if found := check():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not in time: {what}")


class Lines:
    """A process that writes and reads lines of JSON."""

    def __init__(self, *command: str, **options: Any) -> None:
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, **options
        )
        self.told: queue.Queue[Any] = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.told.put(json.loads(line))

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{line}\n")
        self.process.stdin.flush()

    def next(self) -> Any:
        return self.told.get(timeout=SOON)

    def end(self) -> int:
        if self.process.poll() is None:
            assert self.process.stdin is not None
            self.process.stdin.close()
            try:
                return self.process.wait(SOON)
            except subprocess.TimeoutExpired:
                self.process.kill()
        return self.process.wait()


class Peer(Lines):
    def __init__(self, port: int = 0) -> None:
        super().__init__(sys.executable, str(TESTING / "peer.py"), str(port))
        self.port: int = self.next()["port"]

    def until_nobody_listens(self) -> None:
        """Waits until the peer has seen the end of its last socket at /feed: later messages are
        kept for the next one.
        """
        while self.told_of("feeds") != 0:
            pass

    def told_of(self, what: str) -> Any:
        """The next output of this kind."""
        while what not in (told := self.next()):
            pass
        return told[what]


class Service:
    def __init__(self, folder: Path, peer: Peer) -> None:
        self.folder = folder
        self.port, self.later = free_port(), free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        text = (TESTING / "everwire.toml").read_text()
        for name, value in (("listen", self.port), ("peer", peer.port), ("later", self.later)):
            text = text.replace(f"{{{name}}}", str(value))
        (folder / "everwire.toml").write_text(text)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [program(), "run", "everwire.toml"], cwd=self.folder, stdout=log, stderr=log
            )
        eventually("the service is up", self._answers)

    def _answers(self) -> bool:
        assert self.process is not None
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            with urllib.request.urlopen(f"{self.url}/healthz", timeout=1) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def signal(self, number: signal.Signals) -> None:
        """Ends it with this signal, and waits until it has ended."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(SOON)
            self.process = None

    def kill(self) -> None:
        self.signal(signal.SIGKILL)


@pytest.fixture
def peer() -> Iterator[Peer]:
    peer = Peer()
    yield peer
    peer.end()


@pytest.fixture
def service(tmp_path: Path, peer: Peer) -> Iterator[Service]:
    service = Service(tmp_path, peer)
    service.start()
    yield service
    service.kill()
