"""PostgreSQL's catalog: pg_class and what hangs on it (manual, chapter "System Catalogs")."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from demo_snapshots.engines.base.catalog import Catalog, Check, Keys, Names, Place, by_place
from demo_snapshots.engines.postgresql.sequences import sequences
from demo_snapshots.model.tables import Column, ColumnSequence, ForeignKey, Kind, Table, Trigger


class PostgreSQLCatalog(Catalog):
    """Tables that the search path finds by their bare name are the default schema's, whichever
    schema of the path they lie in; a constraint's referenced table likewise."""

    has_schemas = True

    def home(self) -> str:
        return str(self._rows("SELECT current_schema()")[0][0] or "")

    def tables(self) -> Names:
        found: dict[str | None, list[str]] = {None: []}
        for schema, name, visible, other in self._rows(_TABLES):
            if visible:
                found[None].append(name)
            if other:
                found.setdefault(schema, []).append(name)
        found[None].sort()
        return found

    def foreign_keys(self, names: Names) -> dict[Place, tuple[ForeignKey, ...]]:
        found: dict[Place, list[ForeignKey]] = {}
        of_partitions = (row[:-1] for row in self._keys_of_partitions() if not row[-1])
        for schema, name, visible, *facts in [*self._rows(_FOREIGN_KEYS), *of_partitions]:
            for place in (None, name) if visible else None, (schema, name):
                if place is not None and place[0] in names:
                    found.setdefault(place, []).append(_foreign_key(place[0], *facts))
        return {place: tuple(keys) for place, keys in found.items()}

    def divided_keys(self) -> list[tuple[Place, ForeignKey]]:
        return [
            ((None if visible else schema, name), _foreign_key(None if visible else schema, *facts))
            for schema, name, visible, *facts, is_divided in self._keys_of_partitions()
            if is_divided
        ]

    def _keys_of_partitions(self) -> list[tuple[Any, ...]]:
        """Asked for only where there are partitions: it takes longer than all the rest."""
        return self._rows(_KEYS_OF_PARTITIONS) if self._rows(_ANY_PARTITION) else []

    def keys(self, places: Iterable[Place]) -> dict[Place, Keys]:
        wanted = {self._name(place): place for place in places}
        primary: dict[Place, tuple[str, ...]] = {}
        uniques: dict[Place, list[tuple[str, ...]]] = {place: [] for place in wanted.values()}
        for name, is_primary, columns in self._rows(_KEYS, [list(wanted)]):
            if is_primary:
                primary[wanted[name]] = tuple(columns)
            else:
                uniques[wanted[name]].append(tuple(columns))
        return {
            place: Keys(primary.get(place, ()), tuple(columns))
            for place, columns in uniques.items()
        }

    def columns(self, places: Iterable[Place]) -> dict[Place, tuple[Column, ...]]:
        wanted = {self._name(place): place for place in places}
        found: dict[Place, list[Column]] = {place: [] for place in wanted.values()}
        for name, *facts in self._rows(_COLUMNS, [list(wanted)]):
            found[wanted[name]].append(_column(*facts))
        return {place: tuple(columns) for place, columns in found.items()}

    def _name(self, place: Place) -> str:
        schema, name = (self.dialect.quote(part) if part else "" for part in place)
        return f"{schema}.{name}" if schema else name

    def stamp(self, tables: Sequence[Table]) -> object:
        # A changed row of the catalog has another xmin. pg_class is not asked for its own: every
        # TRUNCATE writes it.
        info = self.session.raw.info
        names = [self.dialect.table(table) for table in tables]
        return (info.host, info.port, info.server_version, self._rows(_STAMP, [names]))

    def triggers(self) -> dict[Place, tuple[Trigger, ...]]:
        return by_place(
            ((schema, table), Trigger(name, on_update, instead))
            for schema, table, name, on_update, instead in self._rows(_TRIGGERS)
        )

    def checks(self, table: Table) -> tuple[Check, ...]:
        found = self._rows(_CHECKS, [self.dialect.table(table)])
        return tuple(Check(name, condition) for name, condition in found)

    def sequences(self, places: Iterable[Place]) -> dict[Place, tuple[ColumnSequence, ...]]:
        wanted = {self._name(place): place for place in places}
        found: dict[Place, list[ColumnSequence]] = {}
        for name, sequence in sequences(self.session, wanted):
            found.setdefault(wanted[name], []).append(sequence)
        return {place: tuple(drawn) for place, drawn in found.items()}

    def partitions(self) -> set[tuple[str, str]]:
        return set(self._rows(_PARTITIONS))

    def relations(self, names: Sequence[str]) -> list[tuple[str, str, bool]]:
        return [(schema, name, visible) for schema, name, visible in self._rows(_NAMED, [names])]

    def inherited(self) -> set[Place]:
        return set(self._rows(_INHERITED))


