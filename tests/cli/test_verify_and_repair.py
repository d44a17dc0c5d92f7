"""``demo verify`` and ``demo repair`` as people and CI see them."""

from __future__ import annotations

import re
import shutil
import subprocess


def test_verify_lists_every_version_and_fails_ci(demo, seeded):
    fine = demo("verify")
    assert fine.status == 0
    assert fine.stdout.startswith("1 version: whole and as recorded\n")
    assert demo("verify", "--json").json["valid"] is True

    (path,) = seeded.documents
    path.write_bytes(path.read_bytes().replace(b"Personal", b"Personel", 1))
    broken = demo("verify", "general")
    assert broken.status == 50
    assert "  - general v1_" in broken.stdout
    assert "damaged\n" in broken.stdout
    # The place's latest.sql is a copy, which the file is no longer.
    assert broken.errors == ["error: verifying found 2 problems"]
    told = demo("verify", "--quiet")
    assert told.stdout == ""
    assert "was altered" in told.stderr
    outcome = demo("verify", "--json")
    assert outcome.status == 50
    assert outcome.json["valid"] is False
    assert outcome.json["versions"][0]["problems"]
    assert demo("verify", "writer").status == 14


def test_verify_takes_files_in_place_of_a_scenario(demo, seeded):
    (path,) = seeded.documents
    latest = path.with_name("latest.sql")
    fine = demo("verify", str(path), str(latest))
    assert fine.status == 0
    assert fine.stdout.startswith("2 files: whole\n")
    assert demo("verify", str(path), "--json").json["files"][0]["records"] == 324

    latest.unlink()
    latest.write_bytes(path.read_bytes().replace(b"Personal", b"Personel", 1))
    broken = demo("verify", str(path), str(latest))
    assert broken.status == 50
    assert broken.stdout.startswith(f"2 files: 1 problem\n  - {latest}: ")
    assert broken.errors == ["error: verifying found 1 problem"]
    told = demo("verify", "--quiet", str(latest), "nowhere.sql")
    assert told.stdout == ""
    assert "the file was altered" in told.stderr
    assert "nowhere.sql: cannot be read" in told.stderr
    outcome = demo("verify", "--json", "nowhere.sql")
    assert outcome.status == 50
    assert outcome.json["valid"] is False
    assert outcome.json["files"][0]["version"] is None

    for words in (("general", str(path)), ("general", "writer"), ("General",)):
        assert demo("verify", *words).status == 2


def test_an_export_says_that_the_latest_version_is_damaged(demo, seeded):
    assert demo("export", "general", "--json").json["damaged"] is None
    (path,) = seeded.documents
    path.write_bytes(path.read_bytes().replace(b"Personal", b"Personel", 1))
    saved = demo("export", "general")
    assert saved.status == 0
    assert saved.stdout.startswith("Exported general v2_")
    note = " ".join(saved.stdout.split("note: ")[1].split())
    place = path.relative_to(seeded.path)
    assert note.startswith("general v1_")
    assert "is damaged: " in note
    assert f"Restore {place} from version control" in note

    newest = seeded.documents[-1]
    newest.write_bytes(newest.read_bytes()[:-100])
    document = demo("export", "general", "--json").json
    assert document["written"] is True
    assert document["damaged"] == {
        "version": newest.stem.removeprefix("general_"),
        "path": str(newest.relative_to(seeded.path)),
        "problems": ["the file was cut short: its last line is missing"],
    }


def test_after_an_export_over_a_merge_repair_makes_two_versions_of_it(demo, seeded):
    (path,) = seeded.documents
    sides = []
    for title in ("Ours", "Base", "Theirs"):
        seeded.sql(f"UPDATE todos SET title = '{title}' WHERE id = 5")
        demo("export", "general", f"--snapshots={title}")
        (side,) = (seeded.path / title).rglob(path.name)
        sides.append(side)
    merge = subprocess.run(["git", "merge-file", "-p", *sides], capture_output=True)
    path.write_bytes(merge.stdout)
    seeded.sql("UPDATE todos SET title = 'New' WHERE id = 5")
    saved = demo("export", "general")
    assert "demo repair makes of it the two versions" in " ".join(saved.stdout.split())
    assert demo("repair").status == 0
    assert demo("verify").status == 0
    assert len(seeded.documents) == 3


