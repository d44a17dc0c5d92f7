"""What a configuration file says of tables and references, as it is written there."""

from __future__ import annotations

import re
from typing import Literal

from msgspec import field
from msgspec.structs import force_setattr

from demo_snapshots.config.checking import UnfitError
from demo_snapshots.config.foreign_keys import Undeclared
from demo_snapshots.config.strict import Columns, Strict


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


def _predicate(holder: Strict, name: str) -> None:
    try:
        force_setattr(holder, name, _one_line_predicate(getattr(holder, name)))
    except ValueError as error:
        raise UnfitError(str(error), name) from None


class PredicatePerEngine(Strict, frozen=True):
    """``{ sqlite = "…", postgresql = "…", mariadb = "…" }``"""

    sqlite: str
    postgresql: str
    mariadb: str

    def __post_init__(self) -> None:
        for name in self.__struct_fields__:
            _predicate(self, name)


WrittenWay = tuple[str, ...] | Undeclared
"""The columns of a foreign key, or one that the database does not declare."""


class FollowsRule(Undeclared, frozen=True):
    """``{ any = ["post_id", "page_id"] }``: foreign keys, each a column, a list of columns, or an
    undeclared one; else as Undeclared."""

    any: tuple[Columns | Undeclared, ...] = ()

    def __post_init__(self) -> None:
        if not self.any:
            super().__post_init__()
            return
        if self.references or self.column or self.columns or self.type:
            raise ValueError("has any, beside which nothing else stands")
        if len(self.any) == 1:
            raise ValueError("any needs at least two")
        ways = ((way,) if isinstance(way, str) else way for way in self.any)
        force_setattr(self, "any", tuple(ways))


class TableRule(Strict, frozen=True, rename={"json_references": "json-references"}):
    """One ``[tables.NAME]``: exactly one of marker, follows and where."""

    marker: str | None = None
    follows: FollowsRule | Columns | None = None
    where: str | PredicatePerEngine | None = None
    scenario: str | None = None
    breakdown: str | None = None
    json_references: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._list("follows")
        if isinstance(self.where, str):
            _predicate(self, "where")
        given = [name for name in ("marker", "follows", "where") if getattr(self, name)]
        if len(given) != 1:
            what = "none" if not given else " and ".join(given)
            raise ValueError(f"needs exactly one of marker, follows and where; it has {what}")
        if self.follows and self.scenario:
            raise ValueError("a table that follows another takes its scenario from there")

    @property
    def ways(self) -> tuple[WrittenWay, ...]:
        """By which its rows follow others; none where it has another rule."""
        if isinstance(self.follows, FollowsRule):
            return self.follows.any or (self.follows,)
        return (self.follows,) if self.follows else ()


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


_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


StandInFor = Literal[
    "email", "phone", "iban", "name", "first-name", "last-name", "street", "city", "company"
]


class PeopleRules(Strict, frozen=True):
    """``[people]``: how closely an export looks for real persons in demo rows, and what may be
    there: values by their digests, and places, which are ``table.column`` or ``column``; and which
    places are exported with stand-ins, of which kind."""

    check: Literal["auto", "full", "off"] = "auto"
    allow: Columns = ()
    ignore: Columns = ()
    anonymise: dict[str, StandInFor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._list("allow")
        self._list("ignore")
        for digest in self.allow:
            if not _DIGEST.fullmatch(digest):
                raise UnfitError("expected sha256: and 64 hexadecimal digits", "allow")
