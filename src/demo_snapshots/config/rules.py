"""What a configuration file says of tables and references, as it is written there."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Any, Literal

from msgspec import Meta, Struct
from msgspec.structs import force_setattr

from demo_snapshots.config.checking import UnfitError


class Strict(Struct, frozen=True, forbid_unknown_fields=True):
    """A table of the file, of which every key is known."""

    def as_dict(self) -> dict[str, Any]:
        """Its values by name, and theirs."""
        values = ((name, getattr(self, name)) for name in self.__struct_fields__)
        return {n: v.as_dict() if isinstance(v, Strict) else v for n, v in values}

    def _list(self, name: str) -> None:
        value = getattr(self, name)
        if isinstance(value, str):
            force_setattr(self, name, (value,))

    def _predicate(self, name: str) -> None:
        try:
            force_setattr(self, name, _one_line_predicate(getattr(self, name)))
        except ValueError as error:
            raise UnfitError(str(error), name) from None


if TYPE_CHECKING:
    Columns = tuple[str, ...]
else:
    # One may be given without brackets; it is a tuple by the time anybody looks.
    Columns = tuple[str, ...] | str


def _one_line_predicate(text: str) -> str:
    # The predicate is copied into documents, where a comment or a statement end would let it
    # change the meaning of what follows.
    if any(token in text for token in ("--", "/*", "*/", ";", "\n", "\r", "\0", "#")):
        raise ValueError("a predicate is one line without comments or ';'")
    if not text.strip():
        raise ValueError("a predicate cannot be empty")
    _require_balance(text)
    return text.strip()


_BALANCING = re.compile(r"""'(?:[^']|'')*'|"(?:[^"]|"")*"|`[^`]*`|[()'"`]""")


def _require_balance(text: str) -> None:
    depth = 0
    for piece in _BALANCING.findall(text):
        depth += (piece == "(") - (piece == ")")
        if piece in ("'", '"', "`"):
            raise ValueError(f"a predicate's quotes go in pairs; one {piece} is left over")
        if depth < 0:
            raise ValueError("a predicate's parentheses go in pairs; one ) is left over")
    if depth:
        raise ValueError("a predicate's parentheses go in pairs; one ( is left over")
    if re.search(r"\\['\"`]", text):
        raise ValueError("engines differ in what a backslash before a quote means; avoid it")


class PredicatePerEngine(Strict, frozen=True):
    """``{ sqlite = "…", postgresql = "…", mariadb = "…" }``"""

    sqlite: str
    postgresql: str
    mariadb: str

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            self._predicate(name)


class FollowsAnyOf(Strict, frozen=True):
    """``{ any = ["post_id", "page_id"] }``: foreign keys, each a column or a list of columns."""

    any: Annotated[tuple[Columns, ...], Meta(min_length=2)]

    def __post_init__(self) -> None:
        ways = ((way,) if isinstance(way, str) else way for way in self.any)
        force_setattr(self, "any", tuple(ways))


class TableRule(Strict, frozen=True, rename={"json_references": "json-references"}):
    """One ``[tables.NAME]``: exactly one of marker, follows and where."""

    marker: str | None = None
    follows: FollowsAnyOf | Columns | None = None
    where: str | PredicatePerEngine | None = None
    scenario: str | None = None
    breakdown: str | None = None
    json_references: dict[str, str] = {}

    def __post_init__(self) -> None:
        self._list("follows")
        if isinstance(self.where, str):
            self._predicate("where")
        given = [name for name in ("marker", "follows", "where") if getattr(self, name)]
        if len(given) != 1:
            what = "none" if not given else " and ".join(given)
            raise ValueError(f"needs exactly one of marker, follows and where; it has {what}")
        if self.follows and self.scenario:
            raise ValueError("a table that follows another takes its scenario from there")


class ByKey(Strict, frozen=True, rename={"by_key": "by-key"}):
    """``{ by-key = ["iso_code"] }``"""

    by_key: Columns

    def __post_init__(self) -> None:
        self._list("by_key")


Reference = Literal["fail", "include", "null"] | ByKey


class CompareRules(Strict, frozen=True):
    """``[compare]``: columns that no comparison looks at: ``table.column``, or ``column`` of
    every table that has one."""

    ignore: Columns = ()

    def __post_init__(self) -> None:
        self._list("ignore")


class Hooks(Strict, frozen=True, rename="kebab"):
    """``[hooks]``: commands of the project's own, for the shell, run one after the other."""

    before_export: Columns = ()
    after_import: Columns = ()

    def __post_init__(self) -> None:
        self._list("before_export")
        self._list("after_import")