def test_an_empty_store_verifies_and_needs_no_repair(demo):
    assert demo("verify").stdout == "Nothing has been exported yet.\n"
    assert demo("repair").stdout == "Nothing to repair\n"


def test_repair_says_what_it_would_do_and_does_it(demo, seeded):
    (path,) = seeded.documents
    twin = path.with_name(path.name[: -len("2025-01-20.sql")] + "2024-12-31.sql")
    text = path.read_bytes()
    day = path.name[-14:-4].encode()
    twin.write_bytes(text.replace(b"_" + day + b"\n", b"_2024-12-31\n", 1))
    shutil.rmtree(seeded.store / "metadata")
    listing = demo("list-exports").stdout
    assert "demo repair gives the later one the next number" in listing
    assert demo("import", "general", "--version=v1", "--yes").status == 14

    planned = demo("repair", "--dry-run")
    assert planned.stdout.startswith("Would put right 2 things:\n")
    assert twin.exists()
    assert path.exists()
    done = demo("repair", "--json").json
    (change,) = done["renumbered"]
    assert (change["becomes"][:3], change["merged"]) == ("v2_", False)
    assert demo("verify").status == 0
    assert demo("repair").stdout == "Nothing to repair\n"
    assert demo("import", "general", "--version=v2", "--yes").status == 0


def test_a_damaged_store_is_not_called_empty(demo, seeded):
    (path,) = seeded.documents
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    listing = demo("list-exports").stdout
    assert listing.startswith("No whole version was found.\nnote: ")
    assert "Nothing has been exported" not in listing


def test_an_unknown_scenario_is_looked_for_in_a_named_place(demo, seeded):
    outcome = demo("import", "writer", "--yes")
    place = seeded.store.relative_to(seeded.path)
    assert outcome.errors == [f"error: no snapshot of scenario 'writer' in {place}"]
    assert "hint: There are: general." in outcome.stderr


def test_a_file_in_the_store_s_place_is_named_with_a_way_out(demo, seeded):
    (seeded.path / "file").touch()
    outcome = demo("export", "general", "--snapshots=file")
    assert outcome.status == 30
    assert "name a directory with --snapshots" in outcome.stderr


def test_missing_tables_are_told_once(demo, seeded):
    seeded.sql("DROP TABLE todos")
    outcome = demo("export", "general")
    assert outcome.status == 7
    assert outcome.stderr.count("todos") == 1


def test_the_default_configuration_is_said_to_be_the_sample_s(demo, seeded):
    assert "no [tables] in demo.toml" in demo("config").stdout
    (seeded.path / "demo.toml").write_text('[tables.a]\nmarker = "demo"\n', "utf-8")
    assert "no [tables]" not in demo("config").stdout


def test_the_settings_tell_of_dates_that_move(demo, seeded):
    (seeded.path / "demo.toml").write_text(
        '[demo]\nfresh = true\nshift = "days"\nzone = "Europe/Berlin"\n'
        '[tables.a]\nmarker = "demo"\nevergreen = ["due_on", "log[*].at"]\n'
        '[tables.b]\nmarker = "demo"\nevergreen = true\n',
        "utf-8",
    )
    shown = re.sub(" +", " ", demo("config").stdout)
    assert "a due_on, log[*].at" in shown
    assert "b all columns of dates" in shown
    assert "they move by whole days, at every import" in shown
    assert "clocks stay as they are in Europe/Berlin" in shown
    told = demo("config", "--json").json
    assert (told["fresh"], told["shift"], told["zone"]) == (True, "days", "Europe/Berlin")
    assert [table["evergreen"] for table in told["tables"]] == [["due_on", "log[*].at"], True]
