"""Rows that say by their names that they are the demo, where nothing marks any: a tenant called
demo, a user called demo, people with addresses at reserved domains."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from demo_snapshots.documents.sql.identifiers import write_identifier
from demo_snapshots.model.tables import Column, Kind, Table
from demo_snapshots.selection.markers import Sample
from demo_snapshots.selection.naming import is_called, snake

_TENANTS = ("tenant", "account", "team", "organisation", "organization", "workspace", "company")
_PEOPLE = ("user", "account", "customer", "member", "person", "contact")
_NAMES = (
    "slug",
    "subdomain",
    "handle",
    "identifier",
    "code",
    "domain",
    "username",
    "login",
    "name",
)
_DEMO = re.compile(r"(?<![a-z])demo(?![a-z])", re.IGNORECASE)
_MOST = 5

_RESERVED = (
    "%@example.com", "%@example.org", "%@example.net", "%@%.example", "%@%.test", "%@%.invalid",
    "%@%.localhost", "%@localhost",
)  # fmt: skip
"""What addresses end with that belong to nobody (RFC 2606, RFC 6761), as LIKE has it."""


class Root(Struct, frozen=True):
    """``condition``, in SQL that every engine reads, tells demo rows of ``table``, for the reason
    in words. Where ``of_people``, those are people, who may belong to whatever else is found."""

    table: str
    condition: str
    reason: str
    of_people: bool = False


def find_roots(samples: Mapping[str, Sample]) -> list[Root]:
    """What may be the demo, likeliest kind first: tenants, people by address, people by name."""
    tenants = [root for table in _called(_TENANTS, samples) for root in _tenants(samples[table])]
    people = sorted(_addressed(samples), key=lambda root: _rank(root.table))
    users = [root for table in _called(_PEOPLE, samples) for root in _users(samples[table])]
    return list(dict.fromkeys([*tenants, *people, *users]))


def _rank(table: str) -> int:
    return next((n for n, who in enumerate(_PEOPLE) if is_called(who, table)), len(_PEOPLE))


def _called(kinds: Iterable[str], samples: Mapping[str, Sample]) -> list[str]:
    return [table for kind in kinds for table in sorted(samples) if is_called(kind, table)]


def _tenants(sample: Sample) -> Iterator[Root]:
    """One for each row that says demo."""
    name, values = _says_demo(sample)
    for value in values:
        told = f"{write_identifier(name)} = '{value}'"
        yield Root(sample.table.name, told, f"its {name} says demo")


def _users(sample: Sample) -> Iterator[Root]:
    """One for all rows that say demo."""
    name, values = _says_demo(sample)
    if values:
        listed = ", ".join(f"'{value}'" for value in values)
        own = write_identifier(name)
        told = f"{own} IN ({listed})" if len(values) > 1 else f"{own} = {listed}"
        yield Root(sample.table.name, told, f"their {name} says demo")


def _says_demo(sample: Sample) -> tuple[str, list[str]]:
    """The first column that says of rows that they are the demo, and its values there."""
    for name in _NAMES:
        for column in _columns(sample.table, name):
            found = sorted(v for v in _like(sample, column, "%demo%") if _DEMO.search(v))
            fit = [value for value in found if _fits(value)][:_MOST]
            if fit:
                return column.name, fit
    return "", []


def _addressed(samples: Mapping[str, Sample]) -> Iterator[Root]:
    for table, sample in sorted(samples.items()):
        for name in ("email", "email_address", "mail"):
            for column in _columns(sample.table, name):
                found = [end for end in _RESERVED if _like(sample, column, end)]
                if found:
                    own = write_identifier(column.name)
                    told = " OR ".join(f"{own} LIKE '{end}'" for end in found)
                    ends = " or ".join(end.removeprefix("%@").replace("%", "*") for end in found)
                    reason = f"their {column.name} ends with {ends}, which belongs to nobody"
                    yield Root(table, told, reason, of_people=True)


def _columns(table: Table, name: str) -> list[Column]:
    return [c for c in table.carried if snake(c.name).strip("_") == name and c.kind is Kind.TEXT]


def _like(sample: Sample, column: Column, pattern: str) -> set[str]:
    """Some of the column's texts that are ``pattern``, in whatever case."""
    text = sample.dialect.text_of(column, sample.dialect.quote(column.name))
    return {
        str(row[0])
        for end in sample.ends(f"{text} AS x")
        for row in sample.database.rows(
            f"SELECT DISTINCT x FROM ({end}) AS s"
            f" WHERE lower(x) LIKE {sample.dialect.text(pattern)} LIMIT 100"
        )
    }


def _fits(value: str) -> bool:
    """Whether a condition of the configuration may hold the value."""
    taboo = ("'", '"', "`", "\\", "--", "/*", "*/", ";", "#", "(", ")")
    return len(value) <= 100 and value.isprintable() and not any(t in value for t in taboo)


_VALUES = {
    Kind.INTEGER: "1, 2",
    Kind.DECIMAL: "1, 2",
    Kind.FLOAT: "1, 2",
    Kind.BOOLEAN: "TRUE",
    Kind.UUID: "'00000000-0000-0000-0000-000000000001', '00000000-0000-0000-0000-000000000002'",
    Kind.DATE: "'2025-01-01', '2025-01-02'",
    Kind.TIME: "'09:00:00', '10:00:00'",
    Kind.TIMESTAMP: "'2025-01-01 09:00:00', '2025-01-01 10:00:00'",
    Kind.TIMESTAMPTZ: "'2025-01-01 09:00:00+00', '2025-01-01 10:00:00+00'",
}


def some_rows(key: Column) -> str:
    """A condition, as an example, for two rows by their key: with values of its type, and of
    nobody's row."""
    values = _VALUES.get(key.kind, "'one', 'two'")
    return f"{write_identifier(key.name)} IN ({values})"
