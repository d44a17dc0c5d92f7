"""``export --prove``: into a scratch database and out again, on every engine; nothing is left."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Dump, Live
from integration.warehouse import CONFIGURATION, build

from demo_snapshots.errors import DemoError, ProofError
from demo_snapshots.render.report import Facts
from demo_snapshots.render.transfer import export_report

ALL = ("sqlite", "postgresql", "mariadb")


@pytest.fixture(autouse=True)
def scratch_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "scratch"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


def demo_of(tmp_path: Path, configuration: str) -> Demo:
    file = tmp_path / "demo.toml"
    file.write_text(configuration, encoding="utf-8")
    return Demo(tmp_path / "snapshots", file)


def leftovers(live: Live, scratch: Path) -> list[str]:
    found = [str(path) for path in scratch.iterdir()]
    if live.engine == "postgresql":
        query = "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'demo_proof%'"
        found += [row[0] for row in live.rows(query)]
    elif live.engine == "mariadb":
        found += _staying(live)
    return found


def _staying(live: Live) -> set[str]:
    """Scratch databases are the whole server's: those of tests that run now go by themselves."""
    found: set[str] | None = None
    for _ in range(100):
        now = {row[0] for row in live.rows("SHOW DATABASES LIKE 'demo_proof%'")}
        found = now if found is None else found & now
        if not found:
            break
        time.sleep(0.2)
    return found or set()


def sequences(live: Live) -> Dump:
    if live.engine != "postgresql":
        return {}
    names = live.rows("SELECT quote_ident(relname) FROM pg_class WHERE relkind = 'S' ORDER BY 1")
    return {name: [str(live.rows(f"SELECT * FROM {name}"))] for (name,) in names}


@engines(*ALL)
def test_the_warehouse_is_proved_and_nothing_real_is_touched(
    database_url: str, tmp_path: Path, scratch_directory: Path
) -> None:
    live = build(database_url)
    demo = demo_of(tmp_path, CONFIGURATION)
    before, counters = live.dump(), sequences(live)
    result = demo.export(live, allow_empty=True, prove=True)
    assert result.proof is not None
    assert result.proof.records == result.statistics.total > 20
    assert result.written
    assert live.dump() == before
    assert sequences(live) == counters
    assert leftovers(live, scratch_directory) == []
    plain = demo.export(live, allow_empty=True)
    assert (plain.written, plain.proof, plain.digest) == (False, None, result.digest)


REFERENCING = """\
[tables.orders]
marker = "demo"
scenario = "scenario"

[references]
users = { by-key = ["email"] }
country = "include"
"""
_TABLES = (
    "CREATE TABLE team (id INTEGER PRIMARY KEY)",
    "CREATE TABLE users (id INTEGER PRIMARY KEY, email VARCHAR(50) NOT NULL UNIQUE,"
    " team_id INTEGER NOT NULL, FOREIGN KEY (team_id) REFERENCES team (id))",
    "CREATE TABLE country (id INTEGER PRIMARY KEY, iso VARCHAR(2) NOT NULL)",
    "CREATE TABLE orders (id INTEGER PRIMARY KEY, user_id INTEGER NOT NULL, country_id INTEGER,"
    " demo BOOLEAN, scenario VARCHAR(20), FOREIGN KEY (user_id) REFERENCES users (id),"
    " FOREIGN KEY (country_id) REFERENCES country (id))",
    "INSERT INTO team VALUES (1)",
    "INSERT INTO users VALUES (1, 'a@example.org', 1), (2, 'b@example.org', 1)",
    "INSERT INTO country VALUES (7, 'DE'), (8, 'FR')",
    "INSERT INTO orders VALUES (1, 2, 7, TRUE, 'general'), (2, 1, 8, FALSE, NULL),"
    " (3, 2, NULL, TRUE, 'general'), (4, 1, 8, TRUE, 'other')",
)


@engines(*ALL)
def test_rows_outside_the_demo_travel_or_are_found(
    database_url: str, tmp_path: Path, scratch_directory: Path
) -> None:
    live = Live(database_url)
    live.run(*_TABLES)
    before = live.dump()
    result = demo_of(tmp_path, REFERENCING).export(live, prove=True)
    assert result.proof is not None
    assert result.proof.records == 2
    assert live.dump() == before
    assert leftovers(live, scratch_directory) == []


