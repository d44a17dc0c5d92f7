"""What the database holds now goes along in a backup, of every scenario, and comes back."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from database_engines import engines
from integration.live import NOW
from safety.mixed_database import MixedDatabase, snapshots

from demo_snapshots.operations.backup import backup_store
from demo_snapshots.operations.restore import restore_store
from demo_snapshots.operations.verify import verify_exports

TOUR = '{"demo_seed": true, "scenario": "tour"}'


@engines("sqlite", "postgresql", "mariadb")
def test_the_rows_of_every_scenario_go_along(database_url: str, tmp_path: Path) -> None:
    mixed = MixedDatabase.built(database_url)
    demo = snapshots(mixed, tmp_path).demo
    live, config, before = mixed.live, demo.config(mixed.live), demo.store.entries()
    unchanged = backup_store(config, demo.store, tmp_path / "1.tar", now=NOW, with_database=True)
    assert (unchanged.entries, unchanged.present) == (before, before[:1])

    live.run(
        f"UPDATE vaults SET metadata = '{TOUR}' WHERE id = 3",
        f"UPDATE notes SET metadata = '{TOUR}', copy_of = NULL WHERE id IN (5, 6)",
        "UPDATE notes SET body = 'edited' WHERE id = 1",
    )
    rows = mixed.demo_image()
    backup = tmp_path / "2.tar.zst"
    result = backup_store(config, demo.store, backup, now=NOW, with_database=True)
    assert [(e.scenario, e.version.number) for e in result.present] == [("general", 3), ("tour", 1)]
    assert demo.store.entries() == before, "the store does not get it"
    assert not [path for path in demo.directory.rglob("*") if ".tmp-" in path.name]
    assert not (demo.directory / "tour").exists()

    elsewhere = replace(demo, directory=tmp_path / "elsewhere")
    restore_store(elsewhere.store, backup)
    assert elsewhere.store.entries() == result.entries
    assert verify_exports(elsewhere.store).valid
    mixed.clear()
    for entry in result.present:
        path = elsewhere.store.source(entry).on_disk()
        elsewhere.load(live, path, keep_other_scenarios=True)
    assert mixed.demo_image() == rows
