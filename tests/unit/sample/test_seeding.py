from __future__ import annotations

import json
import subprocess
import sys
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from unit.sample.world import AS_OF, contents, execute, fresh

from demo_snapshots.errors import KeyClashError, RealRowsError, SchemaError
from demo_snapshots.model.snapshots import TableCount
from demo_snapshots.people.recognising import told_in
from demo_snapshots.sample.engine import make_engine
from demo_snapshots.sample.models import TABLES, ChatSession, Contact, Fragment, Project, Todo
from demo_snapshots.sample.models import Vault as VaultRow
from demo_snapshots.sample.scenario import (
    Scenario,
    load_scenario,
    parse_scenario,
    scenario_names,
)
from demo_snapshots.sample.seeding import seed

GENERAL = load_scenario("general")


def test_general_has_the_promised_rows(engine: Engine) -> None:
    statistics = seed(engine, GENERAL, seed=1, as_of=AS_OF)
    assert statistics.tables == (
        TableCount("vaults", 6),
        TableCount("projects", 8),
        TableCount("fragments", 175, (("chat_message", 50), ("contact", 25), ("todo", 100))),
        TableCount("todos", 100),
        TableCount("contacts", 25),
        TableCount("chat_sessions", 10),
    )
    rows = contents(engine)
    assert {table: len(rows[table]) for table in TABLES} == {
        count.table: count.rows for count in statistics.tables
    }


def test_the_same_arguments_make_the_same_rows(tmp_path: Path, database_url: str) -> None:
    one = fresh(f"sqlite:///{tmp_path}/one.sqlite")
    other = fresh(database_url)
    seed(one, GENERAL, seed=7, as_of=AS_OF)
    seed(other, GENERAL, seed=7, as_of=AS_OF.astimezone(timezone(timedelta(hours=5))))
    assert plain(one) == plain(other)


def plain(engine: Engine) -> list[Any]:
    """All rows as Python values, which do not depend on the engine."""
    found = []
    with Session(engine) as session:
        for model in (VaultRow, Project, Fragment, Todo, Contact, ChatSession):
            for row in session.scalars(select(model).order_by(model.id)):
                found.append({key: value for key, value in vars(row).items() if key[0] != "_"})
    return found


def test_another_seed_makes_other_rows(tmp_path: Path) -> None:
    engines = [fresh(f"sqlite:///{tmp_path}/{seed}.sqlite") for seed in (1, 2)]
    for number, engine in enumerate(engines):
        seed(engine, GENERAL, seed=number, as_of=AS_OF)
    titles = [{row[2] for row in contents(engine)["todos"]} for engine in engines]
    assert titles[0] != titles[1]


@pytest.mark.slow
def test_rows_do_not_depend_on_the_hash_seed(tmp_path: Path) -> None:
    program = (
        "import sys; from datetime import datetime\n"
        "from demo_snapshots.sample.engine import make_engine\n"
        "from demo_snapshots.sample.schema import migrate_fresh\n"
        "from demo_snapshots.sample.seeding import seed\n"
        "from demo_snapshots.sample.scenario import load_scenario\n"
        "engine = make_engine(sys.argv[1]); migrate_fresh(engine)\n"
        "seed(engine, load_scenario('developer'), seed=3, as_of=datetime(2025, 1, 20, 15))\n"
    )
    made = []
    for hash_seed in ("1", "2"):
        url = f"sqlite:///{tmp_path}/{hash_seed}.sqlite"
        environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": ":".join(sys.path)}
        subprocess.run([sys.executable, "-c", program, url], check=True, env=environment)
        made.append(contents(make_engine(url)))
    assert made[0] == made[1]


@pytest.mark.parametrize("name", scenario_names())
@pytest.mark.parametrize("number", [1, 2])
def test_everything_hangs_together(engine: Engine, name: str, number: int) -> None:
    seed(engine, load_scenario(name), seed=number, as_of=AS_OF)
    with Session(engine) as session:
        check_coherence(session, AS_OF)
        titles = session.scalars(select(Todo.title)).all()
        assert len(set(titles)) == len(titles)


def test_later_rounds_hang_together_too(engine: Engine) -> None:
    seed(engine, GENERAL, seed=5, as_of=AS_OF, scale=3)
    with Session(engine) as session:
        check_coherence(session, AS_OF)
        names = session.scalars(select(Contact.name)).all()
        assert len(set(names)) == 75
        assert "Dr. Aisha Haddad" in names


