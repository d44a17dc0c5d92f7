"""Foreign keys that the database does not declare, as a configuration file writes them."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import force_setattr, replace

from demo_snapshots.config.checking import UnfitError
from demo_snapshots.config.strict import Columns, Strict

_SEVERAL = re.compile(r"(.+)\.\(([^()]+)\)")


class Target(Struct, frozen=True):
    """The columns of a table, as the configuration calls it, that rows reference: those of
    ``value`` in the column that says what they reference, or all."""

    table: str
    columns: tuple[str, ...]
    value: str | None = None


class UndeclaredKey(Struct, frozen=True):
    """``columns`` of ``table`` reference one of ``targets``: the one whose value stands in the
    column ``type``, if there is one. ``values`` are all that may stand there. ``place`` is
    where the configuration says so."""

    place: str
    table: str
    columns: tuple[str, ...]
    targets: tuple[Target, ...]
    type: str | None = None
    values: tuple[str, ...] = ()


class ByType(Strict, frozen=True):
    """``{ type = "commentable_type", references = { Post = "posts.id" } }``"""

    type: str
    references: dict[str, str]

    def __post_init__(self) -> None:
        _require_targets(self.references, self.type)


class Undeclared(Strict, frozen=True):
    """``{ column = "tenant_id", references = "tenants.id" }``; with ``type`` as in ByType."""

    references: str | dict[str, str] | None = None
    column: str | None = None
    columns: Columns = ()
    type: str | None = None

    def __post_init__(self) -> None:
        self._list("columns")
        if bool(self.column) == bool(self.columns):
            raise ValueError("needs either column or columns")
        if self.column:
            force_setattr(self, "columns", (self.column,))
            force_setattr(self, "column", None)
        if not self.references:
            raise ValueError('needs references, such as references = "users.id"')
        _require_targets(self.references, self.type)

    def as_dict(self) -> dict[str, Any]:
        return {name: value for name, value in super().as_dict().items() if value}

    def key(self, place: str, table: str) -> UndeclaredKey:
        """It as one of ``table``."""
        assert self.references is not None
        return undeclared_key(place, table, self.columns, self.references, self.type)


def undeclared_keys(
    section: Mapping[str, str | ByType], follows: Mapping[str, tuple[Undeclared, ...]]
) -> tuple[UndeclaredKey, ...]:
    """All that the section ``[foreign-keys]`` names, and the ways by which tables follow."""

    def found() -> Iterator[UndeclaredKey]:
        for table, ways in follows.items():
            yield from (way.key(f"tables.{table}.follows", table) for way in ways)
        for name, said in section.items():
            table, columns = split(name)
            place = f'foreign-keys."{name}"'
            if isinstance(said, str):
                yield undeclared_key(place, table, columns, said)
            else:
                yield undeclared_key(place, table, columns, said.references, said.type)

    return tuple(dict.fromkeys(found()))


def among(keys: Iterable[UndeclaredKey], tables: Collection[str]) -> tuple[UndeclaredKey, ...]:
    """Those of ``keys`` that lead from one of ``tables`` to another, by their bare names."""
    found = []
    for key in keys:
        targets = tuple(
            replace(target, table=_bare(target.table))
            for target in key.targets
            if _bare(target.table) in tables
        )
        if _bare(key.table) in tables and targets:
            found.append(replace(key, table=_bare(key.table), targets=targets))
    return tuple(found)


def _bare(table: str) -> str:
    return table.rpartition(".")[2]


def undeclared_key(
    place: str,
    table: str,
    columns: tuple[str, ...],
    references: str | Mapping[str, str],
    type_column: str | None = None,
) -> UndeclaredKey:
    if isinstance(references, str):
        return UndeclaredKey(place, table, columns, (Target(*split(references)),))
    targets = tuple(Target(*split(name), value) for value, name in references.items())
    return UndeclaredKey(place, table, columns, targets, type_column, tuple(references))


def require_names(section: Mapping[str, str | ByType]) -> None:
    """Raise UnfitError for a name in ``[foreign-keys]``, or a target there, that is no column."""
    for name, said in section.items():
        for text in (name, *([said] if isinstance(said, str) else [])):
            try:
                split(text)
            except ValueError as error:
                raise UnfitError(str(error), name) from None


def split(text: str) -> tuple[str, tuple[str, ...]]:
    """``users.id``, ``lines.(region, number)``: the table and its columns. Raises ValueError."""
    if several := _SEVERAL.fullmatch(text):
        return several[1], tuple(name.strip() for name in several[2].split(","))
    table, dot, column = text.rpartition(".")
    if not (table and dot and column):
        raise ValueError(f'{text!r} names no column, as "users.id" or "lines.(region, number)" do')
    return table, (column,)


def _require_targets(references: str | Mapping[str, str], type_column: str | None) -> None:
    if isinstance(references, str):
        if type_column:
            raise ValueError('needs references by type: { Post = "posts.id" }')
        split(references)
        return
    if not type_column:
        raise ValueError("needs a type: the column that says what a row references")
    if not references:
        raise ValueError("needs at least one type")
    for value, target in references.items():
        split(target)
        # The value is copied into documents, for the stock clients.
        if not value.isprintable() or any(t in value for t in ("--", "/*", "*/", ";", "#")):
            raise ValueError(f"a type cannot be called {value!r}")
