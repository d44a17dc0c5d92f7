"""docs/types.md: every row of its tables, tried on the engines it speaks of."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
from conftest import NewDatabase
from integration.live import Demo, Live
from unit.documents.forms import JSON, SQL, YAML, as_form, digest_of

from demo_snapshots.errors import DatabaseError, UnfitValueError

PAGE = Path(__file__).parents[2] / "docs" / "types.md"
ENGINES = {"SQLite": "sqlite", "PostgreSQL": "postgresql", "MariaDB": "mariadb"}


@dataclass(frozen=True)
class Conversion:
    """``value`` of a column of type ``native`` shows as ``shown`` in a column of type ``target``;
    None: it is refused."""

    native: str
    value: str
    target: str
    shown: str | None


def conversions(source: str) -> dict[str, list[Conversion]]:
    """By engine: what the page says becomes of ``source``'s types there."""
    section = PAGE.read_text("utf-8").split(f"\n## From {source}\n")[1].split("\n## ")[0]
    rows = [line.strip("| \n").split(" | ") for line in section.splitlines() if line[:1] == "|"]
    heads, found = rows[0], {}
    for place, head in enumerate(heads[2:], 2):
        cells = [[re.findall(r"`([^`]*)`", cell) for cell in row] for row in rows[2:]]
        found[ENGINES[head.removeprefix("in ")]] = [
            Conversion(row[0][0], row[1][0], row[place][0], [*row[place], None][1]) for row in cells
        ]
    return found


def shown(live: Live, table: str, native: str) -> str:
    column = {
        "sqlite": "CASE typeof(c) WHEN 'blob' THEN quote(c) ELSE CAST(c AS TEXT) END",
        "postgresql": "c::text",
        "mariadb": "CAST(c AS CHAR)",
    }[live.engine]
    if native == "LONGBLOB":
        column = "CONCAT('X''', HEX(c), '''')"
    return str(live.value(f"SELECT {column} FROM {table}")).replace("\0", "\\0")


@pytest.mark.parametrize("source", ENGINES)
def test_every_row_of_the_page(source: str, new_database: NewDatabase, tmp_path: Path) -> None:
    page = conversions(source)
    live, *targets = (Live(new_database(name)) for name in (ENGINES[source], *page))
    for each in (live, *targets):
        if each.engine == "postgresql":
            each.run("CREATE TYPE mood AS ENUM ('so so', 'it''s')")
    columns = "(id INTEGER PRIMARY KEY, is_demo BOOLEAN, c "
    for number, row in enumerate(page[targets[0].engine]):
        live.run(
            f"CREATE TABLE t{number} {columns}{row.native})",
            f"INSERT INTO t{number} VALUES (41, TRUE, {row.value})",
        )
    demo = Demo(tmp_path / "snapshots", tmp_path / "demo.toml")
    _configure(tmp_path, [*range(len(page[targets[0].engine]))])
    _require_same_in_every_form(_exported(demo, live).read_bytes())
    for target in targets:
        found = page[target.engine]
        target.run(*(f"CREATE TABLE t{n} {columns}{row.target})" for n, row in enumerate(found)))
        _configure(tmp_path, [n for n, row in enumerate(found) if row.shown is not None])
        demo.load(target, _exported(demo, live))
        for number, row in enumerate(found):
            if row.shown is not None:
                assert shown(target, f"t{number}", row.target) == row.shown, row
                continue
            _configure(tmp_path, [number])
            with pytest.raises((UnfitValueError, DatabaseError)) as caught:
                demo.load(target, _exported(demo, live))
            message = caught.value.message
            assert re.search(rf"\bt{number}(\.c\b|: c:|:.*\(c\))", message), (row, message)
            assert target.rows(f"SELECT * FROM t{number}") == []


def _require_same_in_every_form(document: bytes) -> None:
    in_json = as_form(document, JSON)
    in_yaml = as_form(in_json, YAML)
    assert as_form(in_yaml, SQL) == document
    assert as_form(in_yaml, JSON) == in_json
    assert digest_of(in_yaml) == digest_of(in_json) == digest_of(document)


def _configure(directory: Path, numbers: list[int]) -> None:
    text = "".join(f'[tables.t{number}]\nmarker = "is_demo"\n' for number in numbers)
    (directory / "demo.toml").write_text(text, encoding="utf-8")


def _exported(demo: Demo, live: Live) -> Path:
    return demo.export(live, allow_empty=True, auto_version=True).path
