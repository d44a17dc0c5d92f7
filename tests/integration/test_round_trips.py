"""Every form, on every engine, in a directory and in a bucket: what is exported, imported and
exported again is the same."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from database_engines import engines
from integration import matrix
from integration.live import Live

from demo_snapshots import open_project
from demo_snapshots.model.snapshots import DocumentForm, Packing
from demo_snapshots.project import Project

FORMS: Mapping[str, Mapping[str, Any]] = {
    "delta": {"delta": True},
    "sql": {},
    "json": {"format": DocumentForm.JSON},
    "yaml": {"format": DocumentForm.YAML, "compress": Packing.ZSTD},
}
"""What an export in each form is told. There are versions before it, and rows have changed."""

# As many rows as before.
EDITS = (
    "UPDATE kinds SET body = 'edited', next_id = NULL WHERE id = 1",
    "DELETE FROM parts WHERE no = 2",
    "INSERT INTO parts VALUES (7, 4)",
)


@pytest.fixture
def directory(tmp_path: Path) -> str:
    return str(tmp_path / "snapshots")


def emptied(live: Live) -> None:
    """No row in any table that may hold demo rows."""
    names = ", ".join(f'"{name}"' for name in matrix.DEMO_ROWS)
    if live.engine == "postgresql":
        live.run(f"TRUNCATE {names}")
        return
    off = "PRAGMA foreign_keys = OFF" if live.engine == "sqlite" else "SET foreign_key_checks = 0"
    live.run(off, *(f'DELETE FROM "{name}"' for name in matrix.DEMO_ROWS))


def project(live: Live, place: str, directory: Path) -> Project:
    (directory / "demo.toml").write_text(matrix.CONFIGURATION, "utf-8")
    return open_project(directory, database=live.url, snapshots=place)


@pytest.mark.parametrize("place", ["directory", "bucket_url"])
@engines("sqlite", "postgresql", "mariadb")
def test_every_form_comes_back(
    place: str, database_url: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    live = matrix.build(database_url)
    demo = project(live, request.getfixturevalue(place), tmp_path)
    before = demo.export("general", allow_empty=True)
    live.run(*EDITS)
    rows = live.dump(*matrix.DEMO_ROWS)
    digests = set()
    for form, told in FORMS.items():
        saved = demo.export("general", allow_empty=True, auto_version=True, **told)
        assert (saved.delta is not None) == (form == "delta"), saved.whole_because
        emptied(live)
        demo.import_("general", version=str(saved.version))
        for table, there in live.dump(*matrix.DEMO_ROWS).items():
            assert not Counter(there) - Counter(rows[table]), (form, table)
            assert len(there) == matrix.DEMO_ROWS[table], (form, table)
        again = demo.export("general", allow_empty=True, **told)
        assert (again.written, again.version) == (False, saved.version), form
        assert again.digest == saved.digest
        digests.add(saved.digest)
    assert digests == {saved.digest} != {before.digest}
    assert demo.verify().valid
