"""A database -> the tables that look as if they held demo rows, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from demo_snapshots.engines.connection import Database
from demo_snapshots.model.rules import Follows, Marked, TableSelection, Where
from demo_snapshots.model.tables import ForeignKey, Kind, Table
from demo_snapshots.selection.following import Following, follow
from demo_snapshots.selection.frameworks import is_bookkeeping
from demo_snapshots.selection.markers import (
    SAMPLED_ROWS,
    Marker,
    Sample,
    find_breakdown,
    find_marker,
)
from demo_snapshots.selection.rules import Selection
from demo_snapshots.selection.schema import reflect

COUNTED_ROWS = 200_000
"""Tables with more rows than this are not counted to the end."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A table of demo rows; ``name`` is what the configuration calls it. ``rows`` are those it
    selects now: at least so many unless ``exact``, None where counting would take long.
    ``doubtful`` ones are for the user to decide. A ``Where`` means the rows in which
    ``subject`` is not NULL, in an example those in which it has some values or other."""

    name: str
    selection: TableSelection
    reasons: tuple[str, ...]
    rows: int | None = None
    exact: bool = False
    doubtful: bool = False
    subject: str = ""


@dataclass(frozen=True, slots=True)
class ExternalReference:
    """Demo rows that reference rows of a table that is not demo data. ``rows`` as in Finding;
    ``natural_key`` are columns by which another database knows the same row, if any."""

    table: str
    key: ForeignKey
    rows: int | None
    natural_key: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Findings:
    """``tables``: those with a marker by name, then those that follow, nearest first, then the
    doubtful. ``scenarios`` are those seen, sorted; ``looked_at`` counts the tables that were
    looked at; ``sampled`` names those too large to be looked at to the end. ``example`` is,
    where nothing was found, a table that many others follow, and those."""

    tables: tuple[Finding, ...]
    external: tuple[ExternalReference, ...]
    scenarios: tuple[str, ...]
    looked_at: int
    sampled: tuple[str, ...]
    example: tuple[Finding, ...] = ()


def look(database: Database) -> Findings:
    """Look at every table for demo rows: at its columns, at ``SAMPLED_ROWS`` rows from each
    end, and along the foreign keys. Changes nothing. Raises DatabaseError."""
    names = _names(database)
    with database.reading():
        schema = reflect(database, names)
        tables = {
            table.name: table for table in schema.tables.values() if not is_bookkeeping(table)
        }
        samples = {name: Sample(database, table) for name, table in sorted(tables.items())}
        found = {n: marker for n, sample in samples.items() if (marker := find_marker(sample))}
        certain = {name for name, marker in found.items() if not marker.doubtful}
        followings = follow(
            {n: t for n, t in tables.items() if n not in found or n in certain}, certain
        )
        rules = {
            name: _rule_by_marker(name, marker, database) for name, marker in found.items()
        } | {f.table: TableSelection(f.table, _rule_by_key(f.key)) for f in followings}
        counting = _Counting(database, samples, rules)
        spelled = {table: name for name, table in schema.configured.items()}
        marked = [
            _by_marker(spelled[name], rules[name], marker, samples[name], counting)
            for name, marker in found.items()
        ]
        following = [
            _by_following(spelled[f.table], rules[f.table], f, samples[f.table], counting)
            for f in followings
        ]
        findings = sorted([*marked, *following], key=lambda finding: finding.doubtful)
        return Findings(
            tables=tuple(findings),
            external=tuple(_external(findings, schema.tables, counting)),
            scenarios=tuple(sorted({name for m in found.values() for name in m.scenarios})),
            looked_at=len(tables),
            sampled=tuple(n for n in samples if counting.is_large(n)),
            example=() if findings else _example(tables, spelled),
        )


def _example(tables: Mapping[str, Table], spelled: Mapping[str, str]) -> tuple[Finding, ...]:
    roots = [name for name, table in sorted(tables.items()) if len(table.key) == 1]
    trees = {name: [f for f in follow(tables, {name}) if not f.weak] for name in roots}
    if not trees:
        return ()
    root = max(trees, key=lambda name: (not tables[name].foreign_keys, len(trees[name])))
    condition = Where("", "", "")
    return (
        Finding(spelled[root], TableSelection(root, condition), (), subject=tables[root].key[0]),
        *(
            Finding(spelled[f.table], TableSelection(f.table, _rule_by_key(f.key)), _reasons(f))
            for f in trees[root]
        ),
    )


def _names(database: Database) -> list[str]:
    """All tables as the configuration calls them; of several of one name the first, since a
    snapshot holds only one. A partition's rows are those of the whole."""
    catalog = database.catalog
    with database.wrapped():
        parts, home, tables = catalog.partitions(), catalog.home(), catalog.tables()
    names: dict[str, str] = {}
    for schema, found in tables.items():
        for name in found:
            if (schema or home, name) not in parts:
                names.setdefault(name, f"{schema}.{name}" if schema else name)
    return list(names.values())


