"""PostgreSQL's sequences: which columns draw from which, and where one must stand.

``pg_get_serial_sequence`` knows only sequences that a column owns; a default of ``nextval()`` may
name any, and several columns may name the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from demo_snapshots.engines.base.counters import Counter, DrawnKeys
from demo_snapshots.engines.base.session import Session
from demo_snapshots.model.tables import ColumnSequence, Table


def sequences(session: Session, names: Iterable[str]) -> Iterator[tuple[str, ColumnSequence]]:
    """What number columns of the tables draw from; ``names`` are the tables' in SQL, and come
    back beside it."""
    for table, column, schema, sequence, ordinary, *_ in _found(session, names):
        yield table, ColumnSequence(column, sequence, schema, ordinary)


Drawn = list[tuple[str, str, str]]
"""Tables and columns, and the sequences that they draw from, all in SQL."""


def advance(session: Session, tables: Iterable[Table], known: Any = None) -> Drawn:
    """Move each sequence that numbers of ``tables`` are drawn from past them, never backwards;
    which these are, if that is not ``known``."""
    drawn: Drawn = known if known is not None else _drawn(session, tables)
    for (name, column, sequence), (last, stands, called, *bounds) in zip(
        drawn, _stand(session, drawn), strict=True
    ):
        counter = Counter(*bounds)
        if last is None or _is_past(counter, round(Decimal(last)), stands, called):
            continue
        keys = DrawnKeys(session, name, column, counter)
        key = keys.last()
        while key is not None and not _passes(sequence, keys, key):
            pass  # somebody has drawn a value meanwhile, which no lock on the table prevents
    return drawn


def _drawn(session: Session, tables: Iterable[Table]) -> Drawn:
    names = [session.dialect.table(table) for table in tables]
    return [
        (name, session.dialect.quote(column), sequence)
        for name, column, _, _, _, sequence, *_ in _found(session, names)
    ]


def _stand(session: Session, drawn: Drawn) -> list[list[Any]]:
    """Of each the last key, as text, where the sequence stands, and its bounds, in one query."""
    if not drawn:
        return []
    text = session.dialect.text
    states = []
    for number, (table, column, sequence) in enumerate(drawn):
        keys = f"FROM {table} WHERE {column} BETWEEN q.seqmin AND q.seqmax"
        states.append(
            f"SELECT {number}, CASE WHEN q.seqincrement > 0 THEN (SELECT max({column}) {keys})"
            f" ELSE (SELECT min({column}) {keys}) END::text, s.last_value, s.is_called,"
            " q.seqincrement, q.seqmin, q.seqmax, q.seqcycle"
            f" FROM {sequence} AS s, pg_sequence AS q"
            f" WHERE q.seqrelid = {text(sequence)}::regclass"
        )
    return [state for _, *state in sorted(session.rows(" UNION ALL ".join(states)))]


def _is_past(counter: Counter, last: int, stands: int, called: bool) -> bool:
    return not counter.is_beyond(last, stands) and (called or last != stands)


def _found(session: Session, names: Iterable[str]) -> list[tuple[Any, ...]]:
    return session.rows(_SEQUENCES, [list(names)])


def _passes(sequence: str, keys: DrawnKeys, last: int) -> bool:
    """Move ``sequence`` past ``last``; False if it moved by itself meanwhile."""
    counter = keys.counter
    stands, called = keys.session.rows(f"SELECT last_value, is_called FROM {sequence}")[0]
    if _is_past(counter, last, stands, called):
        return True
    target, is_called = counter.in_step(stands, last), True
    if not counter.holds(target + counter.increment):
        # Nothing is left beyond the last key, so what is free before it is still to be given.
        coming = counter.after(stands) if called else stands
        free = keys.first_free(coming)
        if free is None or free == coming:
            return True
        target, is_called = free, False
    return bool(
        keys.session.rows(
            f"SELECT setval({keys.session.dialect.text(sequence)}, {target}, {is_called})"
            f" FROM {sequence} WHERE last_value = {stands} AND is_called = {called}"
        )
    )


_SEQUENCES = """
SELECT wanted.name, a.attname, CASE WHEN NOT pg_table_is_visible(s.oid) THEN n.nspname END,
       s.relname,
       q.seqincrement = 1 AND NOT q.seqcycle
       AND q.seqmax >= CASE q.seqtypid WHEN 'int2'::regtype THEN 32767
                       WHEN 'int4'::regtype THEN 2147483647 ELSE 9223372036854775807 END
       AND coalesce(s.oid = pg_get_serial_sequence(wanted.name, a.attname)::regclass, FALSE),
       s.oid::regclass::text, q.seqincrement, q.seqmin, q.seqmax, q.seqcycle
FROM unnest(%s::text[]) AS wanted(name)
JOIN pg_attribute a ON a.attrelid = wanted.name::regclass AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END
JOIN LATERAL (
  SELECT d.refobjid AS sequence
  FROM pg_attrdef f
  JOIN pg_depend d ON d.classid = 'pg_attrdef'::regclass AND d.objid = f.oid
   AND d.refclassid = 'pg_class'::regclass
  WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum
  UNION
  SELECT d.objid
  FROM pg_depend d
  WHERE d.refclassid = 'pg_class'::regclass AND d.refobjid = a.attrelid
    AND d.refobjsubid = a.attnum AND d.classid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
) AS found ON TRUE
JOIN pg_class s ON s.oid = found.sequence AND s.relkind = 'S'
JOIN pg_namespace n ON n.oid = s.relnamespace
JOIN pg_sequence q ON q.seqrelid = s.oid
WHERE b.typname IN ('int2', 'int4', 'int8', 'numeric', 'float4', 'float8')
ORDER BY 1, 2, s.oid
"""
