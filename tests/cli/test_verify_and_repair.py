"""``demo verify`` and ``demo repair`` as people and CI see them."""

from __future__ import annotations

import shutil


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
