"""The pauses between attempts."""

from __future__ import annotations

import random


class Backoff:
    """Doubles, within limits, with jitter: clients that lost the service together do not return
    together.
    """

    FIRST = 0.1
    LONGEST = 5.0

    def __init__(self) -> None:
        self._next = self.FIRST

    def worked(self, seconds: float) -> None:
        """Reports how long the last attempt worked. The pause is reset only if that is at least the
        next pause.
        """
        if seconds >= self._next:
            self._next = self.FIRST

    def wait(self, at_least: float | None = None) -> float:
        """The pause in seconds. `at_least`: the service's `Retry-After`."""
        most = self._next
        self._next = min(self._next * 2, self.LONGEST)
        return max(random.uniform(most / 2, most), min(at_least or 0.0, 60.0))
