"""Real rows are sacred: what a snapshot must not touch, found before anything is changed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from demo_snapshots.errors import KeyClashError, RealRowsError, VerificationError
from demo_snapshots.model.tables import ForeignKey, Table
from demo_snapshots.model.words import Call, Words
from demo_snapshots.transfer.stage import Stage, Staging

_SHOWN = 5


def require_free_keys(staging: Staging) -> None:
    """Raise KeyClashError if a key or unique value of the snapshot is a real row's."""
    for stage in staging.stages.values():
        carried = {column.name for column in stage.columns}
        for names in filter(None, (stage.key, *stage.table.uniques)):
            if set(names) <= carried:
                _require_free(staging, stage, names)


def _require_free(staging: Staging, stage: Stage, names: Sequence[str]) -> None:
    dialect = staging.dialect
    target, real, join = stage.target, "1 = 1", "JOIN"
    if stage.key:
        real, join = is_real(staging, stage, "t"), dialect.join_in_order
    else:
        target = staging.chosen(stage, _is_real_row(staging, stage.table))
    source = (
        f"FROM {stage.rows} AS s {join} {target} AS t ON {dialect.match('s', 't', names)}"
        f" WHERE {real}"
    )
    taken = int(staging.database.scalar(f"SELECT count(*) {source}"))
    if not taken:
        return
    columns = dialect.columns(names, "t")
    shown = _keys(
        staging.database.rows(f"SELECT {columns} {source} ORDER BY {columns} LIMIT {_SHOWN}")
    )
    rows = "1 row that is" if taken == 1 else f"{taken} rows that are"
    raise KeyClashError(
        f"{stage.table.name}.{', '.join(names)}: {rows} not being replaced already"
        f" {'uses' if taken == 1 else 'use'} {_listed(shown, taken)}",
        hint=Words(
            "Nothing was changed. ",
            Call("import_", new_ids=True),
            " gives the snapshot's rows fresh keys; or mark those rows as demo data if they are.",
        ),
        table=stage.table.name,
        columns=tuple(names),
    )


def is_real(staging: Staging, stage: Stage, alias: str) -> str:
    """A condition: the row ``alias`` of the stage's target is none the import may replace."""
    match = staging.dialect.match("n", alias, stage.key)
    return f"NOT EXISTS (SELECT 1 FROM {stage.now} AS n WHERE {match})"


def require_unreferenced(
    staging: Staging, why: str = "that the snapshot does not bring back"
) -> None:
    """Raise RealRowsError if real rows reference demo rows that the snapshot does not bring
    back: they would be deleted, changed or left dangling. ``why`` says of these what happens to
    them."""
    for referencing, key in _references(staging):
        source = _orphans(staging, referencing, key)
        count = int(staging.database.scalar(f"SELECT count(*) {source}"))
        if not count:
            continue
        names = referencing.key or key.columns
        columns = staging.dialect.columns(names, "r")
        query = f"SELECT {columns} {source} ORDER BY {columns} LIMIT {_SHOWN}"
        shown = _keys(staging.database.rows(query))
        constraint = f" ({key.name})" if key.name else ""
        stays = referencing.name in {table.name for table in staging.demo.left_alone}
        what = "not imported" if stays else "not demo data"
        rows = f"1 row that is {what}" if count == 1 else f"{count} rows that are {what}"
        raise RealRowsError(
            f"{referencing.name}.{', '.join(key.columns)} -> {key.referenced_table}{constraint}:"
            f" {rows} {'references' if count == 1 else 'reference'} demo rows"
            f" {why}: {', '.join(names)} {_listed(shown, count)}",
            hint=_along(staging, referencing.name, " Or point those rows elsewhere first.")
            if stays
            else "Nothing was changed. Point those rows elsewhere or remove them first.",
        )


