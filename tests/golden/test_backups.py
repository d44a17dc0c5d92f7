"""A backup is restored as it always was, and the same store is written as it always was."""

from __future__ import annotations

from pathlib import Path

from unit.operations.test_backup import back_up
from unit.store.snapshots import directory_store

from demo_snapshots.documents.compression import opened
from demo_snapshots.operations.restore import restore_store
from demo_snapshots.operations.verify import verify_exports

BACKUP = Path(__file__).parent / "backups" / "backup-1.tar.zst"
LONG = "a" * 100
"""The longest name of a scenario."""


def test_it_is_restored_and_written_as_it_always_was(tmp_path: Path) -> None:
    store = directory_store(tmp_path / "store")
    result = restore_store(store, BACKUP)
    assert [restored.entry.path for restored in result.versions] == [
        f"{LONG}/{LONG}_v1_2025-01-15.sql.gz",
        "general/general_v2_2025-01-15.sql",
        "writer/writer_v1_2025-01-15.sql.zst",
    ]
    assert verify_exports(store).valid
    again = back_up(tmp_path / "store", tmp_path / "b.tar").path
    with opened(BACKUP) as stream:
        assert again.read_bytes() == stream.read()