@engines("postgresql")
def test_a_table_in_another_schema(database_url: str, tmp_path: Path) -> None:
    live = Live(database_url)
    live.run(
        "CREATE SCHEMA crm",
        "CREATE TYPE crm.mood AS ENUM ('good', 'bad')",
        "CREATE TABLE crm.contacts (id SERIAL PRIMARY KEY, demo BOOLEAN, mood crm.mood)",
        # The sequence is behind: an import into this very table would move it.
        "INSERT INTO crm.contacts VALUES (50, TRUE, 'good'), (51, FALSE, 'bad')",
    )
    before, counters = (
        live.rows("SELECT * FROM crm.contacts"),
        live.rows("SELECT * FROM crm.contacts_id_seq"),
    )
    demo = demo_of(tmp_path, '[tables."crm.contacts"]\nmarker = "demo"\n')
    assert demo.export(live, prove=True).proof is not None
    assert live.rows("SELECT * FROM crm.contacts") == before
    assert live.rows("SELECT * FROM crm.contacts_id_seq") == counters


CHANGING = {
    "postgresql": (
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, demo BOOLEAN, body TEXT,"
        " size INTEGER CHECK (size < 100))",
        "INSERT INTO notes VALUES (1, TRUE, 'x', 5)",
        "ALTER TABLE notes DROP CONSTRAINT notes_size_check",
        "UPDATE notes SET size = 100",
        "ALTER TABLE notes ADD CHECK (size < 100) NOT VALID",
    ),
    "sqlite": (
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, demo BOOLEAN, body TEXT,"
        " size INTEGER CHECK (size < 100))",
        "PRAGMA ignore_check_constraints = ON",
        "INSERT INTO notes VALUES (1, TRUE, 'x', 100)",
    ),
    "mariadb": (
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, demo BOOLEAN, body TEXT,"
        " size INTEGER CHECK (size < 100))",
        "SET check_constraint_checks = 0",
        "INSERT INTO notes VALUES (1, TRUE, 'x', 100)",
    ),
}


@engines("sqlite", "postgresql", "mariadb")
def test_what_cannot_be_put_back_is_not_published(
    database_url: str, tmp_path: Path, scratch_directory: Path
) -> None:
    live = Live(database_url)
    live.run(*CHANGING[live.engine])
    demo = demo_of(tmp_path, '[tables.notes]\nmarker = "demo"\n')
    with pytest.raises(ProofError, match=r"could not be put back into .*notes") as raised:
        demo.export(live, prove=True)
    assert "No version was published" in (raised.value.hint or "")
    assert demo.store.entries() == ()
    assert leftovers(live, scratch_directory) == []
    assert demo.export(live).written


NOTES = (
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, demo BOOLEAN, body TEXT)",
    "CREATE TABLE tenants (id INTEGER PRIMARY KEY)",
    "INSERT INTO tenants VALUES (1)",
    "INSERT INTO notes VALUES (1, TRUE, 'x'), (2, FALSE, 'real')",
)


@pytest.mark.parametrize(
    ("rule", "more", "hint"),
    [
        ("where = 'id < (SELECT max(id) FROM notes)'", "", "rows outside the demo"),
        (
            "marker = 'demo'",
            "CREATE TRIGGER shout AFTER INSERT ON notes BEGIN"
            " UPDATE notes SET body = upper(body) WHERE id = NEW.id; END",
            "notes.shout",
        ),
        (
            "marker = 'demo'",
            "CREATE TRIGGER bar BEFORE INSERT ON notes BEGIN SELECT RAISE(ABORT, 'no'); END",
            "Correct the rows, or what refuses them",
        ),
    ],
)
def test_every_cause_has_a_hint_of_its_own(sqlite_url, tmp_path, rule, more, hint) -> None:
    live = Live(sqlite_url)
    live.run(*NOTES, *filter(None, [more]))
    demo = demo_of(tmp_path, f"[tables.notes]\n{rule}\n")
    with pytest.raises(ProofError, match="notes") as raised:
        demo.export(live, prove=True)
    assert hint in (raised.value.hint or "")


@engines("mariadb")
def test_a_condition_on_another_table_is_told(database_url: str, tmp_path: Path) -> None:
    live = Live(database_url)
    live.run(*NOTES)
    demo = demo_of(tmp_path, "[tables.notes]\nwhere = 'id IN (SELECT id FROM tenants)'\n")
    with pytest.raises(ProofError, match=r"tables\.notes\.where") as raised:
        demo.export(live, prove=True)
    assert "write the condition without them" in (raised.value.hint or "")


