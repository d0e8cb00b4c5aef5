"""Server-sent events (HTML Living Standard §9.2) in the format of the service."""

from __future__ import annotations

from dataclasses import dataclass

from .errors import UnexpectedAnswer


@dataclass(frozen=True)
class Frame:
    """The content between two empty lines: a cursor, data, or both."""

    id: str | None
    data: str | None


class Parser:
    """Parses bytes as they arrive into whole frames. A frame that is cut off at the end is ignored.
    """

    def __init__(self, longest: int) -> None:
        self._longest = longest
        self._rest = bytearray()
        # No line end was found up to here, so that slow input is not searched again and again.
        self._seen = 0
        self._id: str | None = None
        self._data: list[str] = []
        self._bytes = 0

    def feed(self, chunk: bytes) -> list[Frame]:
        """The frames that these bytes complete.

        Raises `UnexpectedAnswer` for a frame that is too long, or not UTF-8.
        """
        self._rest += chunk
        frames = []
        begin = 0
        while (end := self._rest.find(b"\n", max(begin, self._seen))) >= 0:
            frame = self._line(bytes(self._rest[begin:end]).removesuffix(b"\r"))
            begin = end + 1
            if frame is not None:
                frames.append(frame)
        del self._rest[:begin]
        self._seen = len(self._rest)
        if self._seen + self._bytes > self._longest:
            raise UnexpectedAnswer(f"an event has more than {self._longest} bytes")
        return frames

    def _line(self, line: bytes) -> Frame | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        try:
            if field == b"id":
                self._id = value.decode()
            elif field == b"data":
                # An empty line counts, too, since it is stored.
                self._bytes += len(value) + 1
                self._data.append(value.decode())
        except UnicodeDecodeError as error:
            raise UnexpectedAnswer("invalid event: it is not UTF-8") from error
        return None

    def _dispatch(self) -> Frame | None:
        frame = Frame(self._id, "\n".join(self._data) if self._data else None)
        self._id, self._data, self._bytes = None, [], 0
        return frame if frame != Frame(None, None) else None
