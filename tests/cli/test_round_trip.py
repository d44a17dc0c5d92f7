"""The whole story through the commands: seed, export, spoil, import, validate, list, clean up."""

from __future__ import annotations

import re

import pytest

TABLES = ("vaults", "projects", "fragments", "todos", "contacts", "chat_sessions")


def flat(text: str) -> list[str]:
    return [" ".join(line.split()) for line in text.splitlines()]


def test_the_story(demo, seeded):
    before = seeded.state()[0]
    seeded.sql("UPDATE projects SET name = 'asdf' WHERE id = 1")
    seeded.sql("DELETE FROM fragments WHERE type = 'todo'")
    seeded.sql("INSERT INTO contacts (id, name) VALUES (5000, 'Ada Okafor')")
    assert demo("validate", "general").status == 50

    outcome = demo("import", "general", "--yes")
    assert (outcome.status, outcome.stderr) == (0, "")
    lines = flat(outcome.stdout)
    assert re.match(r"Imported general v1_\d{4}-\d\d-\d\d$", lines[0])
    assert "Table Replaced Imported" in lines
    assert "todo 0 100" in lines
    assert any(re.match(r"Total 1\d\d 3\d\d$", line) for line in lines)

    assert seeded.sql("DELETE FROM contacts WHERE id = 5000 RETURNING name") == [("Ada Okafor",)]
    ours = [line for line in seeded.state()[0] if "sqlite_sequence" not in line]
    assert ours == [line for line in before if "sqlite_sequence" not in line]
    assert demo("validate", "general").status == 0


def test_seeding_shows_what_it_made_and_from_what(demo, workplace):
    assert demo("migrate-fresh").status == 0
    made = demo("seed-enhanced", "--scenario=writer", "--as-of=2025-01-20", "--seed=3")
    lines = flat(made.stdout)
    assert lines[0] == "Seeded writer"
    assert "Repeat --seed=3 --as-of=2025-01-20T00:00:00Z --scale=1" in lines
    document = demo(
        "seed-enhanced", "--scenario=writer", "--scale=2", "--export", "--yes", "--json"
    ).json
    assert document["scenario"] == "writer"
    assert document["replaced"]["total"] > 0
    assert document["export"]["written"] is True
    fragments = [t for t in document["seeded"]["tables"] if t["table"] == "fragments"]
    assert sum(fragments[0]["breakdown"].values()) == fragments[0]["records"]


def test_export_shows_counts_size_version_and_path(demo, seeded):
    seeded.sql("DELETE FROM chat_sessions WHERE id % 2")
    outcome = demo("export", "general")
    lines = flat(outcome.stdout)
    assert re.match(r"Exported general v2_", lines[0])
    assert "Table Records" in lines
    assert "vaults 6" in lines
    assert "todo 100" in lines
    assert re.search(r"^Total 3\d\d$", "\n".join(lines), re.M)
    assert re.search(r"^Size [\d.]+ kB$", "\n".join(lines), re.M)
    path = seeded.documents[-1]
    assert f"File {path.relative_to(seeded.path)}" in lines


def test_unchanged_data_writes_nothing_unless_asked_to(demo, seeded):
    before = seeded.state()
    outcome = demo("export", "general")
    assert outcome.status == 0
    assert re.match(r"general is unchanged since v1_\d{4}-\d\d-\d\d\n", outcome.stdout)
    assert seeded.state() == before
    again = demo("export", "general", "--auto-version", "--json").json
    assert again["written"] is True
    assert again["version"].startswith("v2_")


def test_a_version_a_number_or_a_file_can_be_imported(demo, seeded):
    first = seeded.documents[0]
    full = demo("list-exports", "--json").json["scenarios"][0]["latest"]
    seeded.sql("DELETE FROM chat_sessions")
    assert demo("export", "general").status == 0
    for argument in (f"--version={full}", "--version=v1", f"--file={first}"):
        document = demo("import", "general", argument, "--yes", "--json").json
        assert document["version"] == full
        assert seeded.sql("SELECT count(*) FROM chat_sessions") == [(10,)]
        document = demo("import", "general", "--latest", "--yes", "--json").json
        assert document["version"].startswith("v2_")
        assert seeded.sql("SELECT count(*) FROM chat_sessions") == [(0,)]


def test_importing_what_is_there_already_writes_nothing(demo, seeded):
    outcome = demo("import", "general", "--yes", "--json")
    assert outcome.json["changed"] == 0
    assert "none: the database held exactly this" in demo("import", "general", "--yes").stdout


