"""Tables of a configuration file of which every key is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct
from msgspec.structs import force_setattr


class Strict(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file, of which every key is known."""

    def as_dict(self) -> dict[str, Any]:
        """Its values by name, and theirs."""
        return {name: _plain(getattr(self, name)) for name in self.__struct_fields__}

    def _list(self, name: str) -> None:
        value = getattr(self, name)
        if isinstance(value, str):
            force_setattr(self, name, (value,))


def _plain(value: Any) -> Any:
    if isinstance(value, Strict):
        return value.as_dict()
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value


if TYPE_CHECKING:
    Columns = tuple[str, ...]
else:
    # One may be given without brackets; it is a tuple by the time anybody looks.
    Columns = tuple[str, ...] | str
