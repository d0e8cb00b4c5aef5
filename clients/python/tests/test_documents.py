"""What was written from the program is what it says now; what stands in the documents is true."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from importlib import import_module

from conftest import ROOT, TOKEN, Service

import everwire


def test_the_types_are_those_of_the_running_program(service: Service) -> None:
    command = [sys.executable, str(ROOT / "clients/generate.py"), "--check", f"{service.url}/openapi.json"]
    environment = {**os.environ, "EVERWIRE_TOKEN": TOKEN}
    told = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stderr


def test_the_version_is_the_workspaces() -> None:
    found = re.search(r'^\[workspace\.package\]\nversion = "(.+)"$', (ROOT / "Cargo.toml").read_text(), re.M)
    assert found is not None
    assert everwire.__version__ == found[1]
    assert f'\nversion = "{found[1]}"\n' in (ROOT / "clients/python/pyproject.toml").read_text()
    assert json.loads((ROOT / "clients/typescript/package.json").read_text())["version"] == found[1]


def test_everything_public_is_there() -> None:
    assert sorted(everwire.__all__) == everwire.__all__
    for name in everwire.__all__:
        assert getattr(import_module("everwire"), name) is not None
