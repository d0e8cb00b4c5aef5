"""How long to wait before another try."""

from __future__ import annotations

import random


class Backoff:
    """Doubles, within bounds, with jitter: clients that lost the service together do not come back together."""

    FIRST = 0.1
    LONGEST = 5.0

    def __init__(self) -> None:
        self._next = self.FIRST

    def worked(self, seconds: float) -> None:
        """It has worked for so long. One that ends again and again within less than the next pause is not tried more often."""
        if seconds >= self._next:
            self._next = self.FIRST

    def wait(self, at_least: float | None = None) -> float:
        """How many seconds to wait now. `at_least`: what the service has asked for."""
        most = self._next
        self._next = min(self._next * 2, self.LONGEST)
        return max(random.uniform(most / 2, most), min(at_least or 0.0, 60.0))
