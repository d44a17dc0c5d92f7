"""Copies: a demo beside the demo, with keys and a name of its own, and away again."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from database_engines import engines
from integration.live import NOW, Live

from demo_snapshots.errors import (
    ConfigError,
    DemoError,
    EmptyScenarioError,
    ExportNotFoundError,
    KeyClashError,
    NotConfirmedError,
    RealPersonError,
    RealRowsError,
    UnfitValueError,
    UsageError,
)
from demo_snapshots.model.results import Edits, ImportPlan, ImportResult
from demo_snapshots.opening import open_project
from demo_snapshots.project import Project
from demo_snapshots.sample.engine import make_engine

ENGINES = ("sqlite", "postgresql", "mariadb")
CONFIGURATION = """
[tables.tenants]
marker = "meta.demo.on"
scenario = "meta.demo.scenario"

[tables.users]
follows = "tenant_id"

[tables.posts]
follows = "user_id"
json-references = { "seen[*].by" = "users.id" }

[tables.comments]
follows = { column = "on_id", type = "on_type", references = { Post = "posts.id", Tenant = "tenants.id" } }
"""  # noqa: E501
TYPES = {
    "sqlite": ("TEXT", "JSON", "TIMESTAMP", "CHAR(36)"),
    "postgresql": ("UUID", "JSONB", "TIMESTAMP", "UUID"),
    "mariadb": (
        "CHAR(36)",
        "JSON",
        "TIMESTAMP NOT NULL DEFAULT '2020-01-01' ON UPDATE CURRENT_TIMESTAMP",
        "CHAR(36)",
    ),
}
TABLES = (
    "CREATE TABLE tenants (id INTEGER PRIMARY KEY, slug VARCHAR(20) UNIQUE, changed {moment},"
    " meta {json})",
    "CREATE TABLE users (id {uuid} PRIMARY KEY, tenant_id INTEGER NOT NULL, email VARCHAR(60)"
    " UNIQUE, no INTEGER UNIQUE, token {token} UNIQUE,"
    " FOREIGN KEY (tenant_id) REFERENCES tenants (id))",
    "CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id {uuid} NOT NULL, title VARCHAR(20),"
    " seen {json}, FOREIGN KEY (user_id) REFERENCES users (id))",
    "CREATE TABLE comments (id INTEGER PRIMARY KEY, on_type VARCHAR(9), on_id INTEGER,"
    " body VARCHAR(20))",
    "CREATE TABLE notes (id INTEGER PRIMARY KEY, post_id INTEGER,"
    " FOREIGN KEY (post_id) REFERENCES posts (id))",
)
ADA, BOB, REAL = (f"0000000{n}-0000-4000-8000-000000000000" for n in (1, 2, 3))
MARKED = """{{"demo": {{"on": true, "scenario": "{}"}}}}"""
MOMENT = "2020-01-01 00:00:00"
SET = {
    "tenants.slug": "{copy}",
    "users.email": "{email_local}+{copy}@{email_domain}",
    "users.no": "{next}",
    "users.token": "{uuid}",
}


def fill(live: Live) -> None:
    """One demo tenant with two users, and a real one."""
    uuid, document, moment, token = TYPES[live.engine]
    tables = (t.format(uuid=uuid, json=document, moment=moment, token=token) for t in TABLES)
    live.run(
        *tables,
        f"INSERT INTO tenants VALUES (1, 'demo', '{MOMENT}', '{MARKED.format('tour')}'),"
        f" (2, 'real', '{MOMENT}', NULL)",
        f"INSERT INTO users VALUES ('{ADA}', 1, 'ada@a.example', 1, '{BOB}'),"
        f" ('{BOB}', 1, 'bob@a.example', 2, NULL), ('{REAL}', 2, NULL, 7, NULL)",
        f"""INSERT INTO posts VALUES (1, '{ADA}', 'a', '[{{"by": "{BOB}"}}]'),"""
        f" (2, '{BOB}', 'b', NULL), (12, '{REAL}', 'real', NULL)",
        "INSERT INTO comments VALUES (1, 'Post', 2, 'x'), (2, 'Tenant', 1, 'y'),"
        " (3, 'Post', 12, 'real')",
    )


@pytest.fixture
def live(database_url: str) -> Live:
    live = Live(database_url)
    fill(live)
    return live


@pytest.fixture
def project(live: Live, tmp_path: Path) -> Project:
    """With a saved version of ``tour``."""
    project = opened(live, tmp_path, CONFIGURATION)
    project.export("tour")
    return project


def opened(live: Live, place: Path, configuration: str) -> Project:
    (place / "demo.toml").write_text(configuration, "utf-8")
    moments = (NOW + timedelta(seconds=n) for n in range(1000))

    def clock() -> datetime:
        return next(moments)

    return open_project(
        place, database=live.url, snapshots=place / "snapshots", environment={}, clock=clock
    )


def story(live: Live, slug: str) -> list[tuple[Any, ...]]:
    """All that belongs to a tenant, keys replaced by what they lead to."""
    ids = {str(id_): email for id_, email in live.rows("SELECT id, email FROM users")}
    found: list[tuple[Any, ...]] = live.rows(
        "SELECT u.email, p.title FROM tenants t JOIN users u ON u.tenant_id = t.id"
        f" JOIN posts p ON p.user_id = u.id WHERE t.slug = '{slug}' ORDER BY 1"
    )
    found += live.rows(
        "SELECT p.title, c.body, u.email FROM comments c JOIN posts p ON c.on_type = 'Post'"
        " AND c.on_id = p.id JOIN users u ON u.id = p.user_id"
        f" JOIN tenants t ON t.id = u.tenant_id WHERE t.slug = '{slug}'"
    )
    found += live.rows(
        "SELECT t.slug, c.body FROM comments c JOIN tenants t ON c.on_type = 'Tenant'"
        f" AND c.on_id = t.id WHERE t.slug = '{slug}'"
    )
    for title, seen in live.rows(
        "SELECT p.title, p.seen FROM posts p JOIN users u ON u.id = p.user_id"
        f" JOIN tenants t ON t.id = u.tenant_id WHERE t.slug = '{slug}' AND p.seen IS NOT NULL"
    ):
        told = str(seen)
        [email] = [email for id_, email in ids.items() if id_ in told]
        found.append((title, email))
    return found


def wanted(copy: str) -> list[tuple[Any, ...]]:
    ada, bob = f"ada+{copy}@a.example", f"bob+{copy}@a.example"
    return [(ada, "a"), (bob, "b"), ("b", "x", bob), (copy, "y"), ("a", bob)]


@engines(*ENGINES)
def test_a_copy_is_a_demo_of_its_own(live, project):
    before, saved = live.dump(), project.export("tour")
    assert not saved.written
    first = project.import_("tour", copy="acme", templates=SET)
    assert (first.total, first.changed, first.replaced.total, first.copy) == (7, 7, 0, "acme")
    project.import_("tour", copy="beta", templates=SET)
    assert [(c.name, c.statistics.total, str(c.version)) for c in project.copies()] == [
        ("acme", 7, str(saved.version)),
        ("beta", 7, str(saved.version)),
    ]
    assert story(live, "acme") == wanted("acme")
    assert story(live, "beta") == wanted("beta")
    assert live.rows("SELECT DISTINCT changed FROM tenants")[0][0] in (
        MOMENT, datetime.fromisoformat(MOMENT),
    )  # fmt: skip
    assert project.validate("tour", copy="acme", templates=SET).problems == ()

    # Neither the original nor the other copy is seen or touched by what happens to one.
    both = live.dump()
    live.run(
        "UPDATE posts SET title = 'edited' WHERE id = 21",
        "DELETE FROM comments WHERE id = 11",
        "INSERT INTO comments VALUES (77, 'Post', 22, 'new')",
        "INSERT INTO notes VALUES (1, 21)",
    )
    assert not project.export("tour").written
    assert project.import_("tour").changed == 0
    assert project.validate("tour").valid
    assert project.validate("tour", copy="beta", templates=SET).valid
    found = project.validate("tour", copy="acme", templates=SET).problems
    assert found == (
        "posts: 1 changed",
        "comments: 1 missing, 1 more than in the snapshot",
    )
    # A real row that came to reference a row of the copy keeps it: the row keeps its key.
    again = project.import_("tour", copy="acme", templates=SET)
    assert (again.changed, again.replaced.total) == (3, 7)
    assert {**live.dump(), "notes": []} == both

    with pytest.raises(RealRowsError, match="notes"):
        project.remove("tour", copy="acme", dry_run=True)
    with pytest.raises(RealRowsError, match=r"demo rows that are to be removed: id 1"):
        project.remove("tour", copy="acme")
    live.run("DELETE FROM notes")
    for copy in ("acme", "beta"):
        removed = project.remove("tour", copy=copy)
        assert (removed.removed.total, removed.copy, removed.dry_run) == (7, copy, False)
    assert live.dump() == before
    assert project.copies() == ()
    project.undo()
    project.undo(project.list_undo()[1].number)
    assert live.dump() == both


@engines(*ENGINES)
def test_the_dates_of_a_fresh_copy_count_as_they_were(live, tmp_path):
    evergreen = CONFIGURATION.replace(
        "\n[tables.users]", 'evergreen = ["changed"]\n\n[tables.users]'
    )
    project = opened(live, tmp_path, evergreen)
    live.run("UPDATE tenants SET changed = '2025-01-19'")
    project.export("tour")
    moved = project.import_("tour", copy="acme", templates=SET, as_of=NOW + timedelta(weeks=40))
    assert moved.dates_later == timedelta(weeks=40)
    found = project.validate("tour", copy="acme", templates=SET)
    assert found.valid
    assert "40 weeks later" in found.notes[0]
    asked: list[ImportPlan] = []

    def again(weeks: int, **options: Any) -> ImportResult:
        def confirm(plan: ImportPlan) -> bool:
            asked.append(plan)
            return True

        options = {"confirm": confirm, "templates": SET, **options}
        moment = NOW + timedelta(weeks=weeks)
        return project.import_("tour", copy="acme", as_of=moment, **options)

    assert again(41, dry_run=True).edited == Edits(0, 0, 0)
    moved = again(41)
    assert moved.edited == Edits(0, 0, 0)
    assert moved.changed == 1
    assert not asked, "nothing but dates that move on"
    live.run("UPDATE posts SET title = 'edited' WHERE id = 21")
    found = project.validate("tour", copy="acme", templates=SET)
    assert found.problems == ("posts: 1 changed",)
    ignoring = opened(live, tmp_path, f'{evergreen}\n[compare]\nignore = ["posts.title"]\n')
    assert ignoring.validate("tour", copy="acme", templates=SET).valid
    tried = again(42, dry_run=True)
    assert (tried.edited, tried.changed) == (Edits(1, 0, 0), 2)
    assert again(42).edited == Edits(1, 0, 0)
    assert asked[0].edited == Edits(1, 0, 0)


@engines(*ENGINES)
def test_every_unique_value_in_common_is_named_before_anything_changes(live, project):
    before = live.dump()
    with pytest.raises(KeyClashError) as caught:
        project.import_("tour", copy="acme", templates={"tenants.slug": "x"})
    assert live.dump() == before
    assert [problem.partition(":")[0] for problem in caught.value.problems] == [
        "users.email", "users.no", "users.token",
    ]  # fmt: skip
    assert "'users.email': '{email_local}+{copy}@{email_domain}'" in (caught.value.hint or "")
    assert "'users.no': '{next}', 'users.token': '{uuid}'" in (caught.value.hint or "")
    with pytest.raises(KeyClashError, match="1 unique value") as caught:
        project.import_("tour", copy="acme", templates={**SET, "users.email": "all@a.example"})
    assert caught.value.problems == ("users.email: 2 of the copy's rows have what another row has",)


@engines("sqlite")
def test_what_cannot_be_a_copy_is_told_and_changes_nothing(live, project, tmp_path):
    before = live.dump()

    def refused(error: type[DemoError], words: str, **options: Any) -> None:
        options.setdefault("copy", "acme")
        with pytest.raises(error, match=words):
            project.import_("tour", **{"templates": SET, **options})
        assert live.dump() == before

    for name in ("Acme", "", "a b", "a@b", "-a", "ä", "x" * 101):
        refused(UsageError, "cannot be a copy's name", copy=name)
    for other in ("new_ids", "add", "missing_only"):
        refused(UsageError, "keys of its own", **{other: True})
    refused(UsageError, "no copy is asked for", copy=None)
    refused(UsageError, r"there is no \{name\}; there are \{copy\}", templates={"a.b": "{name}"})
    refused(UsageError, "written twice", templates={"a.b": "{"})
    refused(UsageError, "expected table.column", templates={"b": "x"})
    for place, words in (
        ("users.nothing", "no such column"),
        ("nothing.slug", "no such column"),
        ("tenants.id", "is a key"),
        ("users.tenant_id", "part of a foreign key"),
        ("tenants.meta", "says which copy"),
        ("posts.seen", "only texts"),
    ):
        refused(UsageError, f"{place}: .*{words}", templates={place: "x"})
    refused(UsageError, r"\{next\} is for", templates={**SET, "users.email": "{next}"})
    for call in (project.export, project.import_, project.validate, project.remove):
        with pytest.raises(UsageError, match="is a copy, which is no scenario"):
            call("tour@acme")
    with pytest.raises(EmptyScenarioError, match="the copy 'acme' of 'tour'"):
        project.validate("tour", copy="acme")
    with pytest.raises(EmptyScenarioError, match="the copy 'acme' of 'tour'"):
        project.remove("tour", copy="acme")
    with pytest.raises(UsageError, match="a copy is one of a scenario"):
        project.validate(copy="acme")
    told = CONFIGURATION.replace('scenario = "meta.demo.scenario"\n', "")
    with pytest.raises(ConfigError, match="tenants: the rows carry no scenario"):
        opened(live, tmp_path, told).import_("tour", copy="acme")
    with pytest.raises(ConfigError, match=r"copies.set: users.email: there is no \{x\}"):
        opened(live, tmp_path, CONFIGURATION + '[copies.set]\n"users.email" = "{x}"\n')
    assert live.dump() == before


KEYED = """
[tables.plans]
marker = "is_demo"
scenario = "of"
[tables.prices]
follows = "plan"
[copies.set]
"plans.code" = "{value}/{copy}"
"""


@engines(*ENGINES)
def test_a_key_that_means_something_takes_a_template(database_url, tmp_path):
    live = Live(database_url)
    live.run(
        "CREATE TABLE plans (code VARCHAR(9) PRIMARY KEY, is_demo BOOLEAN, of VARCHAR(9))",
        "CREATE TABLE prices (plan VARCHAR(9) NOT NULL REFERENCES plans (code), year INTEGER,"
        " PRIMARY KEY (plan, year))",
        "INSERT INTO plans VALUES ('s', TRUE, 'tour'), ('m', TRUE, NULL), ('real', FALSE, NULL)",
        "INSERT INTO prices VALUES ('s', 1), ('m', 1), ('real', 1)",
    )
    project = opened(live, tmp_path, KEYED)
    project.export("tour")
    project.import_("tour", copy="a")
    assert live.rows("SELECT code FROM plans WHERE of = 'tour@a' ORDER BY 1") == [
        ("m/a",), ("s/a",),
    ]  # fmt: skip
    assert live.value("SELECT count(*) FROM prices") == 5
    # What names no scenario is the scenario's, and no copy's.
    assert project.import_("tour").changed == 0
    assert project.import_("tour", copy="a").changed == 0
    with pytest.raises(KeyClashError, match=r"plans\.code") as caught:
        opened(live, tmp_path, KEYED.partition("[copies")[0]).import_("tour", copy="b")
    assert "'plans.code': '{value}-{copy}'" in (caught.value.hint or "")
    if live.engine != "sqlite":  # which measures no texts
        with pytest.raises(UnfitValueError, match="plans"):
            project.import_("tour", copy="far-too-long")


@engines("sqlite")
def test_a_snapshot_that_outgrew_its_keys_misleads_nobody(live, project):
    project.import_("tour", copy="acme", templates=SET)
    rows = ", ".join(f"({n}, '{ADA}', 'late', NULL)" for n in range(100, 140))
    live.run(f"INSERT INTO posts VALUES {rows}")
    project.export("tour")
    assert live.value("SELECT min(id) FROM posts WHERE title = 'a' AND id > 1") == 21
    project.import_("tour", copy="acme", templates=SET)
    assert live.value("SELECT min(id) FROM posts WHERE title = 'a' AND id > 1") == 1001
    live.run("UPDATE tenants SET changed = '2021-01-01' WHERE slug = 'acme'")
    project.import_("tour", copy="acme", templates=SET)  # dates tell no row from another
    assert live.rows("SELECT id FROM tenants WHERE slug = 'acme'") == [(11,)]
    kept = live.dump()
    assert project.import_("tour", copy="acme", templates=SET).changed == 0
    live.run("UPDATE posts SET title = 'all edited' WHERE id > 1000")
    project.import_("tour", copy="acme", templates=SET)  # nothing tells the keys: fresh ones
    assert live.value("SELECT min(id) FROM posts WHERE title = 'a' AND id > 1") == 2001
    assert kept["users"] == live.dump()["users"]


@engines("sqlite")
def test_copies_are_nobody_real_and_a_question_is_asked_where_rows_go(live, project):
    project.import_("tour", copy="acme", templates={**SET, "users.email": "x{value}"})
    live.run("UPDATE posts SET title = 'ada@okafor.de' WHERE id IN (1, 21)")
    project.export("tour")  # she is in the copy too, and in no real row
    live.run("INSERT INTO comments VALUES (90, NULL, NULL, 'ada@okafor.de')")
    with pytest.raises(RealPersonError):
        project.export("tour", auto_version=True)

    asked = []
    for answer in (False, True):

        def confirm(plan: Any, answer: bool = answer) -> bool:
            asked.append((plan.copy, plan.replaces.total, plan.edited))
            return answer

        live.run("UPDATE posts SET title = 'b!' WHERE id = 22")
        if answer:
            project.import_("tour", copy="acme", templates=SET, confirm=confirm)
        else:
            with pytest.raises(NotConfirmedError):
                project.import_("tour", copy="acme", templates=SET, confirm=confirm)
    assert [(copy, rows) for copy, rows, _ in asked] == [("acme", 7)] * 2
    assert asked[0][2].changed
    project.import_("tour", copy="acme", templates=SET, confirm=lambda plan: 1 / 0)


@engines("sqlite")
def test_removing_a_scenario(live, project, tmp_path):
    other = MARKED.format("other")
    live.run(f"INSERT INTO tenants VALUES (3, 'other', NULL, '{other}')")
    live.run("""INSERT INTO tenants VALUES (4, 'each', NULL, '{"demo": {"on": true}}')""")
    project.import_("tour", copy="acme", templates=SET, keep_other_scenarios=True)
    live.run("INSERT INTO notes VALUES (5, NULL)")
    mixed = opened(live, tmp_path, f'{CONFIGURATION}[tables.notes]\nwhere = "id > 0"\n')
    untouched = mixed.remove("tour", dry_run=True)
    assert (untouched.removed.total, untouched.left) == (7, 2)
    before = live.dump()
    found = project.remove("tour", dry_run=True)
    assert (found.removed.total, found.left, found.dry_run) == (7, 1, True)
    with pytest.raises(NotConfirmedError):
        project.remove("tour", confirm=lambda plan: False)
    assert live.dump() == before
    removed = project.remove("tour")
    assert (removed.removed, removed.left) == (found.removed, 1)
    assert live.rows("SELECT slug FROM tenants ORDER BY 1") == [
        ("acme",), ("each",), ("other",), ("real",),
    ]  # fmt: skip
    entry = project.list_undo()[0]
    assert (entry.replaced_by, entry.removed, entry.copy) == ("tour", True, None)
    with pytest.raises(EmptyScenarioError, match="the scenario 'tour'"):
        project.remove("tour")
    project.undo()
    assert live.dump() == before
    project.remove("tour")
    assert project.remove("other").removed.total == 2  # the last one takes those of all along
    assert live.rows("SELECT slug FROM tenants ORDER BY 1") == [("acme",), ("real",)]

    untold = opened(live, tmp_path, CONFIGURATION.replace('scenario = "meta.demo.scenario"\n', ""))
    with pytest.raises(ExportNotFoundError):
        untold.remove("nowhere")


@engines(*ENGINES)
def test_on_a_connection_of_one_s_own(live, project):
    before = live.dump()
    engine = make_engine(live.url)
    with engine.connect() as connection:
        project.import_("tour", copy="acme", templates=SET, connection=connection)
        assert [copy.name for copy in project.copies(connection=connection)] == ["acme"]
        assert project.validate("tour", copy="acme", templates=SET, connection=connection).valid
        project.remove("tour", copy="acme", connection=connection)
        project.import_("tour", copy="acme", templates=SET, connection=connection)
        connection.rollback()
    engine.dispose()
    assert live.dump() == before
    assert project.list_undo() == ()
