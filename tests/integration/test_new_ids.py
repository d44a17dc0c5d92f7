"""Snapshots side by side: fresh keys, and every link still leads where it led."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from database_engines import engines
from integration.live import Demo, Live
from integration.test_scenarios import migrated, seeded, values

from demo_snapshots.errors import KeyClashError
from demo_snapshots.operations.validate import validate_scenario

ALL = ("sqlite", "postgresql", "mariadb")

# --- Two scenarios of the sample application -------------------------------------------------

Links = Counter[tuple[Any, ...]]


def links(live: Live, scenario: str | None) -> Links:
    """Every row of a scenario, told by what it says and by what it leads to."""
    tables = values(live)
    rows = {table: {row["id"]: row for row in found} for table, found in tables.items()}
    of = {id_: (row["metadata"] or {}).get("scenario") for id_, row in rows["fragments"].items()}
    found: Links = Counter()
    for table, kept in rows.items():
        for row in kept.values():
            own = (
                of[row["fragment_id"]]
                if table == "todos"
                else (row["metadata"] or {}).get("scenario")
            )
            if own != scenario:
                continue
            told = {name: cell for name, cell in row.items() if name != "id"}
            if table == "projects":
                told["vault_id"] = rows["vaults"][row["vault_id"]]["name"]
            if table == "todos":
                told["fragment_id"] = _name(rows["fragments"][row["fragment_id"]])
            if table == "fragments":
                project = rows["projects"].get(row["project_id"])
                told["project_id"] = project and project["name"]
                told["relationships"] = [
                    {**link, "id": _name(rows["fragments"][link["id"]])}
                    for link in row["relationships"] or ()
                ]
            found[table, json.dumps(told, sort_keys=True, default=str)] += 1
    return found


def _name(fragment: dict[str, Any]) -> tuple[str, str, str]:
    return fragment["type"], fragment["title"], fragment["message"]


REAL = (
    *(
        f"INSERT INTO vaults (id, name, slug) VALUES ({number}, 'Real', 'real-{number}')"
        for number in range(1, 4)
    ),
    "INSERT INTO projects (id, name, vault_id) VALUES (2, 'Real', 2)",
    *(f"INSERT INTO fragments (id, type) VALUES ({number}, 'note')" for number in (1, 2, 90, 400)),
    "INSERT INTO todos (id, fragment_id, title) VALUES (1, 90, 'Real')",
)


@pytest.mark.slow
@engines(*ALL)
def test_two_scenarios_with_the_same_ids_beside_real_rows(database_url, tmp_path):
    demo = Demo(tmp_path / "snapshots")
    wanted, paths = {}, {}
    for scenario in ("general", "writer"):
        source = seeded(f"sqlite:///{tmp_path / scenario}.db", scenario)
        wanted[scenario], paths[scenario] = links(source, scenario), demo.export(source, scenario)
        assert source.value("SELECT min(id) FROM fragments") == 1
    target = migrated(database_url)
    target.run(*REAL)
    before, real = target.dump(), links(target, None)
    with pytest.raises(KeyClashError, match="vaults") as caught:
        demo.load(target, paths["general"].path)
    assert "new_ids=True" in (caught.value.hint or "")
    assert target.dump() == before

    demo.load(target, paths["general"].path, new_ids=True)
    for scenario in ("writer", "general"):  # and once more: replaced, not doubled
        demo.load(target, paths[scenario].path, new_ids=True, keep_other_scenarios=True)
    assert links(target, "general") == wanted["general"]
    assert links(target, "writer") == wanted["writer"]
    assert links(target, None) == real
    after = target.dump()
    assert not any(Counter(before[table]) - Counter(after[table]) for table in before)
    assert validate_scenario(demo.config(target), demo.store).problems == ()


# --- Keys of every sort ----------------------------------------------------------------------

CONFIGURATION = """
[tables.people]
marker = "is_demo"
scenario = "scenario"
json-references = { "friends[*]" = "people.id", "doc.my club, no 1.id" = "clubs.id" }

