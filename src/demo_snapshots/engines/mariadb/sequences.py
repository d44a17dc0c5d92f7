"""MariaDB's sequences: which columns draw from which, and where one must stand.

SETVAL moves a sequence only forward, and knows of the values that the server keeps ready (manual,
"SETVAL"); so nothing can come in between here. AUTO_INCREMENT needs none of this: it follows
explicit values by itself, and steps (auto_increment_increment) begin beyond them.
"""

from __future__ import annotations

import re

import pymysql

from demo_snapshots.engines.base.counters import Counter, DrawnKeys
from demo_snapshots.engines.base.session import Session
from demo_snapshots.model.tables import Table

_RUN_OUT = 4084

_DEFAULTS = """
SELECT column_name, column_default FROM information_schema.columns
WHERE {where} AND data_type IN ('tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'decimal',
 'float', 'double') AND column_default LIKE 'nextval(%'
ORDER BY ordinal_position
"""
_NAME = r'"(?:[^"]|"")+"'
_DRAWN = re.compile(rf"nextval\(({_NAME}(?:\.{_NAME})?)\)")


def advance(session: Session, table: Table, where: str) -> None:
    """Move each sequence that numbers of ``table`` are drawn from past them, never backwards.
    ``where`` finds the table in information_schema."""
    name = session.dialect.table(table)
    for column, default in session.rows(_DEFAULTS.format(where=where)):
        if drawn := _DRAWN.fullmatch(default):
            _advance(session, drawn[1], name, session.dialect.quote(column))


def _advance(session: Session, sequence: str, table: str, column: str) -> None:
    stands, low, high, step, cycles = session.rows(
        "SELECT next_not_cached_value, minimum_value, maximum_value, increment, cycle_option"
        f" FROM {sequence}"
    )[0]
    # No increment means that of AUTO_INCREMENT, which SETVAL heeds by itself.
    counter = Counter(step or 1, low, high, bool(cycles))
    keys = DrawnKeys(session, table, column, counter)
    last = keys.last()
    if last is None:
        return
    target = counter.in_step(stands, last)
    if counter.holds(target + counter.increment):
        session.rows(f"SELECT SETVAL({sequence}, {target}, 1)")
        return
    # Nothing is left beyond the last key, so what is free before it is still to be given. What
    # comes next is not told without drawing it.
    try:
        drawn = int(session.rows(f"SELECT NEXTVAL({sequence})")[0][0])
    except pymysql.Error as error:
        if error.args[0] != _RUN_OUT:
            raise
        return
    free = keys.first_free(counter.after(drawn))
    if free is not None:
        session.rows(f"SELECT SETVAL({sequence}, {free}, 0)")
