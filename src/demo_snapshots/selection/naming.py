"""What names say: which table a column called ``tenant_id`` references. Pure, and only a guess."""

from __future__ import annotations

import re
from collections.abc import Collection

_PEOPLE = ("user", "account", "member", "person")
"""The tables of those who own, write and create."""

_ROLES = (
    r"(assigned|created|deleted|owned|updated|uploaded)_(to|by)(_id)?"
    r"|(assignee|author|creator|customer|editor|member|owner|recipient|reviewer|sender|uploader)"
    r"(_id)?"
)
_IRREGULAR = {"person": "people", "child": "children", "man": "men", "woman": "women"}

_PASSING = r"(assigned|deleted|updated|uploaded)_(to|by)(_id)?|(assignee|editor|reviewer)(_id)?"


def is_passing(column: str) -> bool:
    """Whether the column names somebody who only touched a row."""
    return re.fullmatch(_PASSING, snake(column)) is not None


def snake(name: str) -> str:
    """``TenantId`` and ``tenantID`` are ``tenant_id``."""
    parted = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name)
    return parted.lower()


def is_called(stem: str, table: str) -> bool:
    """Whether ``table`` holds things called ``stem``, with a prefix or not."""
    name = snake(table)
    return any(name in (s, name.partition("_")[0] + "_" + s) for s in _spellings(stem))


def table_called(stem: str, tables: Collection[str], beside: str = "") -> str | None:
    """The table of things called ``stem``: in the plural or not, with a prefix that it shares with
    the table ``beside``, as Django's have, or that only it has. None where there is none, or
    several."""
    wanted = _spellings(snake(stem))
    by_name = {snake(name): name for name in sorted(tables, reverse=True)}
    exact = [by_name[name] for name in wanted if name in by_name]
    if exact:
        return exact[0]
    prefix = snake(beside).partition("_")[0] + "_"
    near = [by_name[prefix + name] for name in wanted if prefix + name in by_name]
    if near:
        return near[0]
    ending = [
        table
        for name, table in by_name.items()
        if any(name.partition("_")[2] == spelled for spelled in wanted)
    ]
    return ending[0] if len(ending) == 1 else None


def referenced_by_name(column: str, table: str, tables: Collection[str]) -> str | None:
    """The table that a ``column`` of ``table`` seems to reference, of these ``tables``."""
    name = snake(column)
    stem = name.removesuffix("_id")
    if stem != name and stem:
        if stem == "parent":
            return table
        if found := table_called(stem, tables, table):
            return found
    if re.fullmatch(_ROLES, name):
        return next((found for who in _PEOPLE if (found := table_called(who, tables, table))), None)
    return None


def table_of_type(value: str, tables: Collection[str], beside: str) -> str | None:
    """The table of the rows that a type like ``Post``, ``Blog::Post`` or ``App\\Models\\Post``
    means."""
    parts = [snake(part) for part in re.split(r"::|\\|/", value) if part]
    if not parts:
        return None
    return table_called("_".join(parts), tables) or table_called(parts[-1], tables, beside)


def _spellings(stem: str) -> tuple[str, ...]:
    plural = [stem + "s", stem + "es"]
    if stem.endswith("y"):
        plural.insert(0, stem[:-1] + "ies")
    first, last = stem[: stem.rfind("_") + 1], stem[stem.rfind("_") + 1 :]
    if last in _IRREGULAR:
        plural.insert(0, first + _IRREGULAR[last])
    return (*plural, stem)