_TABLES = r"""
SELECT n.nspname, c.relname, pg_table_is_visible(c.oid),
       n.nspname <> current_schema() AND n.nspname <> 'information_schema'
       AND n.nspname NOT LIKE 'pg\_%'
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.relpersistence <> 't' AND n.nspname <> 'pg_catalog'
ORDER BY 1, 2
"""


# Rows that were there before may break one that is NOT VALID, and any one that is NOT ENFORCED,
# which is never valid.
_CHECKS = """
SELECT conname, pg_get_expr(conbin, conrelid) FROM pg_constraint
WHERE contype = 'c' AND convalidated AND conrelid = %s::regclass
ORDER BY conname
"""


def _columns_of(table: str, numbers: str, some: str = "TRUE") -> str:
    """An expression for the names of a table's columns, given by an array of their numbers."""
    return (
        f"ARRAY(SELECT a.attname::text FROM unnest({numbers}) WITH ORDINALITY AS u(number, place)"
        f" JOIN pg_attribute a ON a.attrelid = {table} AND a.attnum = u.number"
        f" WHERE {some} ORDER BY u.place)"
    )


# A constraint that references a partitioned table has a copy for each of its partitions, with
# the constraint as its parent and on the same table: those say nothing of their own.
_FOREIGN_KEYS = f"""
SELECT n.nspname, c.relname, pg_table_is_visible(c.oid) AND n.nspname <> 'pg_catalog',
       k.conname, {_columns_of("k.conrelid", "k.conkey")},
       rn.nspname, r.relname, pg_table_is_visible(r.oid), {_columns_of("k.confrelid", "k.confkey")},
       k.confdeltype::text, k.condeferrable, to_jsonb(k) ->> 'conperiod' = 'true'
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_class r ON r.oid = k.confrelid
JOIN pg_namespace rn ON rn.oid = r.relnamespace
LEFT JOIN pg_constraint parent ON parent.oid = k.conparentid
WHERE k.contype = 'f' AND c.relkind IN ('r', 'p') AND c.relpersistence <> 't'
  AND parent.conrelid IS DISTINCT FROM k.conrelid
ORDER BY k.conname, k.oid
"""

_ANY_PARTITION = "SELECT 1 FROM pg_class WHERE relispartition AND relkind = 'r' LIMIT 1"

