"""Text enums that may get more values later."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

Self = TypeVar("Self", bound="OpenEnum")


class OpenEnum(str, Enum):
    """An enum that accepts unknown values, since a later service may use them.

    Members are texts: `Fate.WRITTEN == "written"`. An unknown value is not a member, but equals its
    text.
    """

    @classmethod
    def _missing_(cls: type[Self], value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        # It is not stored: values from the network must not make this class grow.
        unknown = str.__new__(cls, value)
        unknown._name_ = f"UNKNOWN_{value.upper()}"
        unknown._value_ = value
        return unknown

    @property
    def is_known(self) -> bool:
        """Whether this version of the client knows the value."""
        return self._name_ in type(self).__members__

    def __eq__(self, other: object) -> bool:
        return str.__eq__(self, other) if isinstance(other, str) else NotImplemented

    def __hash__(self) -> int:
        return str.__hash__(self)

    def __str__(self) -> str:
        return str(self._value_)