def _rule_by_marker(name: str, marker: Marker, database: Database) -> TableSelection:
    if marker.by_scenario:
        condition = f"{database.dialect.quote(marker.field.column)} IS NOT NULL"
        return TableSelection(name, Where(condition, condition, condition), marker.scenario)
    return TableSelection(name, Marked(marker.field), marker.scenario)


def _rule_by_key(key: ForeignKey) -> Follows:
    return Follows(key.columns, key.referenced_table, key.referenced_columns)


def _by_marker(
    name: str, rule: TableSelection, marker: Marker, sample: Sample, counting: _Counting
) -> Finding:
    reasons = [marker.reason]
    if marker.doubtful:
        reasons.append("every row has one, so every row would be a demo row")
    rows, exact = counting.of(rule.table)
    return Finding(
        name,
        _with_breakdown(rule, sample),
        tuple(reasons),
        rows,
        exact,
        marker.doubtful,
        marker.field.column if marker.by_scenario else "",
    )


def _by_following(
    name: str, rule: TableSelection, following: Following, sample: Sample, counting: _Counting
) -> Finding:
    rows, exact = counting.of(rule.table)
    selection = _with_breakdown(rule, sample)
    return Finding(name, selection, _reasons(following), rows, exact, following.weak)


def _reasons(following: Following) -> tuple[str, ...]:
    reasons = [f"its rows reference {_path(following.key)}"]
    if following.others:
        others = " and ".join(_path(key) for key in following.others)
        own = ", ".join(following.key.columns)
        reasons.append(f"they also reference {others}; {own} was chosen: {following.because}")
    if following.loose:
        reasons.append("they need not reference any: see that those that do are demo rows")
    if following.weak:
        reasons.append("they outlive what they reference (it becomes NULL), so look before use")
    return tuple(reasons)


def _path(key: ForeignKey) -> str:
    return f"{key.referenced_table} by {', '.join(key.columns)}"


def _with_breakdown(rule: TableSelection, sample: Sample) -> TableSelection:
    return TableSelection(rule.table, rule.rule, rule.scenario, find_breakdown(sample))


class _Counting:
    """Counts what rules select, never longer than a look at ``COUNTED_ROWS`` rows takes."""

    def __init__(
        self,
        database: Database,
        samples: Mapping[str, Sample],
        rules: Mapping[str, TableSelection],
    ) -> None:
        self.database = database
        self.samples = samples
        self.rules = rules
        tables = {name: sample.table for name, sample in samples.items()}
        self.selection = Selection(database.dialect, tables, rules)
        self._large: dict[str, bool] = {}

    def is_large(self, name: str) -> bool:
        if name not in self._large:
            table = self.database.dialect.table(self.samples[name].table)
            some = f"SELECT 1 AS x FROM {table} LIMIT {COUNTED_ROWS + 1}"
            count = self.database.scalar(f"SELECT count(*) FROM ({some}) AS s")
            self._large[name] = int(count) > COUNTED_ROWS
        return self._large[name]

    def of(self, name: str, condition: str = "") -> tuple[int | None, bool]:
        """The demo rows of a table for which ``condition`` holds too, and whether that is all
        of them."""
        rule = self.rules[name].rule
        where = f"WHERE {self.selection.predicate(name)}{condition}"
        if not self._is_far(name):
            table = self.database.dialect.table(self.samples[name].table)
            return int(self.database.scalar(f"SELECT count(*) FROM {table} {where}")), True
        if isinstance(rule, Follows):
            return None, False
        ends = self.samples[name].ends("*")
        counts = (self.database.scalar(f"SELECT count(*) FROM ({e}) AS s {where}") for e in ends)
        return sum(int(count) for count in counts), False

    def _is_far(self, name: str) -> bool:
        """Whether the table, or one that it follows, is large."""
        rule = self.rules[name].rule
        return self.is_large(name) or (isinstance(rule, Follows) and self._is_far(rule.table))


def _external(
    findings: list[Finding], tables: Mapping[str, Table], counting: _Counting
) -> list[ExternalReference]:
    selected = {f.selection.table for f in findings if not f.doubtful}
    by_name = {table.name: table for table in tables.values()}
    found = []
    for name in sorted(selected):
        for key in by_name[name].foreign_keys:
            if key.referenced_table in selected:
                continue
            dialect = counting.database.dialect
            given = "".join(f" AND {dialect.quote(column)} IS NOT NULL" for column in key.columns)
            rows, _ = counting.of(name, given)
            if rows != 0:
                natural = _natural_key(by_name.get(key.referenced_table))
                found.append(ExternalReference(name, key, rows, natural))
    return found


def _natural_key(table: Table | None) -> tuple[str, ...]:
    for unique in table.uniques if table else ():
        if table and all(table.column(name).kind is Kind.TEXT for name in unique):
            return unique
    return ()


__all__ = ["COUNTED_ROWS", "SAMPLED_ROWS", "ExternalReference", "Finding", "Findings", "look"]