def test_other_bytes_are_found_and_the_table_named(
    sqlite_url: str, tmp_path: Path, scratch_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An engine that rounds in silence stands for a fault that nobody has found yet."""
    from demo_snapshots.engines.sqlite import session as sqlite

    live = Live(sqlite_url)
    live.run(
        "CREATE TABLE readings (id INTEGER PRIMARY KEY, demo BOOLEAN, at REAL)",
        "INSERT INTO readings VALUES (1, TRUE, 0.1), (2, TRUE, 0.30000000000000004)",
    )
    demo = demo_of(tmp_path, '[tables.readings]\nmarker = "demo"\n')
    exact = sqlite._format_float
    calls: list[float] = []

    def rounding(value: float) -> str:
        calls.append(value)
        return exact(round(value, 3) if len(calls) > 2 else value)

    monkeypatch.setattr(sqlite, "_format_float", rounding)
    with pytest.raises(ProofError, match="Readings: the rows put back"):
        demo.export(live, prove=True)
    assert demo.store.entries() == ()
    assert leftovers(live, scratch_directory) == []


@engines("postgresql", "mariadb")
def test_without_the_right_to_make_one(database_url: str, tmp_path: Path) -> None:
    from sqlalchemy.engine import make_url

    live = Live(database_url)
    live.run(*CHANGING[live.engine][:1], "INSERT INTO notes VALUES (1, TRUE, 'x', 1)")
    url = make_url(database_url)
    user = f"reader_{url.database}"[:30]
    if live.engine == "postgresql":
        live.run(f'CREATE USER "{user}"', f'GRANT SELECT ON notes TO "{user}"')
    else:
        live.run(
            f"CREATE USER '{user}'@'%'",
            f"GRANT SELECT, CREATE TEMPORARY TABLES ON `{url.database}`.* TO '{user}'@'%'",
        )
    reader = Live(url.set(username=user, password=None).render_as_string(hide_password=False))
    demo = demo_of(tmp_path, '[tables.notes]\nmarker = "demo"\n')
    try:
        with pytest.raises(ProofError, match="nothing could be proved: a temporary"):
            demo.export(reader, prove=True)
        assert demo.store.entries() == ()
    finally:
        if live.engine == "postgresql":
            live.run(f'DROP OWNED BY "{user}"', f'DROP USER "{user}"')
        else:
            live.run(f"DROP USER '{user}'@'%'")


# --- Triggers --------------------------------------------------------------------------------

FILMS = (
    "CREATE TABLE films (id INTEGER PRIMARY KEY, title VARCHAR(40), demo BOOLEAN,"
    " last_update TIMESTAMP NULL)",
    "CREATE TABLE audit (entry VARCHAR(40))",
    "INSERT INTO films VALUES (1, 'One', TRUE, '2020-01-01 00:00:00')",
)
TOUCH = "UPDATE films SET last_update = '2030-01-01' WHERE id = NEW.id"
AUDIT = "INSERT INTO audit VALUES ('written')"


def filmed(url: str, *triggers: tuple[str, str, str]) -> Live:
    """With triggers of SQLite and MariaDB: name, when, what."""
    live = Live(url)
    live.run(*FILMS)
    for name, when, body in triggers:
        if live.engine == "sqlite":
            live.run(f"CREATE TRIGGER {name} {when} ON films BEGIN {body}; END")
        else:
            live.run(f"CREATE TRIGGER {name} {when} ON films FOR EACH ROW {body}")
    return live


@pytest.fixture
def films(tmp_path: Path) -> Demo:
    return demo_of(tmp_path, '[tables.films]\nmarker = "demo"\n')


def test_a_proof_meets_the_triggers_of_sqlite(
    sqlite_url: str, films: Demo, scratch_directory: Path
) -> None:
    live = filmed(
        sqlite_url,
        ("touched", "AFTER UPDATE", TOUCH),
        ("written", "AFTER INSERT", AUDIT),
        ("removed", "AFTER DELETE", AUDIT),
    )
    before = live.dump()
    proof = films.export(live, prove=True).proof
    assert proof is not None
    assert proof.triggers_left_out == ()
    assert live.dump() == before
    assert leftovers(live, scratch_directory) == []


@pytest.mark.parametrize(
    "other",
    [
        ("touched_too", "AFTER INSERT", TOUCH),
        ("keep", "BEFORE DELETE", "SELECT RAISE(ABORT, 'no')"),
    ],
    ids=["inserts are rewritten", "edited rows cannot come back"],
)
def test_what_its_triggers_would_not_let_back_is_not_published(
    sqlite_url: str, films: Demo, scratch_directory: Path, other: tuple[str, str, str]
) -> None:
    live = filmed(sqlite_url, ("touched", "AFTER UPDATE", TOUCH), other)
    with pytest.raises(ProofError, match=r"could not be put back into .*films"):
        films.export(live, prove=True)
    assert films.store.entries() == ()
    assert leftovers(live, scratch_directory) == []
    path = films.export(live).path
    live.run("UPDATE films SET title = 'Edited'")
    with pytest.raises(DemoError):
        films.load(live, path)


def test_triggers_that_fill_a_virtual_table(sqlite_url: str, films: Demo) -> None:
    live = filmed(sqlite_url)
    live.run(
        "CREATE VIRTUAL TABLE found USING fts5 (title, content='films', content_rowid='id')",
        "INSERT INTO found (found) VALUES ('rebuild')",
        "CREATE VIRTUAL TABLE kept USING fts5 (title)",
        "INSERT INTO kept (rowid, title) SELECT id, title FROM films",
        "CREATE TRIGGER keep AFTER INSERT ON films BEGIN INSERT INTO kept (rowid, title)"
        " VALUES (NEW.id, NEW.title); END",
        "CREATE TRIGGER drop_kept AFTER DELETE ON films BEGIN DELETE FROM kept"
        " WHERE rowid = OLD.id; END",
        "CREATE TRIGGER edit_kept AFTER UPDATE ON films BEGIN UPDATE kept SET title = NEW.title"
        " WHERE rowid = OLD.id; END",
        "CREATE TRIGGER find AFTER INSERT ON films BEGIN INSERT INTO found (rowid, title)"
        " VALUES (NEW.id, NEW.title); END",
        "CREATE TRIGGER lose AFTER DELETE ON films BEGIN INSERT INTO found (found, rowid, title)"
        " VALUES ('delete', OLD.id, OLD.title); END",
    )
    assert films.export(live, prove=True).proof is not None


def test_a_virtual_table_with_content_of_its_own(sqlite_url: str, tmp_path: Path) -> None:
    live = Live(sqlite_url)
    live.run(
        "CREATE VIRTUAL TABLE pages USING fts5 (title, body)",
        "INSERT INTO pages VALUES ('demo one', 'body'), ('real', 'body')",
    )
    demo = demo_of(tmp_path, "[tables.pages]\nwhere = \"title LIKE 'demo%'\"\n")
    result = demo.export(live, prove=True)
    assert result.proof is not None
    whole = live.rows("SELECT * FROM pages ORDER BY title")
    live.run("UPDATE pages SET body = 'edited' WHERE title = 'demo one'")
    demo.load(live, result.path)
    assert live.rows("SELECT * FROM pages ORDER BY title") == whole
    assert live.rows("SELECT title FROM pages WHERE pages MATCH 'one'") == [("demo one",)]


@engines("postgresql", "mariadb")
def test_a_proof_says_which_triggers_it_left_out(
    database_url: str, films: Demo, tmp_path: Path
) -> None:
    """What they do could reach the real tables: the scratch tables are beside them."""
    live = filmed(database_url)
    if live.engine == "mariadb":
        live.run(f"CREATE TRIGGER written AFTER INSERT ON films FOR EACH ROW {AUDIT}")
    else:
        live.run(
            "CREATE FUNCTION written() RETURNS trigger LANGUAGE plpgsql AS"
            f" $$ BEGIN {AUDIT}; RETURN NEW; END $$",
            "CREATE TRIGGER written AFTER INSERT ON films FOR EACH ROW EXECUTE FUNCTION written()",
        )
    before = live.dump()
    result = films.export(live, prove=True)
    assert result.proof is not None
    assert result.proof.triggers_left_out == ("films.written",)
    assert live.dump() == before
    facts = export_report(result)[-1]
    assert isinstance(facts, Facts)
    assert dict(facts.pairs)["Not proved"] == "what triggers do: films.written"
