"""Copies on the command line: made, listed, checked, removed, and put back."""

from __future__ import annotations

import pytest


@pytest.fixture
def copied(seeded, demo):
    """With the copies ``acme`` and ``beta`` of the sample, by its own templates."""
    for name in ("acme", "beta"):
        assert demo("import", "general", f"--copy={name}").status == 0
    return seeded


def test_the_sample_application_has_copies_out_of_the_box(copied, demo):
    rows = copied.sql("SELECT slug FROM vaults WHERE name = 'Work' ORDER BY id")
    assert rows == [("work",), ("work-acme",), ("work-beta",)]
    assert copied.sql(
        "SELECT count(*) FROM fragments f WHERE vault LIKE '%-acme' AND vault IN"
        " (SELECT slug FROM vaults WHERE json_extract(metadata, '$.scenario') = 'general@acme')"
    ) == [(175,)]
    listed = demo("copies", "general", "--json").json["copies"]
    assert [(c["copy"], c["records"]["total"]) for c in listed] == [("acme", 324), ("beta", 324)]
    assert listed[0]["version"].startswith("v1_")
    assert listed[0]["imported_at"]
    assert demo("copies", "writer").stdout == "No copies in this database.\n"

    again = demo("import", "general", "--copy=acme", "--json").json
    assert (again["copy"], again["changed"], again["replaced"]["total"]) == ("acme", 0, 324)
    copied.sql("UPDATE todos SET title = 'x' WHERE id = 1003")
    tried = demo("import", "general", "--copy=acme", "--dry-run")
    assert "Would import general" in tried.stdout
    assert "1 row would be written or removed" in tried.stdout
    refused = demo("import", "general", "--copy=acme")
    assert refused.status == 26
    assert "as the copy acme)?" in refused.stderr
    found = demo("validate", "general", "--copy=acme", "--json")
    assert (found.status, found.json["copy"]) == (50, "acme")
    assert found.json["problems"] == ["todos: 1 changed"]
    assert demo("validate", "general", "--copy=beta").status == 0


def test_what_is_removed_is_asked_about_and_can_be_put_back(copied, demo):
    whole = copied.state()
    refused = demo("remove", "general", "--copy=acme")
    assert refused.status == 26
    assert "Remove 324 demo rows of the copy acme of general?" in refused.stderr
    tried = demo("remove", "general", "--copy=acme", "--dry-run", "--json").json
    assert (tried["dry_run"], tried["removed"]["total"], tried["undo"]) == (True, 324, None)
    assert copied.state() == whole

    assert (
        "Removed the copy acme of general" in demo("remove", "general", "--copy=acme", "-y").stdout
    )
    assert demo("remove", "general", "--copy=acme", "-y").status == 11
    assert demo("remove", "general", "-y", "--json").json["removed"]["total"] == 324
    assert [c["copy"] for c in demo("copies", "--json").json["copies"]] == ["beta"]
    assert demo("export", "general").status == 11
    entries = demo("undo", "--list").stdout
    for by in (
        "demo remove general\n",
        "demo remove general --copy=acme\n",
        "--copy=beta\n",
    ):
        assert by in entries
    entry = demo("undo", "--list", "--json").json["entries"][1]
    assert (entry["removed"], entry["copy"], entry["snapshot"]) == (True, "acme", None)
    for _ in range(2):
        assert demo("undo", "--yes").status == 0
    assert copied.state()[0] == whole[0]
    assert demo("remove", "general", "-y", APP_ENV="production").status == 51
