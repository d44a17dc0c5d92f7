"""Which rows of the sample application are demo rows, read the same way on every engine.

The engines' JSON functions differ, and one row whose metadata is not JSON makes some of them
fail for the whole statement; so the metadata is read here, a page at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from sqlalchemy import ColumnClause, Connection, column, select
from sqlalchemy import table as sql_table

PAGE = 5_000


def marks(connection: Connection, table: str) -> Iterator[list[tuple[int, dict[str, Any]]]]:
    """Pages of ``(id, metadata)`` of a table, by id; ``{}`` where the metadata is no JSON object.

    Each page is a statement of its own, so rows of pages already seen may be deleted meanwhile.
    """
    key: ColumnClause[Any] = column("id")
    metadata: ColumnClause[Any] = column("metadata")
    query = select(key, metadata).select_from(sql_table(table, key, metadata)).order_by(key)
    page = query.limit(PAGE)
    while rows := connection.execute(page).all():
        yield [(row[0], _object(row[1])) for row in rows]
        page = query.where(key > rows[-1][0]).limit(PAGE)


def is_demo(metadata: dict[str, Any]) -> bool:
    """Whether the marker reads true: ``true`` or ``1``, as boolean, number or string."""
    return metadata.get("demo_seed") in (True, 1, "true", "1")


def _object(value: object) -> dict[str, Any]:
    if isinstance(value, str | bytes):
        try:
            value = json.loads(value)
        except ValueError:
            return {}
    return value if isinstance(value, dict) else {}