def test_into_an_empty_database_nothing_is_asked(demo, seeded):
    assert demo("migrate-fresh", "--yes").status == 0
    outcome = demo("import", "general", "--json")
    assert outcome.status == 0
    assert outcome.json["route"] == "direct"
    assert outcome.json["replaced"]["total"] == 0
    assert {t["table"] for t in outcome.json["imported"]["tables"]} == set(TABLES)


@pytest.mark.parametrize("source", ["--latest", "--version=v1", "--file"])
def test_keep_other_scenarios(demo, seeded, source):
    if source == "--file":
        source += f"={seeded.documents[0]}"
    seeded.sql(
        "INSERT INTO contacts (name, metadata) "
        """VALUES ('Other', '{"demo_seed": true, "scenario": "other"}')"""
    )
    assert demo("import", "general", source, "--yes", "--keep-other-scenarios").status == 0
    assert seeded.sql("SELECT count(*) FROM contacts WHERE name = 'Other'") == [(1,)]
    assert demo("import", "general", source, "--yes").status == 0
    assert seeded.sql("SELECT count(*) FROM contacts WHERE name = 'Other'") == [(0,)]


def test_a_clean_up_of_one_scenario_leaves_the_others(demo, seeded):
    for scenario in ("general", "writer", "writer"):
        command = ("export", scenario, "--allow-empty", "--auto-version")
        assert demo(*command).status == 0
    assert demo("cleanup-exports", "general", "--keep=1", "--yes").status == 0
    kept = [path.name.partition("_20")[0] for path in seeded.documents]
    assert kept == ["general_v2", "writer_v1", "writer_v2"]


def test_listing_and_clean_up(demo, seeded):
    for _ in range(2):
        assert demo("export", "general", "--auto-version").status == 0
    lines = flat(demo("list-exports").stdout)
    assert lines[0] == "Scenario Version Saved (UTC) Records Size"
    assert re.match(r"general v3_\S+ \S+ \d\d:\d\d 3\d\d [\d.]+ kB latest$", lines[2])
    assert re.match(r"v2_", lines[3])
    assert flat(demo("list-exports", "general").stdout) == lines

    before = seeded.state()
    assert "Would remove 2 versions" in demo("cleanup-exports", "--keep=1", "--dry-run").stdout
    assert seeded.state() == before
    refused = demo("cleanup-exports", "--keep=1")
    assert refused.status == 26
    assert "Remove 2 versions?" in refused.errors[0]
    assert seeded.state() == before

    document = demo("cleanup-exports", "general", "--keep=1", "--yes", "--json").json
    assert [entry["version"][:3] for entry in document["removed"]] == ["v2_", "v1_"]
    assert [entry["version"][:3] for entry in document["kept"]] == ["v3_"]
    assert [path.name[:11] for path in seeded.documents] == ["general_v3_"]
    assert "Nothing to remove: 1 version kept" in demo("cleanup-exports", "--keep=1").stdout
    assert demo("export", "general", "--auto-version", "--json").json["version"][:3] == "v4_"


def test_validate_says_what_differs(demo, seeded):
    fine = flat(demo("validate", "general").stdout)
    assert fine[0].endswith(": the database holds exactly this snapshot")
    assert "todo 100" in fine
    seeded.sql("UPDATE projects SET name = 'asdf' WHERE id = 1")
    seeded.sql("DELETE FROM chat_sessions WHERE id = 1")
    outcome = demo("validate", "general")
    assert outcome.status == 50
    assert "projects 8 0 0 1" in flat(outcome.stdout)
    assert "chat_sessions 9 1 0 0" in flat(outcome.stdout)
    assert len(outcome.errors) == 1
    document = demo("validate", "general", "--json")
    assert document.status == 50
    assert document.json["valid"] is False
    assert document.json["problems"]
    quiet = demo("validate", "general", "--quiet")
    assert quiet.stdout == ""
    assert all(f"  - {problem}" in quiet.stderr for problem in document.json["problems"])


def test_validate_schema(demo, seeded):
    fits = demo("validate", "general", "--schema")
    assert (fits.status, fits.stderr) == (0, "")
    assert re.fullmatch(r"general v1_\S+: fits the tables\n", fits.stdout)
    seeded.sql("ALTER TABLE contacts DROP COLUMN phone")
    outcome = demo("validate", "general", "--schema")
    assert outcome.status == 50
    assert "contacts.phone" in outcome.stdout


def test_validate_without_a_scenario(demo, seeded):
    assert demo("validate", "--json").json["scenario"] == "general"
    assert demo("validate", "--schema").stdout == "All scenarios: fits the tables\n"
