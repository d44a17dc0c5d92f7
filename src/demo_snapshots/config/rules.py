"""What a configuration file says of tables and references, as it is written there."""

from __future__ import annotations

import re
from typing import Annotated, Literal

from msgspec import Meta, field
from msgspec.structs import force_setattr

from demo_snapshots.config.checking import UnfitError
from demo_snapshots.config.foreign_keys import Undeclared
from demo_snapshots.config.strict import Columns, Strict
from demo_snapshots.model.copies import check_template


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
    evergreen: bool | Columns = False

    def __post_init__(self) -> None:
        self._list("follows")
        self._list("evergreen")
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


Reference = Literal["fail", "include", "include-all", "null"] | ByKey


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


class CopyRules(Strict, frozen=True):
    """``[copies]``: what columns hold in a copy, by ``table.column``: templates."""

    set: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for place, template in self.set.items():
            try:
                check_template(place, template)
            except ValueError as error:
                raise UnfitError(str(error), "set") from None


class DriftRule(
    Strict,
    frozen=True,
    rename={
        "rename_tables": "rename-tables",
        "rename_columns": "rename-columns",
        "drop_columns": "drop-columns",
    },
):
    """One ``[[drift]]``: what became of the tables since snapshots were saved. Old names lead to
    new ones; a column is ``table.column``, its table called as it is today. Of ``scenario`` and of
    versions ``through`` that one alone, where they are given."""

    scenario: str | None = None
    through: Annotated[str, Meta(pattern=r"^v[1-9][0-9]{0,8}(_[0-9-]{10})?$")] | None = None
    rename_tables: dict[str, str] = field(default_factory=dict)
    rename_columns: dict[str, str] = field(default_factory=dict)
    defaults: dict[str, str | int | float | bool] = field(default_factory=dict)
    drop_columns: Columns = ()

    def __post_init__(self) -> None:
        self._list("drop_columns")
        for name in ("rename_columns", "defaults", "drop_columns"):
            for place in getattr(self, name):
                if not all(place.rpartition(".")[::2]):
                    raise UnfitError(f"expected table.column, not {place!r}", name)

    def is_about(self, scenario: str, number: int) -> bool:
        """Whether it says anything of that version of a scenario."""
        through = int(self.through[1:].partition("_")[0]) if self.through else number
        return self.scenario in (None, scenario) and number <= through


class UpgradeRules(Strict, frozen=True):
    """``[upgrade]``: how the project's own migrations are run: the words of a command, one of them
    at most."""

    alembic: Columns = ()
    django: Columns = ()

    def __post_init__(self) -> None:
        self._list("alembic")
        self._list("django")
        if self.alembic and self.django:
            raise ValueError("one of alembic and django, not both")