def _along(staging: Staging, name: str, otherwise: str = "") -> Words:
    """The hint to import the table ``name`` as well."""
    only = tuple(table.name for table in staging.order.tables)
    return Words(
        f"Nothing was changed. Import {name} as well: ", Call(only=(*only, name)), f".{otherwise}"
    )


def require_referenced(staging: Staging) -> None:
    """Raise VerificationError if staged rows reference demo rows that are not here, in tables that
    are left alone."""
    dialect = staging.dialect
    left_alone = {table.name: table for table in staging.demo.left_alone}
    for stage in staging.stages.values():
        carried = {column.name for column in stage.columns}
        for key in stage.table.foreign_keys:
            referenced = left_alone.get(key.referenced_table)
            if referenced is None or not set(key.columns) <= carried:
                continue
            wanted = dialect.columns(key.referenced_columns)
            # References that lead out of the demo may lead to any row.
            there = [f"{dialect.quote(name)} IS NOT NULL" for name in key.referenced_columns]
            if referenced.name not in staging.demo.external.references:
                there.append(staging.demo.predicate(referenced))
            rows = f"SELECT {wanted} FROM {dialect.rows_of(referenced)} WHERE {' AND '.join(there)}"
            own = dialect.row_value(key.columns)
            count = staging.count(
                stage.rows, f"{dialect.references(key)} AND {own} NOT IN ({rows})"
            )
            if count:
                raise VerificationError(
                    f"{stage.table.name}.{', '.join(key.columns)}: {count}"
                    f" {'row references' if count == 1 else 'rows reference'} demo rows of"
                    f" {referenced.name} that are not in the database",
                    hint=_along(staging, referenced.name),
                )


def left_alone(staging: Staging) -> dict[str, int]:
    """How many demo rows there are in each of the demo tables that are left alone."""
    return {
        table.name: staging.count(staging.dialect.rows_of(table), staging.demo.predicate(table))
        for table in staging.demo.left_alone
    }


def require_left_alone(staging: Staging, before: Mapping[str, int]) -> None:
    """Raise VerificationError if rows of a table that is left alone are no demo rows any more:
    they may have been such by what they reference."""
    for name, rows in left_alone(staging).items():
        if rows < before[name]:
            raise VerificationError(
                f"{name}: {before[name] - rows} of its demo rows would be none any more",
                hint=_along(staging, name),
            )


def _references(staging: Staging) -> Iterator[tuple[Table, ForeignKey]]:
    for table in (*staging.schema.tables.values(), *staging.schema.referencing):
        for key in table.foreign_keys:
            if key.referenced_table in staging.stages and not (
                table.name in staging.stages
                and staging.selection.is_followed(table, key)
                and not staging.adds
            ):
                yield table, key


def _orphans(staging: Staging, referencing: Table, key: ForeignKey) -> str:
    referenced = staging.stages[key.referenced_table]
    wanted = staging.dialect.columns(key.referenced_columns)
    present = f"SELECT {wanted} FROM {referenced.target} AS p WHERE {staging.predicate(referenced)}"
    if key.referenced_columns == referenced.key:
        present = f"SELECT {wanted} FROM {referenced.unlike}"
    elif referenced.joined:
        match = staging.dialect.match("u", "p", referenced.key)
        present += f" AND EXISTS (SELECT 1 FROM {referenced.unlike} AS u WHERE {match})"
    given = " AND ".join(
        f"{staging.dialect.quote(name)} IS NOT NULL" for name in key.referenced_columns
    )
    coming = f"SELECT {wanted} FROM {referenced.rows} WHERE {given}"
    own = staging.dialect.row_value(key.columns, "r")
    only = f" AND {staging.dialect.of_type(key.only, 'r')}" if key.only else ""
    return (
        f"FROM {staging.dialect.rows_of(referencing)} AS r"
        f" WHERE {_is_real_row(staging, referencing)}{only}"
        f" AND {own} IN ({present}) AND {own} NOT IN ({coming})"
    )


