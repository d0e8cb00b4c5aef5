"""The token, which is never shown."""

from __future__ import annotations

from ._calls import visible_ascii


class Token:
    """A token that appears neither in its own repr nor in that of its owner."""

    __slots__ = ("_text",)

    def __init__(self, text: str | None) -> None:
        self._text = None if text is None else visible_ascii("token", text)

    def __repr__(self) -> str:
        return "<no token>" if self._text is None else "***"

    def __reduce__(self) -> str:
        raise TypeError("a token is not pickled")

    def headers(self) -> dict[str, str]:
        """The headers of a request."""
        return {} if self._text is None else {"Authorization": f"Bearer {self._text}"}
