#!/usr/bin/env python3
"""Follows the messages of a pattern, over restarts of the service and of itself, and prints each
once.

    EVERWIRE_TOKEN=… follow.py PATTERN FILE [URL]

FILE keeps the cursor. A line is written and flushed before its cursor is stored: after a crash of
this program the last line may come twice, and none is missing.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from everwire import Client, payload


def keep(file: Path, cursor: str) -> None:
    """Replaces the file atomically: it has the old cursor or the new one."""
    new = file.with_suffix(".new")
    new.write_text(cursor)
    new.replace(file)


def main(pattern: str, file: Path, url: str) -> None:
    since = file.read_text().strip() if file.exists() else None
    with (
        Client(url, token=os.environ.get("EVERWIRE_TOKEN")) as client,
        client.events(pattern, types=["message"], since=since) as events,
    ):
        print("following", file=sys.stderr, flush=True)
        for event in events:
            if event["type"] == "message":
                print(event["name"], payload(event), flush=True)
            elif event["type"] == "lagged":
                missed = event.get("missed")
                print("#", "some" if missed is None else missed, "events may be missing here", file=sys.stderr, flush=True)
            if events.cursor is not None:
                keep(file, events.cursor)


if __name__ == "__main__":
    try:
        main(sys.argv[1], Path(sys.argv[2]), sys.argv[3] if len(sys.argv) > 3 else "http://127.0.0.1:9180")
    except IndexError:
        sys.exit(__doc__)
    except KeyboardInterrupt:
        pass
