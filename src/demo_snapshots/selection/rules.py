"""Configuration -> which rows are demo rows, per table, in this engine's SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from demo_snapshots.config.foreign_keys import Undeclared, split
from demo_snapshots.config.rules import PredicatePerEngine, TableRule, WrittenWay
from demo_snapshots.config.settings import Config
from demo_snapshots.engines.base.dialect import Dialect
from demo_snapshots.engines.database import Database
from demo_snapshots.errors import ConfigError
from demo_snapshots.model.copies import CopyOf, copy_in
from demo_snapshots.model.rules import (
    Field,
    Follows,
    FollowsAny,
    FollowsInside,
    Labelled,
    Marked,
    Rule,
    TableSelection,
    Way,
    Where,
    Whose,
    WithCopies,
    ways_of,
)
from demo_snapshots.model.tables import ForeignKey, Table
from demo_snapshots.selection.naming import referenced_by_name
from demo_snapshots.selection.schema import Schema
from demo_snapshots.selection.undeclared import is_path

_TRUE = "('true', '1', '\"true\"', '\"1\"')"
_PART = re.compile(r"[A-Za-z0-9_-]+")
INSIDE = re.compile(
    r"(?P<column>[^.\[]+)(?P<path>(?:\.[A-Za-z0-9_]+)*(?:\[\*\](?:\.[A-Za-z0-9_]+)*)?)"
)
"""A column and a path into its JSON, with ``[*]`` for each item of one list."""


def resolve(config: Config, schema: Schema) -> dict[str, TableSelection]:
    """The configuration's rules against the reflected tables, by table name.

    Raises ConfigError for a rule that names a column or a foreign key that is not there.
    """
    rules = {
        schema.configured[name]: _resolve(schema.configured[name], rule, schema)
        for name, rule in config.tables.items()
    }
    for name in rules:
        _require_end(name, rules)
    return rules


def _require_end(
    name: str, rules: Mapping[str, TableSelection], passed: tuple[str, ...] = ()
) -> None:
    if name in passed:
        raise ConfigError(
            f"tables.{passed[0]}.follows: {' -> '.join([*passed, name])} leads nowhere",
            hint="Say of one of these tables with a marker or with where which rows are demo rows.",
        )
    for way in ways_of(rules[name].rule):
        _require_end(way.table, rules, (*passed, name))


def _resolve(name: str, rule: TableRule, schema: Schema) -> TableSelection:
    table = schema.tables[name]
    if rule.breakdown:
        _column(table, rule.breakdown, "breakdown")
    for place in rule.json_references:
        _column(table, re.split(r"[.\[]", place)[0], "json-references")
    for target in rule.json_references.values():
        referenced, _, column = target.rpartition(".")
        if referenced not in schema.tables or not schema.tables[referenced].has(column):
            raise ConfigError(f"tables.{name}.json-references: no selected column {target}")
    resolved = _rule(table, rule, schema)
    inside = (way for way in ways_of(resolved) if isinstance(way, FollowsInside))
    followed = {_place(way): f"{way.table}.{way.referenced_column}" for way in inside}
    return TableSelection(
        table=name,
        rule=resolved,
        scenario=_field(table, rule.scenario, "scenario") if rule.scenario else None,
        breakdown=rule.breakdown,
        json_references=tuple({**rule.json_references, **followed}.items()),
    )


def _rule(table: Table, rule: TableRule, schema: Schema) -> Rule:
    if rule.marker:
        return Marked(_field(table, rule.marker, "marker"))
    if rule.ways:
        ways = tuple(found for way in rule.ways for found in _ways(table, way, schema))
        return ways[0] if len(ways) == 1 else FollowsAny(ways)
    if isinstance(rule.where, PredicatePerEngine):
        return Where(rule.where.sqlite, rule.where.postgresql, rule.where.mariadb)
    text = rule.where or ""
    return Where(text, text, text)


def _ways(table: Table, way: WrittenWay, schema: Schema) -> Sequence[Way]:
    if not isinstance(way, Undeclared):
        return _follows(table, way, schema)
    if is_path(way.columns, table):
        return [_inside(table, way, schema)]
    return _follows(table, way.columns, schema)


def _inside(table: Table, way: Undeclared, schema: Schema) -> FollowsInside:
    """The way through JSON."""
    where, place = f"tables.{table.name}.follows", way.columns[0]
    match = INSIDE.fullmatch(place)
    if match is None:
        raise ConfigError(
            f"{where}: {place!r} is no path into a JSON column",
            hint="It looks like meta.post_id or meta.items[*].id, or tag_ids[*] of an array.",
        )
    _column(table, match["column"], "follows")
    if not table.key:
        raise ConfigError(f"{where}: a table without a primary key cannot follow through JSON")
    assert isinstance(way.references, str)
    name, (column, *others) = split(way.references)
    referenced = schema.tables.get(schema.configured.get(name, ""))
    if referenced is None or others or not referenced.has(column):
        raise ConfigError(f"{where}: no selected column {way.references}")
    path = match["path"].removeprefix(".")
    own = table.column(match["column"])
    if own.is_array and path != "[*]":
        raise ConfigError(f"{where}: {place!r} is no path into an array: {own.name}[*] is one")
    return FollowsInside(own.name, path, table.key, referenced.name, column, own.is_array)


def _place(way: FollowsInside) -> str:
    dot = "" if not way.path or way.path.startswith("[") else "."
    return f"{way.column}{dot}{way.path}"


def _follows(table: Table, columns: tuple[str, ...], schema: Schema) -> list[Follows]:
    """The ways to follow by ``columns``: several where another column says which table it is."""
    keys = [
        key
        for key in table.foreign_keys
        if set(key.columns) == set(columns) and key.referenced_table in schema.tables
    ]
    if not keys:
        raise _no_foreign_key(table, columns, schema)
    if not keys[0].only:
        keys = keys[:1]
    elif others := [key for key in keys if key.referenced_table != table.name]:
        # What references a row of its own table in its turn leads to no demo row by itself.
        keys = others
    return [
        Follows(key.columns, key.referenced_table, key.referenced_columns, key.only) for key in keys
    ]


def _no_foreign_key(table: Table, columns: tuple[str, ...], schema: Schema) -> ConfigError:
    where = f"tables.{table.name}.follows: {', '.join(columns)}"
    unselected = {k.referenced_table for k in table.foreign_keys if set(k.columns) == set(columns)}
    if unselected:
        name = min(unselected)
        return ConfigError(
            f"{where} is no foreign key to another table of the configuration",
            hint=f"It references {name}, of which the configuration does not say which rows are"
            f" demo rows: add a section [tables.{name}].",
        )
    return ConfigError(
        f"{where} is no foreign key to another table of the configuration",
        hint="Where the database does not declare it, say what it references:"
        f" {_line(table, columns, schema)}",
    )


def _line(table: Table, columns: tuple[str, ...], schema: Schema) -> str:
    """What to write for a foreign key that the database does not declare, as far as names tell."""
    if len(columns) > 1:
        own = ", ".join(f'"{name}"' for name in columns)
        return f'follows = {{ columns = [{own}], references = "TABLE.({", ".join(columns)})" }}'
    name = referenced_by_name(columns[0], table.name, schema.names) or "TABLE"
    key = schema.tables[name].key if name in schema.tables else ()
    target = f"{name}.{key[0] if len(key) == 1 else 'id'}"
    line = f'follows = {{ column = "{columns[0]}", references = "{target}" }}'
    if name in schema.tables or name == "TABLE":
        return line
    return f"{line}; and in a section [tables.{name}] which of its rows are demo rows."


def _field(table: Table, text: str, rule: str) -> Field:
    # A column's own name may hold a dot, so whole names come first.
    if table.has(text):
        return Field(text)
    column, *path = text.split(".")
    _column(table, column, rule)
    if not all(_PART.fullmatch(part) for part in path):
        raise ConfigError(f"tables.{table.name}.{rule}: {text!r} is no path into a JSON column")
    return Field(column, tuple(path))


def _column(table: Table, name: str, rule: str) -> None:
    if not table.has(name):
        raise ConfigError(f"tables.{table.name}.{rule}: the table has no column {name!r}")


class Selection:
    """The resolved rules, spoken in one engine's SQL."""

    def __init__(
        self,
        dialect: Dialect,
        tables: Mapping[str, Table],
        rules: Mapping[str, TableSelection],
        noted: Mapping[tuple[str, Whose], str] | None = None,
    ) -> None:
        """``noted`` are queries for the keys of demo rows that have been told already."""
        self.dialect = dialect
        self.tables = tables
        self.rules = rules
        self.noted = {} if noted is None else noted

    def predicate(self, table: str, scenario: Whose = None) -> str:
        """A condition on ``table``'s own columns: its demo rows, as far as ``scenario`` says."""
        if noted := self.noted.get((table, scenario)):
            return f"{self.dialect.row_value(self.tables[table].key)} IN ({noted})"
        selection = self.rules[table]
        match selection.rule:
            case Marked(field):
                condition = f"{self._text(table, field)} IN {_TRUE}"
            case Where() as where:
                condition = f"({getattr(where, self.dialect.name)})"
            case Follows() | FollowsInside() as way:
                return self._way(table, way, scenario)
            case FollowsAny(ways):
                return f"({' OR '.join(self._way(table, way, scenario) for way in ways)})"
        if isinstance(scenario, WithCopies):
            return condition
        if selection.scenario is None:
            return "1 = 0" if isinstance(scenario, Labelled) else condition
        name = self._text(table, selection.scenario)
        if scenario is None:
            return f"({condition} AND COALESCE({name}, '') NOT LIKE '%@%')"
        if isinstance(scenario, Labelled):
            # The label first and as it is: an index on this very expression serves.
            return f"({name} = {self.dialect.text(scenario.label)} AND {condition})"
        wanted = self.dialect.text(scenario)
        # Once for both cases: what stands for the label is often a walk through JSON.
        return f"({condition} AND COALESCE({name}, {wanted}) = {wanted})"

    def _way(self, table: str, way: Way, scenario: Whose) -> str:
        if isinstance(way, FollowsInside):
            return self._follows_inside(table, way, scenario)
        return self._follows(way, scenario)

    def _follows_inside(self, table: str, way: FollowsInside, scenario: Whose) -> str:
        own, goal = self.tables[table], self.tables[way.table]
        joins, value = self.dialect.json_values(own.column(way.column), way.path)
        name = way.referenced_column
        keys = self.dialect.text_of(goal.column(name), self.dialect.quote(name))
        return (
            f"{self.dialect.row_value(way.key)} IN (SELECT {self.dialect.columns(way.key, 't')}"
            f" FROM {self.dialect.rows_of(own)} AS t{joins} WHERE {value} IN"
            f" (SELECT {keys} FROM {self.dialect.rows_of(goal)}"
            f" WHERE {self.predicate(way.table, scenario)}))"
        )

    def _follows(self, way: Follows, scenario: Whose) -> str:
        own, goal = self.dialect.row_value(way.columns), self.tables[way.table]
        found = self.noted.get((way.table, scenario))
        if found is None or way.referenced_columns != goal.key:
            wanted = self.dialect.columns(way.referenced_columns)
            inner = self.predicate(way.table, scenario)
            found = f"SELECT {wanted} FROM {self.dialect.rows_of(goal)} WHERE {inner}"
        condition = f"{own} IN ({found})"
        return f"({self.dialect.of_type(way.only)} AND {condition})" if way.only else condition

    def is_asked_often(self, table: str) -> bool:
        """Whether telling the table's demo rows takes long, or those of others are told by them."""
        rule = self.rules[table].rule
        others = (way.table for each in self.rules.values() for way in ways_of(each.rule))
        return (isinstance(rule, Marked) and bool(rule.field.path)) or table in others

    def is_followed(self, table: Table, key: ForeignKey) -> bool:
        """Whether rows of ``table`` are demo rows just because of this reference: then that of
        a demo row leads to a demo row, and that of any other row does not."""
        rule = self.rules[table.name].rule if table.name in self.rules else None
        return isinstance(rule, Follows) and (rule.table, set(rule.columns), rule.only) == (
            key.referenced_table,
            set(key.columns),
            key.only,
        )

    def _text(self, table: str, field: Field) -> str:
        column = self.tables[table].column(field.column)
        if field.path:
            return self.dialect.json_text(column, field.path)
        return self.dialect.text_of(column, self.dialect.quote(field.column))

    def label(self, table: str) -> str | None:
        """What a row of ``table`` carries as its scenario, as text; None where it carries none."""
        field = self.rules[table].scenario
        return None if field is None else self._text(table, field)

    def scenarios(self, database: Database) -> tuple[str, ...]:
        """The scenarios that demo rows carry, sorted."""
        return self._labels(database, None)

    def copies(self, database: Database) -> tuple[CopyOf, ...]:
        """The copies that rows carry, sorted by scenario and name."""
        labels = self._labels(database, WithCopies())
        return tuple(found for label in labels if (found := copy_in(label)) is not None)

    def _labels(self, database: Database, whose: Whose) -> tuple[str, ...]:
        found: set[str] = set()
        for name, selection in self.rules.items():
            if selection.scenario is None:
                continue
            label = self._text(name, selection.scenario)
            rows = database.rows(
                f"SELECT DISTINCT {label} FROM {self.dialect.rows_of(self.tables[name])}"
                f" WHERE {self.predicate(name, whose)} AND {label} IS NOT NULL"
            )
            found |= {str(row[0]) for row in rows}
        return tuple(sorted(found))

    def finds(self, database: Database, tables: Iterable[str], scenario: Whose = None) -> bool:
        """Whether there is any demo row in these tables, as far as ``scenario`` says."""
        return any(
            database.rows(
                f"SELECT 1 FROM {self.dialect.rows_of(self.tables[name])}"
                f" WHERE {self.predicate(name, scenario)} LIMIT 1"
            )
            for name in tables
        )

    def carries(self, database: Database, scenario: str) -> bool:
        """Whether any demo row names ``scenario`` itself."""
        for name, selection in self.rules.items():
            if selection.scenario is not None:
                label = self._text(name, selection.scenario)
                if database.rows(
                    f"SELECT 1 FROM {self.dialect.rows_of(self.tables[name])}"
                    f" WHERE {self.predicate(name)} AND {label} = {self.dialect.text(scenario)}"
                    " LIMIT 1"
                ):
                    return True
        return False
