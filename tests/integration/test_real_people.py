"""An export finds real persons in demo rows: what demo rows say of persons is looked for in all
other rows of the database."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Live

from demo_snapshots.errors import ConfigError, RealPersonError
from demo_snapshots.model.people import PeopleCheck
from demo_snapshots.model.results import ExportResult
from demo_snapshots.operations import people
from demo_snapshots.operations.verify import verify_exports, verify_files

TABLES = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(60), email VARCHAR(60),"
    " phone VARCHAR(40), birth_date DATE, profile {json}, is_demo BOOLEAN)",
    "CREATE TABLE leads (id INTEGER PRIMARY KEY, mail VARCHAR(60), account VARCHAR(60),"
    " data {json})",
    "CREATE TABLE members (id INTEGER PRIMARY KEY, first_name VARCHAR(60), last_name VARCHAR(60),"
    " born DATE)",
)
JSON = {"sqlite": "TEXT", "postgresql": "jsonb", "mariadb": "JSON"}
CONFIG = '[tables.users]\nmarker = "is_demo"\n'
REAL = (
    (1, "Ada Okafor", "Ada@Okafor.de", "030/8765 4321", "1980-02-03", None, False),
    (2, "Eva Brandt", None, None, "1990-05-06", '{"mail": "eva@brandt.fr"}', False),
)


@pytest.fixture
def live(database_url: str) -> Live:
    live = Live(database_url)
    live.run(*(table.format(json=JSON[live.engine]) for table in TABLES))
    live.insert("users", *REAL)
    live.insert("members", (1, "Eva", "Brandt", "1991-05-06"))
    live.insert(
        "leads", (1, "lead@post.at", "DE02 1203 0000 0000 2020 51", '{"to": {"m": "x@y.se"}}')
    )
    return live


def demo_in(directory: Path, config: str) -> Demo:
    directory.mkdir(exist_ok=True)
    file = directory / "demo.toml"
    file.write_text(config, "utf-8")
    return Demo(directory / "snapshots", file)


def searched(result: ExportResult) -> PeopleCheck:
    assert result.people is not None
    return result.people


@engines("sqlite", "postgresql", "mariadb")
def test_a_real_person_stops_the_export(live, tmp_path):
    demo = demo_in(tmp_path, CONFIG)
    live.insert(
        "users",
        (11, "Ada Okafor", "ada@okafor.DE", "+49 30 87654321", "1999-01-01", None, True),
        (12, "eva  brandt", "eva@example.org", "+1 512 555 0112", "1991-05-06", None, True),
        (13, "Jo", None, None, None, '{"bank": {"iban": "DE02120300000000202051"}}', True),
        (14, "Jo", None, None, None, '{"notes": ["from lead@post.at", "x@y.se", "n@n.nu"]}', True),
        (15, "Jo", "eva@brandt.fr", None, None, None, True),
    )
    with pytest.raises(RealPersonError) as failure:
        demo.export(live)
    assert not demo.store.inventory()
    error = failure.value
    told = [line.partition(" (sha256:")[0] for line in error.problems]
    assert sorted(told) == [
        "users.email: the e-mail address in the row with key 11, as in users.email of a row"
        " outside the demo",
        "users.email: the e-mail address in the row with key 15, as in users.profile.mail of a row"
        " outside the demo",
        "users.name: the name in the row with key 12, as in members.first_name and last_name of a"
        " row outside the demo",
        "users.phone: the phone number in the row with key 11, as in users.phone of a row outside"
        " the demo",
        "users.profile.bank.iban: the IBAN in the row with key 13, as in leads.account of a row"
        " outside the demo",
        "users.profile.notes[*]: the e-mail address in the row with key 14, as in leads.data.to.m"
        " of a row outside the demo",
        "users.profile.notes[*]: the e-mail address in the row with key 14, as in leads.mail of a"
        " row outside the demo",
    ]
    assert error.found == 7
    said = "\n".join([error.message, *error.problems, error.hint or ""]).lower()
    assert not [value for value in ("okafor", "brandt", "8765", "2020", "post.at") if value in said]


@engines("sqlite")
def test_what_is_shared_by_right_is_allowed(live, tmp_path):
    live.insert("users", (11, "Jo", "ada@okafor.de", None, None, '{"m": "lead@post.at"}', True))
    digest = f"sha256:{hashlib.sha256(b'ada@okafor.de').hexdigest()}"
    rules = f'\n[people]\nallow = ["{digest}"]\nignore = ["users.profile.m"]\n'
    assert searched(demo_in(tmp_path / "a", CONFIG + rules).export(live)).values == 0
    with pytest.raises(RealPersonError):
        demo_in(tmp_path / "b", CONFIG + rules.replace("users.profile.m", "m")).export(live)
    assert demo_in(tmp_path / "c", CONFIG + '[people]\ncheck = "off"\n').export(live).people is None
    with pytest.raises(ConfigError, match="hexadecimal"):
        demo_in(tmp_path / "d", CONFIG + '[people]\nallow = ["ada@okafor.de"]\n').export(live)


@engines("sqlite")
def test_the_key_is_not_told_where_it_is_the_value(database_url, tmp_path):
    live = Live(database_url)
    live.run("CREATE TABLE users (email VARCHAR(60) PRIMARY KEY, copy TEXT, is_demo BOOLEAN)")
    live.insert("users", ("a@b.se", None, False), ("A@b.se", "see a@b.se", True))
    with pytest.raises(RealPersonError) as failure:
        demo_in(tmp_path, CONFIG).export(live)
    assert failure.value.found == 2
    assert "b.se" not in json.dumps(failure.value.problems).lower()


@engines("sqlite", "postgresql", "mariadb")
def test_of_large_tables_a_part_is_searched_and_told(live, tmp_path, monkeypatch):
    monkeypatch.setattr(people, "_MOST_REAL_ROWS", 1)
    monkeypatch.setattr(people, "_MOST_ROWS", 2)
    rows = [(n, "Jo", f"p{n}@post.dk", None, None, None, True) for n in range(11, 15)]
    live.insert("users", *rows, (15, "Jo", "ada@okafor.de", None, None, None, True))
    demo = demo_in(tmp_path, CONFIG)
    result = demo.export(live)
    assert searched(result).sampled == ("users",)
    with pytest.raises(RealPersonError):
        demo.export(live, check_people="full")


@engines("postgresql")
def test_tables_that_may_not_be_read_are_told(live, tmp_path):
    live.run(
        "CREATE ROLE guest",
        "GRANT SELECT ON users TO guest",
        "CREATE SCHEMA other CREATE TABLE people (mail text)",
        "INSERT INTO other.people VALUES ('a@b.dk')",
    )
    live.insert("users", (11, "Jo", "a@b.dk", None, None, None, True))
    with live.connection() as connection:
        connection.execute("BEGIN; SET LOCAL ROLE guest")
        result = demo_in(tmp_path, CONFIG).export(live, connection=connection)
    assert searched(result).unread == ("other.people", "leads", "members")


@engines("sqlite", "postgresql")
def test_parts_are_searched_before_they_are_written(live, tmp_path, monkeypatch):
    monkeypatch.setattr(people, "_MOST_ROWS", 1)
    live.insert("users", (11, "Jo", "a@b.dk", None, None, None, True))
    live.insert("users", (12, "Jo", "ada@okafor.de", None, None, None, True))
    demo = demo_in(tmp_path, CONFIG)
    with pytest.raises(RealPersonError):
        demo.export(live, parts=2, check_people="full")
    assert not demo.store.inventory()
    assert searched(demo.export(live, parts=2)).sampled == ("users",)


@engines("sqlite")
def test_a_delta_is_searched_as_what_it_makes(live, tmp_path):
    live.insert("users", (11, "Jo", "a@b.dk", None, None, None, True))
    live.insert("users", *((n, "Jo " * 15, None, None, None, None, True) for n in range(12, 40)))
    demo = demo_in(tmp_path, CONFIG)
    demo.export(live)
    live.insert("users", (50, "Jo", "ada@okafor.de", None, None, None, True))
    with pytest.raises(RealPersonError):
        demo.export(live, delta=True)
    delta = demo.export(live, delta=True, check_people="off")
    assert delta.delta is not None
    rules = demo.config(live).people
    [newest, _] = verify_exports(demo.store, people=rules).versions
    [file] = verify_files([delta.path], people=rules)
    for check in (newest, file):
        assert check.people is not None
        assert [found.key for found in check.people.first] == ["11", "50"]
