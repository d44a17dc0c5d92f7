"""PostgreSQL's sequences: which columns draw from which, and where one must stand.

``pg_get_serial_sequence`` knows only sequences that a column owns; a default of ``nextval()`` may
name any, and several columns may name the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from demo_snapshots.engines.base.counters import Counter, DrawnKeys
from demo_snapshots.engines.base.session import Session
from demo_snapshots.model.tables import ColumnSequence, Table


def sequences(session: Session, names: Iterable[str]) -> Iterator[tuple[str, ColumnSequence]]:
    """What number columns of the tables draw from; ``names`` are the tables' in SQL, and come
    back beside it."""
    for table, column, schema, sequence, ordinary, *_ in _found(session, names):
        yield table, ColumnSequence(column, sequence, schema, ordinary)


def advance(session: Session, table: Table) -> None:
    """Move each sequence that numbers of ``table`` are drawn from past them, never backwards."""
    name = session.dialect.table(table)
    for _, column, _, _, _, sequence, *bounds in _found(session, [name]):
        keys = DrawnKeys(session, name, session.dialect.quote(column), Counter(*bounds))
        last = keys.last()
        while last is not None and not _passes(sequence, keys, last):
            pass  # somebody has drawn a value meanwhile, which no lock on the table prevents


def _found(session: Session, names: Iterable[str]) -> list[tuple[Any, ...]]:
    return session.rows(_SEQUENCES, [list(names)])


def _passes(sequence: str, keys: DrawnKeys, last: int) -> bool:
    """Move ``sequence`` past ``last``; False if it moved by itself meanwhile."""
    counter = keys.counter
    stands, called = keys.session.rows(f"SELECT last_value, is_called FROM {sequence}")[0]
    if not counter.is_beyond(last, stands) and (called or last != stands):
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