# Foreign keys that not the partitioned table has, but partitions of it. One that stands on some of
# them alone counts as the table's: where the others' rows are held to it as well, an import refuses
# too much rather than too little. Not so where other partitions lead to another table.
_KEYS_OF_PARTITIONS = f"""
SELECT nspname, relname, visible, conname, columns, rschema, rname, rvisible, rcolumns, rule,
       condeferrable, period, partitions < everywhere AND targets > 1
FROM (
    SELECT nspname, relname, visible, min(conname) AS conname, columns, rschema, rname, rvisible,
           rcolumns, min(rule) AS rule, bool_and(condeferrable) AS condeferrable,
           bool_or(period) AS period, count(DISTINCT conrelid) AS partitions,
           (SELECT count(*) FROM pg_partition_tree(root) WHERE isleaf) AS everywhere,
           count(*) OVER (PARTITION BY root, columns) AS targets
    FROM (
        SELECT n.nspname, c.relname, pg_table_is_visible(c.oid) AS visible, c.oid AS root,
               k.conrelid, k.conname::text, {_columns_of("k.conrelid", "k.conkey")} AS columns,
               rn.nspname AS rschema, r.relname AS rname, pg_table_is_visible(r.oid) AS rvisible,
               {_columns_of("k.confrelid", "k.confkey")} AS rcolumns,
               k.confdeltype::text AS rule, k.condeferrable,
               to_jsonb(k) ->> 'conperiod' = 'true' AS period
        FROM pg_constraint k
        JOIN pg_class leaf ON leaf.oid = k.conrelid AND leaf.relispartition AND leaf.relkind = 'r'
        JOIN pg_class c ON c.oid = pg_partition_root(leaf.oid)
        JOIN pg_namespace n ON n.oid = c.relnamespace
        JOIN pg_class r ON r.oid = k.confrelid
        JOIN pg_namespace rn ON rn.oid = r.relnamespace
        WHERE k.contype = 'f' AND NOT r.relispartition
          AND NOT EXISTS (SELECT 1 FROM pg_constraint own WHERE own.contype = 'f'
                          AND own.conrelid = c.oid AND own.confrelid = k.confrelid)
    ) AS key
    GROUP BY root, nspname, relname, visible, columns, rschema, rname, rvisible, rcolumns
) AS found
ORDER BY 4
"""

_RULES = {
    "a": "NO ACTION",
    "r": "RESTRICT",
    "c": "CASCADE",
    "n": "SET NULL",
    "d": "SET DEFAULT",
}


def _foreign_key(
    schema: str | None,
    name: str,
    columns: list[str],
    referenced_schema: str,
    referenced_table: str,
    visible: bool,
    referenced_columns: list[str],
    rule: str,
    deferrable: bool,
    period: bool | None,
) -> ForeignKey:
    """``schema`` is the one that its table is asked for in. The referenced one's is None where
    the search path finds it, unless both lie in the same."""
    pairs = len(columns) - 1 if period else len(columns)  # the last is a range, not a value
    return ForeignKey(
        name=name,
        columns=tuple(columns[:pairs]),
        referenced_table=referenced_table,
        referenced_columns=tuple(referenced_columns[:pairs]),
        on_delete=_RULES[rule],
        deferrable=deferrable,
        referenced_schema=None if visible and schema != referenced_schema else referenced_schema,
    )


# Without partial indexes, and those on expressions; columns that are only included are no key.
_KEYS = f"""
SELECT wanted.name, i.indisprimary,
       {_columns_of("i.indrelid", "i.indkey", "u.place <= i.indnkeyatts")}
FROM unnest(%s::text[]) AS wanted(name)
JOIN pg_index i ON i.indrelid = wanted.name::regclass
WHERE i.indisprimary OR (i.indisunique AND i.indpred IS NULL AND i.indexprs IS NULL)
ORDER BY i.indexrelid
"""

# A row goes into a partition through its ancestors, and meets the partition's own triggers. The
# bit 16 of tgtype stands for UPDATE (catalog/pg_trigger.h); a rule without WHERE has <> there.
_TRIGGERS = """
SELECT DISTINCT nullif(n.nspname, current_schema()), c.relname, t.tgname, t.tgtype & 16 <> 0,
       FALSE
FROM pg_trigger t
JOIN pg_class c ON c.oid = t.tgrelid OR c.oid IN (SELECT pg_partition_ancestors(t.tgrelid))
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT t.tgisinternal AND t.tgenabled <> 'D'
UNION
SELECT nullif(n.nspname, current_schema()), c.relname, r.rulename, r.ev_type = '2',
       r.is_instead AND r.ev_qual = '<>'
FROM pg_rewrite r
JOIN pg_class c ON c.oid = r.ev_class
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND r.ev_enabled <> 'D'
ORDER BY 1, 2, 3
"""

_PARTITIONS = """
SELECT n.nspname, c.relname
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relispartition
"""

_NAMED = """
SELECT n.nspname, c.relname, pg_table_is_visible(c.oid)
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relname = ANY(%s)
ORDER BY 1, 2
"""

_INHERITED = """
SELECT nullif(n.nspname, current_schema()), c.relname
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND EXISTS (SELECT 1 FROM pg_inherits i WHERE i.inhparent = c.oid)
"""

