"""Fresh keys for a staged snapshot: what ``new_ids`` asks for.

Every table whose key is one number or one UUID gets new ones, beyond all that are in use; the
change carries through every foreign key and every declared reference in JSON. Keys made of
foreign keys follow by themselves. All of it happens in the staging tables.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from typing import Any

from demo_snapshots.errors import KeyClashError
from demo_snapshots.model.tables import Column, Kind, OfType, moments
from demo_snapshots.model.words import Call, Words
from demo_snapshots.transfer.stage import Stage, Staging

_PAGE = 500
_UUID = "________-____-____-____-____________"

Step = str | int


class FreshKeys:
    """Keys that no row has, for the staged rows of a table whose key is one column."""

    def __init__(self, staging: Staging) -> None:
        self.staging = staging
        self.database = staging.database
        self.dialect = staging.dialect

    def of(self, stage: Stage) -> str:
        """An expression for a staged row's fresh key. Raises KeyClashError for a key that means
        something."""
        column = stage.table.column(stage.key[0])
        quoted = self.dialect.quote(column.name)
        if column.kind is Kind.INTEGER:
            return f"{quoted} + {self.offset(stage, quoted)}"
        if self._are_uuids(stage, column.kind, quoted):
            return self.uuid(stage, column)
        raise self.meaningful(stage)

    def offset(self, stage: Stage, quoted: str) -> int:
        """What is added to each number."""
        # Beyond the stage's own highest key as well, so that no row meets another on its way.
        highest = [
            self.database.scalar(f"SELECT max({quoted}) FROM {source}")
            for source in (stage.target, stage.rows)
        ]
        lowest = self.database.scalar(f"SELECT min({quoted}) FROM {stage.rows}")
        if lowest is None:
            return 0
        return max(int(value) for value in highest if value is not None) + 1 - int(lowest)

    def uuid(self, stage: Stage, column: Column) -> str:
        """An expression for a fresh UUID."""
        return self.dialect.new_uuid()

    def meaningful(self, stage: Stage) -> KeyClashError:
        """What is said of a key that cannot be renewed."""
        return KeyClashError(
            f"{stage.table.name}.{', '.join(stage.key)}: a key that means something cannot be"
            " renewed",
            hint=Words(
                "Nothing was changed. Fresh keys are for numbers and UUIDs; import without ",
                Call(new_ids=True),
                ".",
            ),
        )

    def _are_uuids(self, stage: Stage, kind: Kind, quoted: str) -> bool:
        if kind is not Kind.TEXT:
            return kind is Kind.UUID
        return not self.staging.count(stage.rows, f"{quoted} NOT LIKE '{_UUID}'")


class _Renewal:
    def __init__(self, staging: Staging, fresh: FreshKeys) -> None:
        self.staging = staging
        self.fresh = fresh
        self.database = staging.database
        self.dialect = staging.dialect
        self.maps: dict[str, str] = {}
        self.origins: dict[tuple[str, str, OfType | None], str] = {}

    # --- Which columns hold which keys -------------------------------------------------------

    def find_origins(self) -> None:
        """Note for every key and referencing column whose table's fresh keys it holds."""
        for stage in self.staging.stages.values():
            if stage.key and not self._is_borrowed(stage):
                if len(stage.key) > 1:
                    raise self.fresh.meaningful(stage)
                self.origins[stage.table.name, stage.key[0], None] = stage.table.name
        grew = True
        while grew:
            grew = False
            for stage in self.staging.stages.values():
                for key in stage.table.foreign_keys:
                    for own, theirs in zip(key.columns, key.referenced_columns, strict=True):
                        origin = self.origins.get((key.referenced_table, theirs, None))
                        held = stage.table.name, own, key.only
                        if origin and held not in self.origins:
                            self.origins[held] = origin
                            grew = True

    def _is_borrowed(self, stage: Stage) -> bool:
        """Whether the key is made, at least in part, of foreign keys to demo tables."""
        return any(
            key.referenced_table in self.staging.schema.tables and set(key.columns) & set(stage.key)
            for key in stage.table.foreign_keys
            if key.referenced_table != stage.table.name
        )

    # --- Old and new keys --------------------------------------------------------------------

    def make_maps(self) -> None:
        for name in dict.fromkeys(self.origins.values()):
            stage = self.staging.stages[name]
            quoted = self.dialect.quote(stage.key[0])
            table = f"demo_new_{stage.number}"
            select = f"SELECT {quoted} AS old, {self.fresh.of(stage)} AS new FROM {stage.rows}"
            self.database.create_temporary(table, select, ("old",))
            self.database.run(self.dialect.index_temporary(table, ("old",)))
            self.maps[name] = self.dialect.temporary(table)

    # --- Carrying them through ---------------------------------------------------------------

    def rewrite_columns(self) -> None:
        for (table, column, only), origin in self.origins.items():
            stage = self.staging.stages[table]
            if not any(carried.name == column for carried in stage.columns):
                continue
            condition = f"t.{self.dialect.quote(column)} = s.old"
            if only:
                condition += f" AND {self.dialect.of_type(only, 't')}"
            # A stage inherits ON UPDATE from its table on MariaDB.
            self.database.execute(
                self.dialect.update_from(
                    stage.rows,
                    [(column, "new")],
                    self.maps[origin],
                    condition,
                    moments(stage.columns, (column,)),
                )
            )

    def rewrite_json(self) -> None:
        for stage in self.staging.stages.values():
            for place, target in self.staging.selection.rules[stage.table.name].json_references:
                table, _, column = target.rpartition(".")
                origin = self.origins.get((table.rpartition(".")[2], column, None))
                match = re.match(r"[^.\[]+", place)
                assert match is not None
                if origin is None:
                    continue
                if not stage.key:
                    raise KeyClashError(
                        f"{stage.table.name}.{place}: references in JSON of a table without a key"
                        " cannot be led to fresh keys",
                        hint=Words(
                            "Nothing was changed. Give the table a primary key, or import without ",
                            Call(new_ids=True),
                            ".",
                        ),
                    )
                path = re.findall(r"\[\*\]|[^.\[\]]+", place[match.end() :])
                self._rewrite_json(stage, match[0], path, self.maps[origin])

    def _rewrite_json(self, stage: Stage, column: str, path: list[str], mapping: str) -> None:
        found = stage.table.column(column)
        if found.is_array:
            self.database.execute(self.dialect.lead_array(stage.rows, found, mapping))
            return
        names = map(self.dialect.quote, moments(stage.columns, (column,)))
        kept = "".join(f", {name} = {name}" for name in names)
        for page in self._pages(stage, column):
            places_of = [(key, list(_at(_parsed(text), path))) for key, text in page]
            wanted = {str(value) for _, places in places_of for _, value in places}
            fresh = self._fresh(mapping, wanted)
            updates = []
            for key, places in places_of:
                changes = [
                    (steps, _like(value, fresh[str(value)]))
                    for steps, value in places
                    if str(value) in fresh
                ]
                if changes:
                    new = self.dialect.json_set(found, changes)
                    updates.append(
                        f"UPDATE {stage.rows} SET {self.dialect.quote(column)} = {new}{kept}"
                        f" WHERE {key}"
                    )
            self.database.run(updates)

    def _pages(self, stage: Stage, column: str) -> Iterator[list[tuple[str, str]]]:
        """Conditions that tell rows by key, and the rows' JSON texts, page by page."""
        keys = [stage.table.column(name) for name in stage.key]
        names = self.dialect.columns(stage.key)
        own = names if len(keys) == 1 else f"({names})"
        parts = ", ".join(self.dialect.concatenate([self.dialect.literal(key)]) for key in keys)
        cell = self.dialect.text_of(stage.table.column(column), self.dialect.quote(column))
        after = "1 = 1"
        while True:
            rows = self.database.rows(
                f"SELECT {cell}, {parts} FROM {stage.rows} WHERE {after}"
                f" ORDER BY {names} LIMIT {_PAGE}"
            )
            if not rows:
                return
            literals = [
                [self.dialect.sql_literal(_bytes(part)) for part in row[1:]] for row in rows
            ]
            yield [
                (self._told_by(stage, values), str(row[0]))
                for row, values in zip(rows, literals, strict=True)
                if row[0] is not None
            ]
            last = ", ".join(literals[-1])
            after = f"{own} > {last if len(keys) == 1 else f'({last})'}"

    def _told_by(self, stage: Stage, values: Sequence[str]) -> str:
        return " AND ".join(
            f"{self.dialect.quote(name)} = {value}"
            for name, value in zip(stage.key, values, strict=True)
        )

    def _fresh(self, mapping: str, wanted: set[str]) -> dict[str, str]:
        if not wanted:
            return {}
        old, new = self.dialect.plain_text("old"), self.dialect.plain_text("new")
        listed = ", ".join(self.dialect.text(value) for value in sorted(wanted))
        rows = self.database.rows(f"SELECT {old}, {new} FROM {mapping} WHERE {old} IN ({listed})")
        return {str(row[0]): str(row[1]) for row in rows}


def renew_keys(staging: Staging, fresh: FreshKeys | None = None) -> None:
    """Give every staged row a fresh key, and lead every reference to it there.

    Raises KeyClashError for a table whose key means something: text, or several columns that
    are no foreign keys; and for references in the JSON of a table without a key.
    """
    renewal = _Renewal(staging, fresh or FreshKeys(staging))
    renewal.find_origins()
    renewal.make_maps()
    renewal.rewrite_json()
    renewal.rewrite_columns()


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None


def _at(value: Any, path: Sequence[str]) -> Iterator[tuple[tuple[Step, ...], int | str]]:
    """The numbers and texts at ``path`` inside a JSON value, each with the steps to it."""
    if not path:
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            yield (), value
    elif path[0] == "[*]":
        for index, item in enumerate(value if isinstance(value, list) else ()):
            for steps, found in _at(item, path[1:]):
                yield (index, *steps), found
    elif isinstance(value, dict) and path[0] in value:
        for steps, found in _at(value[path[0]], path[1:]):
            yield (path[0], *steps), found


def _like(value: int | str, fresh: str) -> str:
    """``fresh`` as JSON, a number where ``value`` is one."""
    return fresh if isinstance(value, int) else json.dumps(fresh)


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode()
