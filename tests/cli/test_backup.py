"""``demo backup`` and ``demo restore`` as people, cron and scripts see them."""

from __future__ import annotations

import hashlib


def test_backup_and_restore(demo, seeded):
    backup = seeded.path / "b.tar.zst"
    saved = demo("backup", "b.tar.zst")
    assert (saved.status, saved.stderr) == (0, "")
    assert saved.stdout.startswith("Backed up 1 version\n")
    document = demo("backup", "c.tar.zst", "--json").json
    assert (seeded.path / "c.tar.zst").read_bytes() == backup.read_bytes()
    assert document["sha256"] == hashlib.sha256(backup.read_bytes()).hexdigest()
    assert [version["in_database"] for version in document["versions"]] == [False]

    before = seeded.state()
    assert demo("restore", "b.tar.zst").stdout == "Nothing to restore: 1 version, there already\n"
    assert seeded.state() == before
    planned = demo("restore", "b.tar.zst", "--dry-run", "--snapshots=other")
    assert planned.stdout.startswith("Would restore 1 version from b.tar.zst\n")
    assert not (seeded.path / "other").exists()
    (restored,) = demo("restore", "b.tar.zst", "--snapshots=other", "--json").json["versions"]
    assert (restored["version"], restored["written"]) == (restored["becomes"], True)
    assert demo("verify", "--snapshots=other").status == 0


def test_the_database_goes_along(demo, seeded):
    seeded.sql("UPDATE todos SET title = 'Now' WHERE id = 5")
    saved = demo("backup", "b.tar.zst", "--with-database")
    assert "as in the database" in saved.stdout
    seeded.sql("UPDATE todos SET title = 'Later' WHERE id = 5")
    demo("export", "general")
    assert " as v3_" in demo("restore", "b.tar.zst", "--dry-run").stdout
    assert " as v3_" in demo("restore", "b.tar.zst").stdout
    assert demo("import", "general", "--version=v3", "--yes").status == 0
    assert seeded.sql("SELECT title FROM todos WHERE id = 5") == [("Now",)]


def test_what_is_damaged_is_told_by_the_status(demo, seeded):
    seeded.sql("UPDATE todos SET title = 'Now' WHERE id = 5")
    demo("export", "general")
    first = seeded.documents[0]
    first.write_bytes(first.read_bytes()[:-9])
    saved = demo("backup", "b.tar.zst")
    assert saved.status == 50
    assert saved.errors == ["error: b.tar.zst was written, and does not hold all there is"]
    assert "left out: general v1_" in saved.stdout
    told = demo("backup", "c.tar.zst", "-q")
    assert (told.status, told.stdout) == (50, "")
    assert "  - general v1_" in told.stderr
    outcome = demo("backup", "d.tar.zst", "--json")
    assert (outcome.status, len(outcome.json["left"]), len(outcome.json["versions"])) == (50, 1, 1)


def test_statuses(demo, seeded):
    demo("backup", "b.tar.zst")
    assert demo("backup", "b.tar.zst").status == 30
    assert demo("backup", "b.zip").status == 2
    assert demo("backup", "ftp://bucket/b.tar.zst").status == 2
    assert demo("restore", "ftp://bucket/b.tar.zst").status == 2
    assert demo("backup", "c.tar.zst", "--snapshots=nowhere").status == 14
    assert demo("backup", "d.tar.zst", "--with-database", "--database=sqlite:///no").status == 5
    assert not list(seeded.path.glob("[cd].tar.zst"))
    assert demo("restore", "nowhere.tar.zst").status == 14
    other = demo("restore", str(seeded.documents[0]))
    assert other.status == 21
    assert "not a backup of a store" in other.errors[0]