_COLUMNS = """
SELECT wanted.name, a.attname, format_type(a.atttypid, a.atttypmod), b.typname, b.typtype::text,
       CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END,
       a.attnotnull OR t.typnotnull, a.atthasdef OR a.attidentity <> '',
       a.attgenerated <> '', a.attidentity = 'a', pg_get_expr(d.adbin, d.adrelid)
FROM unnest(%s::text[]) AS wanted(name)
JOIN pg_attribute a ON a.attrelid = wanted.name::regclass
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""

_KINDS = {
    "int2": (Kind.INTEGER, 16),
    "int4": (Kind.INTEGER, 32),
    "int8": (Kind.INTEGER, 64),
    "numeric": (Kind.DECIMAL, None),
    "float4": (Kind.FLOAT, 32),
    "float8": (Kind.FLOAT, 64),
    "text": (Kind.TEXT, None),
    "varchar": (Kind.TEXT, None),
    "bpchar": (Kind.TEXT, None),
    "citext": (Kind.TEXT, None),
    "json": (Kind.JSON, None),
    "jsonb": (Kind.JSON, None),
    "bool": (Kind.BOOLEAN, None),
    "timestamp": (Kind.TIMESTAMP, None),
    "timestamptz": (Kind.TIMESTAMPTZ, None),
    "date": (Kind.DATE, None),
    "time": (Kind.TIME, None),
    "uuid": (Kind.UUID, None),
    "bytea": (Kind.BINARY, None),
}


def _column(
    name: str,
    native: str,
    base: str,
    category: str,
    modifier: int,
    not_null: bool,
    has_default: bool,
    generated: bool,
    always: bool,
    default: str | None,
) -> Column:
    # An enum is text with a closed list of values, which the server checks.
    unknown = (Kind.TEXT if category == "e" else Kind.NATIVE, None)
    kind, bits = _KINDS.get(base, unknown)
    length = precision = scale = None
    if modifier >= 0:
        if base in ("varchar", "bpchar"):
            length = modifier - 4
        elif kind is Kind.DECIMAL:
            # backend/utils/adt/numeric.c: the scale is an 11-bit signed number.
            precision = (modifier - 4) >> 16 & 0xFFFF
            scale = ((modifier - 4 & 0x7FF) ^ 1024) - 1024
        elif kind in (Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.TIME):
            precision = modifier
    return Column(
        name=name,
        kind=kind,
        nullable=not not_null,
        native=native,
        has_default=has_default,
        generated=generated,
        identity_always=always,
        default=default,
        length=length,
        precision=precision,
        scale=scale,
        bits=bits,
        extended=True,
        nul=False,
    )


_STAMP = """
SELECT wanted.name, c.oid, c.relkind, c.relpersistence, c.relrowsecurity, c.relforcerowsecurity,
       c.relhassubclass, c.relispartition,
       (SELECT string_agg(a.xmin::text, ' ' ORDER BY a.attnum) FROM pg_attribute a
        WHERE a.attrelid = c.oid AND a.attnum > 0),
       (SELECT string_agg(d.oid || ':' || d.xmin, ' ' ORDER BY d.oid) FROM pg_attrdef d
        WHERE d.adrelid = c.oid),
       (SELECT string_agg(k.oid || ':' || k.xmin, ' ' ORDER BY k.oid) FROM pg_constraint k
        WHERE k.conrelid = c.oid),
       (SELECT string_agg(t.oid || ':' || t.xmin, ' ' ORDER BY t.oid) FROM pg_trigger t
        WHERE t.tgrelid = c.oid),
       (SELECT string_agg(r.oid || ':' || r.xmin, ' ' ORDER BY r.oid) FROM pg_rewrite r
        WHERE r.ev_class = c.oid),
       (SELECT string_agg(p.oid || ':' || p.xmin, ' ' ORDER BY p.oid) FROM pg_policy p
        WHERE p.polrelid = c.oid)
FROM unnest(%s::text[]) AS wanted(name) LEFT JOIN pg_class c ON c.oid = to_regclass(wanted.name)
ORDER BY 1
"""