def check_coherence(session: Session, as_of: datetime) -> None:
    fragments = {row.id: row for row in session.scalars(select(Fragment))}
    projects = {row.id: row for row in session.scalars(select(Project))}
    vaults = {row.id: row.slug for row in session.scalars(select(VaultRow))}
    contacts = {row.name: row for row in session.scalars(select(Contact))}
    met = [row.title or "" for row in fragments.values() if row.type == "contact"]
    assert sorted(met) == sorted(contacts)
    for row in fragments.values():
        assert row.vault in vaults.values()
        if row.project_id is not None:
            assert row.type == "contact" or vaults[projects[row.project_id].vault_id] == row.vault
        assert "{" not in f"{row.title}{row.message}"
        check_links(row, fragments, met)
    for todo in session.scalars(select(Todo)):
        fragment = fragments[todo.fragment_id]
        assert (todo.title, todo.state) == (fragment.title, fragment.state)
        assert todo.created_at == fragment.created_at
    check_chats(session, fragments)
    end = as_of.replace(tzinfo=None)
    for model in (VaultRow, Project, Fragment, Todo, Contact, ChatSession):
        for any_row in session.scalars(select(model)):
            assert any_row.created_at <= any_row.updated_at <= end
            assert any_row.created_at.microsecond == 0


def check_links(row: Fragment, fragments: dict[int, Fragment], names: list[str]) -> None:
    links = row.relationships
    assert links is not None
    linked = [(fragments[link["id"]], link["type"]) for link in links]
    assert len({fragment.id for fragment, _ in linked}) == len(linked)
    mentioned = [fragment.title for fragment, kind in linked if kind == "mentions"]
    said = f"{row.title} {row.message}" if row.type == "todo" else row.message or ""
    if row.type != "contact":
        assert {name for name in names if name in said} <= set(mentioned)
    for fragment, kind in linked:
        assert fragment is not row
        if kind == "mentions":
            assert fragment.type == "contact"
            assert fragment.created_at <= row.created_at
        if kind == "about":
            assert (fragment.type, fragment.project_id) == ("todo", row.project_id)
        if kind == "replies_to":
            assert (fragment.type, fragment.title) == ("chat_message", row.title)
            assert fragment.created_at < row.created_at


def check_chats(session: Session, fragments: dict[int, Fragment]) -> None:
    said = [row for row in fragments.values() if row.type == "chat_message"]
    about = [link for row in said for link in row.relationships or [] if link["type"] == "about"]
    sessions = session.scalars(select(ChatSession).order_by(ChatSession.id)).all()
    assert len(about) >= len(sessions)
    told = [(chat.title, message) for chat in sessions for message in chat.messages or []]
    assert [(row.title, row.message) for row in said] == [
        (title, message["content"]) for title, message in told
    ]
    assert all(row.project_id for row in said)
    for chat in sessions:
        assert chat.messages is not None
        assert chat.message_count == len(chat.messages)
        last = datetime.fromisoformat(chat.messages[-1]["at"]).astimezone(UTC)
        assert chat.last_activity_at == last.replace(tzinfo=None)
        assert [message["role"] for message in chat.messages[:2]] == ["user", "assistant"]


def test_every_marked_row_names_its_scenario(engine: Engine) -> None:
    seed(engine, GENERAL, seed=1, as_of=AS_OF)
    with Session(engine) as session:
        models: tuple[Any, ...] = (VaultRow, Project, Fragment, Contact, ChatSession)
        for model in models:
            for row in session.scalars(select(model)):
                assert row.metadata_ is not None
                assert row.metadata_["demo_seed"] is True
                assert row.metadata_["scenario"] == "general"
                assert row.metadata_["demo_category"]


def test_times_are_mostly_working_hours_of_the_last_weeks(engine: Engine) -> None:
    seed(engine, GENERAL, seed=1, as_of=AS_OF)
    with Session(engine) as session:
        moments = session.scalars(select(Fragment.created_at)).all()
    start = AS_OF.replace(tzinfo=None) - timedelta(days=GENERAL.span.days + 1)
    assert all(moment >= start for moment in moments)
    assert sum(moment.weekday() < 5 for moment in moments) > len(moments) * 0.8
    assert sum(7 <= moment.hour < 20 for moment in moments) > len(moments) * 0.9
    assert len({moment.date() for moment in moments}) > 20


def test_invented_phone_numbers_are_nobody_s(engine: Engine) -> None:
    seed(engine, GENERAL, seed=1, as_of=AS_OF, scale=20)
    with Session(engine) as session:
        numbers = [number for number in session.scalars(select(Contact.phone)) if number]
    assert len(set(numbers)) > 30
    assert not [number for number in numbers if list(told_in(number, is_phone=True))]


def test_scale_multiplies(engine: Engine, small: Scenario) -> None:
    reports: list[tuple[str, int, int]] = []
    statistics = seed(
        engine, small, seed=1, as_of=AS_OF, scale=3, progress=lambda *report: reports.append(report)
    )
    assert [statistics.rows(table) for table in TABLES] == [1, 1, 45, 21, 9, 6]
    assert [len(rows) for rows in contents(engine).values()] == [1, 1, 45, 21, 9, 6]
    assert reports[-1] == ("fragments", 45, 45)


