"""Generated files are up to date, and the documents are correct."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from importlib import import_module
from pathlib import Path

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


def test_a_wheel_has_its_types_and_licences(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT / "clients/python", check=True, capture_output=True, timeout=60)
    [wheel] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        [metadata] = [archive.read(name).decode() for name in names if name.endswith("/METADATA")]
    assert "everwire/py.typed" in names and "everwire/_api.py" in names
    for licence in ("LICENSE-MIT", "LICENSE-APACHE"):
        assert any(name.endswith(f"licenses/{licence}") for name in names), names
        assert (ROOT / "clients/python" / licence).read_text() == (ROOT / licence).read_text()
    assert "License-Expression: MIT OR Apache-2.0" in metadata and "Requires-Python: >=3.10" in metadata


def test_the_examples_of_the_documents_are_right() -> None:
    blocks = []
    for document in ("clients/python/README.md", "docs/clients.md"):
        blocks += re.findall(r"```python\n(.*?)```", (ROOT / document).read_text(), re.S)
    assert len(blocks) >= 3
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--config-file=", "--strict", "--no-error-summary", "--python-version", "3.10", "-c", as_functions(blocks)],
        cwd=ROOT / "clients/python", env={"MYPY_CACHE_DIR": os.devnull, **os.environ, "MYPYPATH": "src"}, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert checked.returncode == 0, checked.stdout


def as_functions(blocks: list[str]) -> str:
    """Each block as a separate function, without state from others."""
    functions = []
    for number, block in enumerate(blocks):
        lines = "\n".join(f"    {line}" for line in block.splitlines())
        functions.append(f"async def block{number}() -> None:\n{lines}\n")
    return "\n".join(functions)
