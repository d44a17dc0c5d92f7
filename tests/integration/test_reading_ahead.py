"""Several connections read one export: the same bytes, and every error is told."""

from __future__ import annotations

import threading
from itertools import pairwise
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Live

from demo_snapshots.errors import DatabaseUnreachableError
from demo_snapshots.transfer.parallel import ReadAhead

CONFIGURATION = """\
[tables.papers]
marker = "is_demo"

[tables.pages]
follows = "paper_id"

[tables.marks]
where = "page < 100"
"""
JOBS = (1, 2, 5)
ROWS = (60_000 - 60_000 // 7) + (20_000 - 20_000 // 7) + 9_999


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    configuration = tmp_path / "demo.toml"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    return Demo(tmp_path / "snapshots", configuration)


@pytest.fixture
def live(database_url: str) -> Live:
    """Demo rows on both sides of zero, with some real ones between."""
    live = Live(database_url)
    live.run(
        "CREATE TABLE papers (id INTEGER PRIMARY KEY, is_demo BOOLEAN, title TEXT, price NUMERIC)",
        "CREATE TABLE pages (id INTEGER PRIMARY KEY, paper_id INTEGER NOT NULL REFERENCES papers)",
        "CREATE TABLE marks (page INTEGER, place INTEGER, note TEXT, PRIMARY KEY (page, place))",
        "INSERT INTO papers SELECT n - 30000, n % 7 <> 0, 'it''s ' || chr(10) || n, n / 7.0"
        " FROM generate_series(1, 60000) n",
        "INSERT INTO pages SELECT n, n - 30000 FROM generate_series(1, 20000) n",
        "INSERT INTO marks SELECT n / 100, n % 100, NULL FROM generate_series(1, 20000) n",
    )
    return live


@engines("postgresql", "postgresql15")
def test_the_bytes_do_not_depend_on_the_number_of_connections(live, demo, tmp_path):
    files = []
    for jobs in JOBS:
        result = Demo(tmp_path / str(jobs), demo.configuration).export(live, jobs=jobs)
        assert result.statistics.total == ROWS
        files.append(result.path.read_bytes())
    assert all(a == b for a, b in pairwise(files))


@engines("postgresql")
def test_a_connection_that_is_refused_is_told_and_nothing_is_written(live, demo):
    role = f"reader_{live.url.rpartition('/')[2]}"
    live.run(
        f"CREATE ROLE {role} LOGIN CONNECTION LIMIT 1",
        f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}",
    )
    try:
        reader = Live(live.url.replace("//postgres@", f"//{role}@"))
        with pytest.raises(DatabaseUnreachableError, match="too many connections") as caught:
            demo.export(reader, jobs=2)
        assert "project.export(jobs=1)" in (caught.value.hint or "")
        assert not list(demo.directory.rglob("*.sql"))
        assert demo.export(reader, jobs=1).statistics.total == ROWS
    finally:
        live.run(f"DROP OWNED BY {role}", f"DROP ROLE {role}")


def test_only_a_few_parts_are_begun_before_they_are_wanted():
    ahead = ReadAhead([str(number) for number in range(10)], window=3)
    begun = []

    def work() -> None:
        while (part := ahead._claim()) is not None:
            begun.append(part.query)
            part.put([part.query.encode()], 1)
            part.end()

    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    taken = []
    for number in range(10):
        for batch in ahead.take(range(number, number + 1)):
            taken += batch
            assert len(begun) <= number + 3
    worker.join(10)
    assert taken == [str(number).encode() for number in range(10)]
    assert not worker.is_alive()
