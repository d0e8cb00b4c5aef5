"""What lets a client in, and is shown to nobody."""

from __future__ import annotations


class Token:
    """A token whose text is in no representation of it, nor of what holds it."""

    __slots__ = ("_text",)

    def __init__(self, text: str | None) -> None:
        if text is not None and not (text.isascii() and text.isprintable() and text):
            raise ValueError("invalid token: it has ASCII characters that can be printed, one at least")
        self._text = text

    def __repr__(self) -> str:
        return "<no token>" if self._text is None else "***"

    def __reduce__(self) -> str:
        raise TypeError("a token is not pickled")

    def headers(self) -> dict[str, str]:
        """The headers of a request."""
        return {} if self._text is None else {"Authorization": f"Bearer {self._text}"}