def _is_real_row(staging: Staging, table: Table) -> str:
    stage = staging.stages.get(table.name)
    if stage is None:
        return "1 = 1"
    if stage.key:
        return is_real(staging, stage, "r")
    return f"CASE WHEN {staging.predicate(stage)} THEN 0 ELSE 1 END = 1"


def is_held(staging: Staging, stage: Stage, alias: str) -> str | None:
    """A condition: real rows reference the row ``alias`` by a foreign key that the engine
    enforces; None if none could. Any other is no matter while rows are deleted and inserted."""
    held = []
    for referencing, key in _references(staging):
        if not key.declared or key.referenced_table != stage.table.name:
            continue
        pairs = " AND ".join(
            f"r.{staging.dialect.quote(own)} = {alias}.{staging.dialect.quote(theirs)}"
            for own, theirs in zip(key.columns, key.referenced_columns, strict=True)
        )
        held.append(
            f"EXISTS (SELECT 1 FROM {staging.dialect.rows_of(referencing)} AS r"
            f" WHERE {pairs} AND {_is_real_row(staging, referencing)})"
        )
    return f"({' OR '.join(held)})" if held else None


def require_not_held(staging: Staging, stage: Stage, held: Sequence[str]) -> None:
    """Raise RealRowsError if a demo row of a table without a key is ``held``, by conditions on
    the alias ``t``."""
    if not held:
        return
    rows = f"{staging.chosen(stage, staging.predicate(stage))} AS t"
    count = staging.count(rows, " OR ".join(f"({condition})" for condition in held))
    if count:
        raise RealRowsError(
            f"{stage.table.name}: {count} demo {'row is' if count == 1 else 'rows are'} needed by"
            " rows that are not demo data, and in a table whose rows no key tells apart an import"
            " deletes all demo rows and inserts them again",
            hint="Nothing was changed. Give the table a primary key, or point those rows elsewhere"
            " first.",
        )


def require_foreign_keys(staging: Staging, *, undeclared: bool) -> None:
    """Raise VerificationError if a demo row references a row that is not there, by a foreign key
    that the engine has not checked; by one that is not declared only if ``undeclared``."""
    for stage in staging.stages.values():
        for key in stage.table.foreign_keys if undeclared else stage.table.declared_keys:
            checked = key.declared and staging.dialect.enforces_foreign_keys
            if checked or staging.selection.is_followed(stage.table, key):
                continue
            count = dangling(staging, stage, key)
            if count:
                raise VerificationError(
                    f"{stage.table.name}.{', '.join(key.columns)}: {count} demo"
                    f" {'row references' if count == 1 else 'rows reference'} no row of"
                    f" {key.referenced_table}",
                    hint="Nothing was changed. The snapshot references rows that are not here.",
                )


def dangling(staging: Staging, stage: Stage, key: ForeignKey) -> int:
    """How many demo rows reference, by ``key``, a row that is not there."""
    dialect = staging.dialect
    referenced = staging.schema.tables.get(key.referenced_table) or Table(
        key.referenced_table, (), schema=key.referenced_schema
    )
    own = dialect.row_value(key.columns)
    given = dialect.references(key)
    wanted = dialect.columns(key.referenced_columns)
    there = " AND ".join(f"{dialect.quote(name)} IS NOT NULL" for name in key.referenced_columns)
    rows = dialect.locking(f"SELECT {wanted} FROM {dialect.rows_of(referenced)} WHERE {there}")
    return staging.count(
        stage.target,
        f"{staging.demo_predicate(stage)} AND {given} AND {own} NOT IN ({rows})",
    )


def _keys(rows: Sequence[Sequence[object]]) -> list[str]:
    return ["(" + ", ".join(map(str, row)) + ")" if len(row) > 1 else str(row[0]) for row in rows]


def _listed(shown: Sequence[str], count: int) -> str:
    return ", ".join(shown) + (", …" if count > len(shown) else "")