def test_many_batches_are_one_stream(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("demo_snapshots.sample.seeding._BATCH", 50)
    statistics = seed(engine, GENERAL, seed=1, as_of=AS_OF, scale=2)
    batched = contents(engine)
    monkeypatch.undo()
    assert seed(engine, GENERAL, seed=1, as_of=AS_OF, scale=2) == statistics
    assert contents(engine) == batched


def test_seeding_again_replaces_only_its_own_rows(database_url: str, small: Scenario) -> None:
    engine = fresh(database_url)
    execute(
        engine,
        "INSERT INTO vaults (name, slug) VALUES ('Mine', 'mine')",
        "INSERT INTO fragments (type, title) VALUES ('todo', 'Mine')",
        "INSERT INTO todos (fragment_id, title) VALUES (1, 'Mine')",
    )
    seed(engine, GENERAL, seed=1, as_of=AS_OF)
    before = contents(engine)
    seed(engine, small, seed=1, as_of=AS_OF)
    once = contents(engine)
    seed(engine, small, seed=1, as_of=AS_OF)
    assert contents(engine) == once
    seed(engine, small, seed=2, as_of=AS_OF, scale=2)
    after = contents(engine)
    for table in TABLES:
        assert after[table][: len(before[table])] == before[table]
    assert len(after["fragments"]) == len(before["fragments"]) + 30


def test_the_next_insert_gets_a_free_id(database_url: str, small: Scenario) -> None:
    engine = fresh(database_url)
    seed(engine, small, seed=1, as_of=AS_OF, scale=2)
    seed(engine, small, seed=1, as_of=AS_OF)
    with Session(engine) as session:
        vault = VaultRow(name="Mine", slug="mine")
        project = Project(name="Mine", vault_id=1)
        fragment = Fragment(type="note")
        session.add_all([vault, project, fragment, Contact(name="Me"), ChatSession(title="Hm")])
        session.flush()
        session.add(Todo(fragment_id=fragment.id, title="Mine"))
        session.commit()
        assert fragment.id > 15
        assert vault.created_at.microsecond == 0


def test_a_sequence_never_goes_backwards(postgresql_url: str, small: Scenario) -> None:
    engine = fresh(postgresql_url)
    execute(engine, "SELECT setval('vaults_id_seq', 5000)")
    seed(engine, small, seed=1, as_of=AS_OF)
    execute(engine, "INSERT INTO vaults (name, slug) VALUES ('Mine', 'mine')")
    assert contents(engine)["vaults"][-1][0] > 5000


def test_real_rows_in_the_scenarios_project_stop_it(engine: Engine, small: Scenario) -> None:
    seed(engine, small, seed=1, as_of=AS_OF)
    execute(engine, "INSERT INTO fragments (type, project_id) VALUES ('note', 1)")
    before = contents(engine)
    with pytest.raises(RealRowsError, match="fragments 16 would lose their project_id"):
        seed(engine, small, seed=2, as_of=AS_OF)
    assert contents(engine) == before


def test_a_real_project_in_the_scenarios_vault_stops_it(engine: Engine, small: Scenario) -> None:
    seed(engine, small, seed=1, as_of=AS_OF)
    execute(engine, "INSERT INTO projects (name, vault_id) VALUES ('Mine', 1)")
    with pytest.raises(RealRowsError, match="projects 2 would lose their vault_id"):
        seed(engine, small, seed=2, as_of=AS_OF)


def test_a_slug_in_use_is_named(engine: Engine, small: Scenario) -> None:
    execute(engine, "INSERT INTO vaults (name, slug) VALUES ('Mine', 'attic')")
    with pytest.raises(KeyClashError, match="attic"):
        seed(engine, small, seed=1, as_of=AS_OF)


def test_missing_tables_are_named(engine: Engine, small: Scenario) -> None:
    execute(engine, "DROP TABLE contacts")
    with pytest.raises(SchemaError, match=r"missing: contacts$"):
        seed(engine, small, seed=1, as_of=AS_OF)


def test_slots_are_filled(engine: Engine, small: Scenario) -> None:
    seed(engine, small, seed=1, as_of=AS_OF)
    rows = contents(engine)
    titles = {row[2] for row in rows["todos"]}
    assert any(title.startswith("Ana Đurić counts tiles in the ") for title in titles)
    assert "Ask Ana of Đurić & Sons" in titles
    assert "Sweep {everything} up" in titles
    assert any(title.endswith(" (2)") for title in titles)  # seven todos from four lines
    assert "Bo has the ladder for New Roof" in {row[3] for row in rows["fragments"]}
    assert json.loads(rows["chat_sessions"][0][2])[0]["content"] == "Is Ana here?"


def test_a_scenario_may_be_nearly_empty(engine: Engine) -> None:
    bare = parse_scenario(
        "scenario: bare\ndescription: One vault.\n"
        "counts: {todos: 0, contacts: 0, chat_messages: 0, chat_sessions: 0}\n"
        "vaults: [{slug: v, name: V, description: D}]\n",
        "bare.yaml",
    )
    statistics = seed(engine, bare, seed=1, as_of=datetime(2025, 1, 20), scale=2)
    assert [statistics.rows(table) for table in TABLES] == [1, 0, 0, 0, 0, 0]