[tables.clubs]
marker = "is_demo"
scenario = "scenario"
json-references = { "head" = "people.id", "doc.near[*].ids[*]" = "clubs.id" }

[tables.members]
follows = "person_id"

[tables.duties]
follows = ["person_id", "club_id"]

[tables.rooms]
follows = "club_id"

[tables.visits]
follows = "person_id"
"""
TYPES = {
    "sqlite": ("TEXT", "JSON", "INTEGER PRIMARY KEY"),
    "postgresql": ("UUID", "JSONB", "BIGINT PRIMARY KEY GENERATED ALWAYS AS IDENTITY"),
    "mariadb": ("UUID", "JSON", "BIGINT PRIMARY KEY AUTO_INCREMENT"),
}
TABLES = (
    "CREATE TABLE people (id {uuid} PRIMARY KEY, name VARCHAR(20), boss_id {uuid}"
    " REFERENCES people (id), friends {json}, doc {json}, is_demo BOOLEAN, scenario VARCHAR(9))",
    "CREATE TABLE clubs (id {auto}, name VARCHAR(20), head {json}, doc {json}, main_id BIGINT"
    " REFERENCES clubs (id), is_demo BOOLEAN, scenario VARCHAR(9))",
    "CREATE TABLE members (person_id {uuid} NOT NULL REFERENCES people (id), club_id BIGINT"
    " NOT NULL REFERENCES clubs (id), role VARCHAR(9), PRIMARY KEY (person_id, club_id))",
    "CREATE TABLE duties (id {auto}, person_id {uuid}, club_id BIGINT, name VARCHAR(9),"
    " FOREIGN KEY (person_id, club_id) REFERENCES members (person_id, club_id))",
    "CREATE TABLE rooms (club_id BIGINT NOT NULL REFERENCES clubs (id), no SMALLINT NOT NULL,"
    " name VARCHAR(9), PRIMARY KEY (club_id, no))",
    "CREATE TABLE visits (person_id {uuid} REFERENCES people (id), note VARCHAR(9))",
)


def keys(url: str) -> Live:
    live = Live(url)
    uuid, document, auto = TYPES[live.engine]
    live.run(*(text.format(uuid=uuid, json=document, auto=auto) for text in TABLES))
    return live


def fill(live: Live, scenario: str) -> None:
    """Three people in two clubs; the same keys whatever the scenario, other names."""
    ids = [f"{number:08d}-0000-4000-8000-00000000000{number}" for number in (1, 2, 3)]
    over = "OVERRIDING SYSTEM VALUE " if live.engine == "postgresql" else ""

    def says(*texts: object) -> str:
        shown = (json.dumps(text) if isinstance(text, (dict, list)) else text for text in texts)
        return ", ".join("NULL" if text is None else f"'{text}'" for text in shown)

    tag = f"TRUE, '{scenario}'"
    near = [{"ids": ["1", 2]}, {"ids": []}, {"ids": [999, "other"]}, 3]
    club = {"my club, no 1": {"id": "2", "why": "it''s \\\\ near"}}
    friends = [ids[1], ids[2], "nobody"]
    live.run(
        f"INSERT INTO people VALUES ({says(ids[0], f'{scenario} a', None, friends, club)}, {tag}),"
        f" ({says(ids[1], f'{scenario} b', ids[0], [ids[1]], [])}, {tag}),"
        f" ({says(ids[2], f'{scenario} c', ids[1], None, None)}, {tag})",
        f"UPDATE people SET boss_id = '{ids[2]}' WHERE id = '{ids[0]}'",
        f"INSERT INTO clubs {over}VALUES"
        f" (1, {says(f'{scenario} x', json.dumps(ids[0]), {'near': near}, None)}, {tag}),"
        f" (2, {says(f'{scenario} y', 'null', {'near': 1}, '1')}, {tag})",
        f"INSERT INTO members VALUES ({says(ids[0], 1, 'head')}), ({says(ids[2], 2, None)})",
        f"INSERT INTO duties {over}VALUES (1, {says(ids[0], 1, 'keys')}),"
        f" (2, {says(ids[2], 2, 'door')})",
        "INSERT INTO rooms VALUES (1, 7, 'small'), (2, 7, 'large')",
        f"INSERT INTO visits VALUES ({says(ids[1], 'in')}), ({says(ids[1], 'in')})",
    )


def told(live: Live) -> Counter[str]:
    """Every row by names: each key replaced by the name of the row it leads to."""
    people = {str(id_): name for id_, name in live.rows("SELECT id, name FROM people")}
    clubs = dict(live.rows("SELECT id, name FROM clubs"))
    friends, near = [], []
    for name, cell, doc in live.rows("SELECT name, friends, doc FROM people"):
        cell, doc = (json.loads(x) if isinstance(x, str) else x for x in (cell, doc))
        club = clubs[int(doc["my club, no 1"]["id"])] + doc["my club, no 1"]["why"] if doc else doc
        friends.append((name, cell and [people.get(id_, id_) for id_ in cell], club))
    for name, head, doc in live.rows("SELECT name, head, doc FROM clubs"):
        if live.engine != "postgresql":
            head, doc = json.loads(head), json.loads(doc)
        steps = doc["near"] if isinstance(doc["near"], list) else []
        ids = [s["ids"] if isinstance(s, dict) else s for s in steps]
        led = [
            [(clubs.get(int(i)) if str(i).isdigit() else i, type(i)) for i in x]
            if isinstance(x, list)
            else x
            for x in ids
        ]
        near.append((name, people.get(head, head), led))
    rows = {
        "boss": "SELECT a.name, b.name FROM people a LEFT JOIN people b ON b.id = a.boss_id",
        "main": "SELECT a.name, b.name FROM clubs a LEFT JOIN clubs b ON b.id = a.main_id",
        "members": "SELECT p.name, c.name, m.role FROM members m JOIN people p"
        " ON p.id = m.person_id JOIN clubs c ON c.id = m.club_id",
        "duties": "SELECT p.name, c.name, d.name FROM duties d JOIN members m"
        " ON m.person_id = d.person_id AND m.club_id = d.club_id"
        " JOIN people p ON p.id = m.person_id JOIN clubs c ON c.id = m.club_id",
        "rooms": "SELECT c.name, r.no, r.name FROM rooms r JOIN clubs c ON c.id = r.club_id",
        "visits": "SELECT p.name, v.note FROM visits v JOIN people p ON p.id = v.person_id",
    }
    found = Counter(f"{what}: {row}" for what, sql in rows.items() for row in live.rows(sql))
    return found + Counter(map(repr, [*friends, *near]))


@pytest.fixture
def demo(tmp_path: Path) -> Demo:
    configuration = tmp_path / "demo.toml"
    configuration.write_text(CONFIGURATION, encoding="utf-8")
    return Demo(tmp_path / "snapshots", configuration)


@engines(*ALL)
def test_keys_of_every_sort_lead_where_they_led(database_url, new_database, demo):
    engine = Live(database_url).engine
    expected, paths = {}, {}
    for scenario in ("one", "two"):
        source = keys(new_database(engine))
        fill(source, scenario)
        expected[scenario] = told(source)
        assert expected[scenario].total() == 3 + 2 + 2 + 2 + 2 + 2 + 3 + 2
        paths[scenario] = demo.export(source, scenario).path
    target = keys(new_database(engine))
    fill(target, "real")
    target.run("UPDATE people SET is_demo = FALSE", "UPDATE clubs SET is_demo = FALSE")
    real = told(target)
    before = target.dump()

    demo.load(target, paths["one"], new_ids=True)
    assert told(target) == real + expected["one"]
    demo.load(target, paths["two"], new_ids=True, keep_other_scenarios=True)
    assert told(target) == real + expected["one"] + expected["two"]
    demo.load(target, paths["one"], add=True)
    assert told(target) == real + expected["one"] + expected["one"] + expected["two"]
    after = target.dump()
    assert not any(Counter(before[table]) - Counter(after[table]) for table in before)
    # Only what led nowhere before: "nobody", 999 and "other", thrice.
    assert sorted(validate_scenario(demo.config(target), demo.store).problems) == [
        "clubs.doc.near[*].ids[*]: 6 references in JSON lead to no clubs.id",
        "people.friends[*]: 3 references in JSON lead to no people.id",
    ]
    with pytest.raises(KeyClashError):
        demo.load(target, paths["one"])
    assert target.dump() == after
    target.run("INSERT INTO clubs (name) VALUES ('next')", "INSERT INTO duties (name) VALUES ('n')")


@engines("mariadb")
def test_fresh_keys_leave_moments_alone(database_url, tmp_path):
    live = Live(database_url)
    moment = "TIMESTAMP NOT NULL DEFAULT '2020-01-01' ON UPDATE CURRENT_TIMESTAMP"
    live.run(
        f"CREATE TABLE notes (id INTEGER PRIMARY KEY, refs JSON, is_demo BOOLEAN, at {moment})",
        "INSERT INTO notes VALUES (1, '[2]', TRUE, '2020-01-01'), (2, '[1]', TRUE, '2020-01-01')",
    )
    configuration = tmp_path / "demo.toml"
    configuration.write_text(
        '[tables.notes]\nmarker = "is_demo"\njson-references = { "refs[*]" = "notes.id" }\n',
        encoding="utf-8",
    )
    demo = Demo(tmp_path / "snapshots", configuration)
    demo.load(live, demo.export(live).path, new_ids=True)
    assert live.rows("SELECT id, refs, at > '2020-01-01' FROM notes ORDER BY id") == [
        (3, "[4]", 0),
        (4, "[3]", 0),
    ]


@engines(*ALL)
@pytest.mark.parametrize("key", ["code", "code, no"])
def test_keys_that_mean_something_are_refused(database_url, tmp_path, key):
    live = Live(database_url)
    live.run(
        "CREATE TABLE codes (code VARCHAR(9) NOT NULL, no INTEGER NOT NULL, is_demo BOOLEAN,"
        f" PRIMARY KEY ({key}))",
        "INSERT INTO codes VALUES ('de', 1, TRUE), ('fr', 2, FALSE)",
    )
    configuration = tmp_path / "demo.toml"
    configuration.write_text('[tables.codes]\nmarker = "is_demo"\n', encoding="utf-8")
    demo = Demo(tmp_path / "snapshots", configuration)
    path = demo.export(live).path
    before = live.dump()
    for option in ("new_ids", "add"):
        with pytest.raises(KeyClashError, match=r"codes\.code.*means something") as caught:
            demo.load(live, path, **{option: True})
        assert "new_ids=True" in (caught.value.hint or "")
        assert live.dump() == before


def test_references_in_json_of_a_table_without_a_key_are_refused(sqlite_url, tmp_path):
    live = Live(sqlite_url)
    live.run(
        "CREATE TABLE posts (id INTEGER PRIMARY KEY, is_demo BOOLEAN)",
        "CREATE TABLE seen (posts JSON, is_demo BOOLEAN)",
        "INSERT INTO posts VALUES (1, TRUE)",
        "INSERT INTO seen VALUES ('[1]', TRUE)",
    )
    configuration = tmp_path / "demo.toml"
    configuration.write_text(
        '[tables.posts]\nmarker = "is_demo"\n[tables.seen]\nmarker = "is_demo"\n'
        'json-references = { "posts[*]" = "posts.id" }\n',
        encoding="utf-8",
    )
    demo = Demo(tmp_path / "snapshots", configuration)
    path, before = demo.export(live).path, live.dump()
    with pytest.raises(KeyClashError, match=r"seen\.posts\[\*\].*without a key"):
        demo.load(live, path, new_ids=True)
    assert live.dump() == before
