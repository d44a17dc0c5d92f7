"""Every bad input, typed and answered: its own status, one clear line, nothing changed."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from demo_snapshots.sample.engine import make_engine


@pytest.fixture
def refused(demo, seeded):
    """Type a command; check that it changed nothing and said so in one line; give that line."""

    def type_it(*arguments: str, status: int, says: str, **environment: str) -> str:
        before = seeded.state()
        outcome = demo(*arguments, **environment)
        assert outcome.status == status, outcome.stderr
        assert outcome.stdout == ""
        assert len(outcome.errors) == 1
        assert "Traceback" not in outcome.stderr
        assert says in outcome.stderr
        assert seeded.state() == before
        assert demo(*arguments, "--json", **environment).json["error"]["exit_code"] == status
        return str(outcome.stderr)

    return type_it


def altered(seeded, change) -> str:
    """A copy of the document, its text changed, as an option."""
    path = seeded.path / "altered.sql"
    text = seeded.documents[0].read_text("utf-8")
    assert change(text) != text
    path.write_text(change(text), "utf-8", newline="\n")
    return f"--file={path.name}"


@pytest.mark.parametrize("command", ["import", "list-exports", "cleanup-exports", "validate"])
def test_unknown_scenario(refused, command):
    refused(command, "nowhere", status=14, says="general")


def test_unknown_scenario_to_export(refused):
    refused("export", "genral", status=11, says="general")


def test_unknown_scenario_to_seed(refused):
    refused("seed-enhanced", "--scenario=nowhere", status=40, says="general, writer")


def test_no_scenario_to_seed_or_two(refused):
    refused("seed-enhanced", status=2, says="general, writer")
    both = ("--scenario=general", "--scenario-file=my.yaml")
    refused("seed-enhanced", *both, status=2, says="--scenario and --scenario-file")


@pytest.mark.parametrize("time", ["yesterday", "2025-13-01", "0001-01-01", "9999-12-31"])
def test_a_moment_that_is_none(refused, time):
    command = ("seed-enhanced", "--scenario=general", f"--as-of={time}")
    refused(*command, status=2, says=f"--as-of={time}")


def test_a_scenario_file_that_is_none(refused, seeded):
    (seeded.path / "my.yaml").write_text("scenario: mine\nnonsense: 1\n", "utf-8")
    refused("seed-enhanced", "--scenario-file=my.yaml", status=40, says="my.yaml")
    refused("seed-enhanced", "--scenario-file=missing.yaml", status=40, says="missing.yaml")


@pytest.mark.parametrize("version", ["v7", "v7_2025-01-01", "7", "latest", "../v1", ""])
def test_unknown_version(refused, version):
    said = refused("import", "general", f"--version={version}", "--yes", status=14, says="v1_")
    assert "general" in said


def test_missing_file(refused):
    refused("import", "general", "--file=missing.sql", "--yes", status=14, says="missing.sql")


def test_a_directory_for_a_file(refused, seeded):
    (seeded.path / "directory.sql").mkdir()
    command = ("import", "general", "--file=directory.sql", "--yes")
    refused(*command, status=14, says="directory.sql")


@pytest.mark.parametrize("content", [b"", b"hello\n", b"\xff\xfe\x00", b"SELECT 1;\n"])
def test_a_file_that_is_not_one_of_ours(refused, seeded, content):
    (seeded.path / "other.sql").write_bytes(content)
    refused("import", "general", "--file=other.sql", "--yes", status=21, says="other.sql")


def test_a_file_cut_short(refused, seeded):
    option = altered(seeded, lambda text: text[: len(text) // 2])
    refused("import", "general", option, "--yes", status=21, says="cut short")


def test_a_file_altered(refused, seeded):
    option = altered(seeded, lambda text: text.replace("'active'", "'done'", 1))
    refused("import", "general", option, "--yes", status=21, says="digest")


def test_a_file_with_another_statement(refused, seeded):
    option = altered(
        seeded, lambda text: text.replace("\n-- Projects", "\nDROP TABLE todos;\n-- Projects", 1)
    )
    refused("import", "general", option, "--yes", status=21, says="line ")


def test_a_file_of_another_scenario(refused, seeded):
    option = f"--file={seeded.documents[0]}"
    refused("import", "writer", option, "--yes", status=21, says="general")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("nonsense", 3),
        ("oracle://x/y", 3),
        ("sqlite:///missing/file.sqlite", 5),
        ("postgresql://user:s3cret@127.0.0.1:1/nowhere", 5),
    ],
)
@pytest.mark.parametrize(
    "command",
    [
        ["export", "general"],
        ["import", "general"],
        ["validate", "general"],
        ["seed-enhanced", "--scenario=general"],
        ["migrate-fresh"],
    ],
)
def test_a_database_that_cannot_be_reached(refused, seeded, url, status, command):
    if command == ["migrate-fresh"] and url.startswith("sqlite"):
        pytest.skip("it makes the file")
    for environment in ({}, {"DATABASE_URL": url}):
        arguments = command if environment else [*command, f"--database={url}"]
        said = refused(*arguments, status=status, says="", **environment)
        assert "s3cret" not in said
    assert not (seeded.path / "missing").exists()


@pytest.mark.parametrize(
    "command", [["export", "general"], ["seed-enhanced", "--scenario=general"], ["migrate-fresh"]]
)
def test_a_file_that_is_no_database(refused, seeded, command):
    (seeded.path / "notes.txt").write_text("a few words, but no database\n" * 10, "utf-8")
    refused(*command, "--database=sqlite:///notes.txt", status=4, says="not a database")


def test_missing_tables(refused, seeded):
    seeded.sql("DROP TABLE chat_sessions")
    for command in ("export", "import"):
        refused(command, "general", status=7, says="chat_sessions")


def test_missing_columns(refused, seeded):
    seeded.sql("ALTER TABLE contacts DROP COLUMN phone")
    said = refused("import", "general", "--yes", status=7, says="phone")
    assert "contacts" in said


def test_a_value_its_column_would_change(demo, refused, seeded, postgresql_url):
    database = f"--database={postgresql_url}"
    assert demo("migrate-fresh", database).status == 0
    engine = make_engine(postgresql_url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE contacts ALTER COLUMN name TYPE varchar(3)"))
    said = refused("import", "general", database, status=22, says="contacts")
    assert "name" in said
    assert "line " in said
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM vaults")).scalar() == 0


def test_a_key_that_a_real_row_uses(refused, seeded):
    seeded.sql("UPDATE contacts SET metadata = NULL WHERE id = 2")
    said = refused("import", "general", "--yes", status=23, says="contacts")
    assert "2" in said


def test_a_real_row_that_would_lose_what_it_references(demo, refused, seeded):
    seeded.sql("""INSERT INTO vaults (id, name, slug, metadata)
                  VALUES (99, 'Late', 'late', '{"demo_seed": true, "scenario": "general"}')""")
    seeded.sql("INSERT INTO projects (id, name, vault_id) VALUES (99, 'Real', 99)")
    refused("import", "general", "--yes", status=24, says="projects")


def test_nobody_to_ask(refused, seeded):
    seeded.sql("UPDATE fragments SET title = 'Edited' WHERE id = 1")
    said = refused("import", "general", status=26, says="--yes")
    assert "Replace 3" in said
    refused("migrate-fresh", status=26, says="Drop 3")
    refused("seed-enhanced", "--scenario=general", status=26, says="Replace 3")


def test_real_rows_in_the_way_of_migrate_fresh(refused, seeded):
    seeded.sql("INSERT INTO contacts (name) VALUES ('Ada')")
    refused("migrate-fresh", "--yes", status=51, says="1 in contacts")


def test_foreign_tables_in_the_way_of_migrate_fresh(refused, seeded):
    seeded.sql("CREATE TABLE orders (id INTEGER)")
    refused("migrate-fresh", "--yes", status=51, says="orders")
