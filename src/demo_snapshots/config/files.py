"""``[files]``: which columns name uploaded files, and where these lie."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from pathlib import PurePosixPath
from typing import Literal

from msgspec import Struct, field

from demo_snapshots.config.checking import UnfitError


class FileRules(Struct, frozen=True):
    """``places`` are columns that name files, ``table.column`` or a place in its JSON, each with
    the directory that the names begin in: a path from the project's directory, or an absolute one.
    ``missing`` says what becomes of a name whose file is not there."""

    places: dict[str, str] = field(default_factory=dict)
    missing: Literal["fail", "warn"] = "fail"

    @property
    def directories(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(self.places.values()))


def file_rules(section: Mapping[str, str]) -> FileRules:
    """What the section says. Raises UnfitError."""
    places = {name: text for name, text in section.items() if "." in name}
    for name, text in section.items():
        if name not in places and name != "missing":
            raise UnfitError("expected table.column, or missing", "files", name)
        if name in places and not text.strip():
            raise UnfitError("expected a directory", "files", name)
    missing = section.get("missing", "fail")
    if missing not in ("fail", "warn"):
        raise UnfitError("expected fail or warn", "files", "missing")
    spelled = {name: str(PurePosixPath(text)) for name, text in places.items()}
    for (one, first), (_, other) in combinations(spelled.items(), 2):
        a, b = PurePosixPath(first), PurePosixPath(other)
        if a != b and (a.is_relative_to(b) or b.is_relative_to(a)):
            raise UnfitError("one of two directories lies in the other", "files", one)
    return FileRules(spelled, "warn" if missing == "warn" else "fail")
