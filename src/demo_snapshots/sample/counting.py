"""How many demo rows there are, for the question that is asked before they go."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import ColumnClause, Connection, column, func, inspect, select
from sqlalchemy import table as sql_table
from sqlalchemy.exc import DBAPIError

from demo_snapshots.config.masking import masked_url
from demo_snapshots.engines.connection import connect
from demo_snapshots.engines.urls import parse_url
from demo_snapshots.errors import DatabaseError
from demo_snapshots.model.snapshots import Statistics, TableCount
from demo_snapshots.sample.engine import make_engine
from demo_snapshots.sample.markers import PAGE, is_demo, marks
from demo_snapshots.sample.models import MARKED, TABLES


def demo_rows(
    url: str, scenario: str | None = None, *, file_may_be_missing: bool = False
) -> Statistics:
    """Demo rows per table, of all scenarios or of the one that ``seed`` would replace.

    A table that is missing, or is somebody else's of the same name, has none; neither has a
    SQLite file yet to be made, if ``file_may_be_missing``. Raises ConfigError for a bad URL,
    DatabaseUnreachableError and DatabaseError.
    """
    if file_may_be_missing and _is_missing_file(url):
        return Statistics()
    with connect(url):
        pass  # it says in the user's words why it cannot; an engine would in the driver's
    try:
        with make_engine(url).connect() as connection:
            counts = _counts(connection, scenario)
    except DBAPIError as error:
        raise DatabaseError(
            f"{masked_url(url)}: the demo rows could not be counted: {error.orig}"
        ) from error
    return Statistics(tuple(TableCount(table, counts.get(table, 0)) for table in TABLES))


def _is_missing_file(url: str) -> bool:
    parsed = parse_url(url)
    name = parsed.database
    return parsed.backend == "sqlite" and bool(name) and not Path(str(name)).exists()


def _counts(connection: Connection, scenario: str | None) -> dict[str, int]:
    present = _present(connection)
    counts = dict.fromkeys(present, 0)
    for table in present & set(MARKED):
        for page in marks(connection, table):
            ids = [key for key, metadata in page if _is_meant(metadata, scenario)]
            counts[table] += len(ids)
            if table == "fragments" and "todos" in present:
                counts["todos"] += _todos(connection, ids)
    return counts


def _present(connection: Connection) -> set[str]:
    inspector = inspect(connection)
    found = set()
    for table in set(inspector.get_table_names()) & set(TABLES):
        columns = {column["name"] for column in inspector.get_columns(table)}
        wanted = {"id", "metadata"} if table in MARKED else {"id", "fragment_id"}
        if columns >= wanted:
            found.add(table)
    return found


def _is_meant(metadata: dict[str, Any], scenario: str | None) -> bool:
    return is_demo(metadata) and (scenario is None or metadata.get("scenario") == scenario)


def _todos(connection: Connection, fragments: list[int]) -> int:
    assert len(fragments) <= PAGE  # the engines limit the parameters of a statement
    key: ColumnClause[Any] = column("fragment_id")
    query = select(func.count()).select_from(sql_table("todos", key)).where(key.in_(fragments))
    return int(connection.execute(query).scalar_one())
