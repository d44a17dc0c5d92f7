"""Foreign keys that only the configuration knows: they do all that declared ones do."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import NOW, Demo, Live, edited

from demo_snapshots.errors import (
    ConfigError,
    ExternalReferenceError,
    MergeError,
    RealRowsError,
    VerificationError,
)
from demo_snapshots.model.merging import MergeResult
from demo_snapshots.opening import open_project
from demo_snapshots.operations.merge import merge_exports
from demo_snapshots.operations.validate import validate_scenario

ALL = ("sqlite", "postgresql", "mariadb")

TABLES = (
    "CREATE TABLE tenants (id INTEGER PRIMARY KEY, slug VARCHAR(20))",
    "CREATE TABLE users (id INTEGER PRIMARY KEY, tenant_id INTEGER, email VARCHAR(40),"
    " pinned_id INTEGER)",
    "CREATE TABLE posts (id INTEGER PRIMARY KEY, tenant_id INTEGER, author_id INTEGER,"
    " parent_id INTEGER, title VARCHAR(40))",
    "CREATE TABLE videos (id INTEGER PRIMARY KEY, tenant_id INTEGER)",
    "CREATE TABLE comments (id INTEGER PRIMARY KEY, commentable_type VARCHAR(40),"
    " commentable_id INTEGER, body VARCHAR(40))",
    "CREATE TABLE invoices (id INTEGER PRIMARY KEY, user_id INTEGER, post_id INTEGER)",
    "INSERT INTO tenants VALUES (1, 'acme'), (2, 'demo')",
    "INSERT INTO users VALUES (1, 1, 'real@acme.org', NULL), (2, 2, 'a@x', 3), (3, 2, 'b@x', NULL)",
    # A cycle of rows, and of tables, for which nothing has to be put off.
    "INSERT INTO posts VALUES (1, 1, 1, NULL, 'real'), (2, 2, 2, 3, 'demo'), (3, 2, 3, 2, 'two')",
    "INSERT INTO videos VALUES (1, 1), (2, 2), (3, 1)",
    "INSERT INTO comments VALUES (1, 'App\\Models\\Post', 1, 'real'),"
    " (2, 'App\\Models\\Post', 2, 'on a post'), (3, 'App\\Models\\Video', 2, 'on a video'),"
    " (4, 'App\\Models\\Post', 3, 'on a post'), (5, NULL, NULL, 'on nothing'),"
    " (10, 'App\\Models\\Video', 3, 'real')",
    "INSERT INTO invoices VALUES (1, 1, 1)",
)
RULES = """\
[tables.tenants]
where = "slug = 'demo'"
[tables.users]
follows = { column = "tenant_id", references = "tenants.id" }
[tables.comments]
follows = "commentable_id"
[tables.posts]
follows = { column = "tenant_id", references = "tenants.id" }
[tables.videos]
follows = { column = "tenant_id", references = "tenants.id" }
[foreign-keys]
"posts.author_id" = "users.id"
"posts.parent_id" = "posts.id"
"users.pinned_id" = "posts.id"
"invoices.user_id" = "users.id"
"invoices.post_id" = "posts.id"
"""
TYPES = """\
[foreign-keys."comments.commentable_id"]
type = "commentable_type"
references = { 'App\\Models\\Post' = "posts.id", 'App\\Models\\Video' = "videos.id" }
"""
CHANGE = (
    "DELETE FROM comments WHERE id IN (2, 3)",
    "DELETE FROM posts WHERE id = 2",
    "UPDATE posts SET title = 'x' WHERE id = 3",
    "UPDATE users SET email = 'y' WHERE id = 3",
    "INSERT INTO comments VALUES (9, 'App\\Models\\Video', 2, 'a visitor''s')",
)


def demo_of(directory: Path, configuration: str = RULES + TYPES) -> Demo:
    file = directory / "demo.toml"
    file.write_text(configuration, encoding="utf-8")
    return Demo(directory / "store", file)


@pytest.fixture
def live(database_url: str) -> Live:
    live = Live(database_url)
    live.run(*TABLES)
    return live


@engines(*ALL)
def test_rows_travel_and_come_back_also_by_client(live, tmp_path):
    before, demo = live.dump(), demo_of(tmp_path)
    saved = demo.export(live, "tour", prove=True)
    records = {table.table: table.rows for table in saved.statistics.tables}
    assert records == {"tenants": 1, "users": 2, "posts": 2, "videos": 1, "comments": 3}
    assert "-- Deferred references" not in saved.path.read_text("utf-8")
    live.run(*CHANGE)
    # Two comments, a post are missing; a post and a user differ; a comment is one too many.
    assert demo.load(live, saved.path).changed == 6
    assert live.dump() == before
    assert demo.load(live, saved.path).changed == 0
    live.run(*CHANGE)
    live.by_client(saved.path)
    assert live.dump() == before
    assert validate_scenario(demo.config(live), demo.store, "tour").valid


@engines(*ALL)
def test_a_row_of_another_table_protects_what_it_references(live, tmp_path):
    demo = demo_of(tmp_path)
    path = demo.export(live, "tour").path
    live.run(
        "INSERT INTO posts VALUES (7, 2, 2, NULL, 'of a visitor')",
        "INSERT INTO invoices VALUES (2, 2, 7)",
    )
    before = live.dump()
    with pytest.raises(RealRowsError, match=r"invoices\.post_id -> posts: 1 row .* id 2"):
        demo.load(live, path)
    assert live.dump() == before
    # What comes back may be changed, though a real row references it.
    live.run("UPDATE invoices SET post_id = 2 WHERE id = 2", "UPDATE posts SET title = 'x'")
    demo.load(live, path)
    assert live.value("SELECT title FROM posts WHERE id = 2") == "demo"


@engines(*ALL)
def test_a_real_comment_protects_by_its_type(live, tmp_path):
    configuration = RULES.replace('follows = "commentable_id"', "where = \"body LIKE 'on %'\"")
    demo = demo_of(tmp_path, configuration + TYPES)
    path = demo.export(live, "tour").path
    live.run(
        "INSERT INTO videos VALUES (7, 2)",
        "INSERT INTO posts VALUES (8, 2, 2, NULL, 'of a visitor')",
        "INSERT INTO comments VALUES (9, 'App\\Models\\Post', 7, 'no row at all'),"
        " (8, 'App\\Models\\Video', 8, 'no row at all')",
    )
    demo.load(live, path)
    live.run(
        "INSERT INTO videos VALUES (7, 2)",
        "UPDATE comments SET commentable_type = 'App\\Models\\Video' WHERE id = 9",
    )
    with pytest.raises(RealRowsError, match=r"comments\.commentable_id -> videos: 1 row .* id 9"):
        demo.load(live, path)


@engines(*ALL)
def test_fresh_keys_are_carried(live, new_database, tmp_path):
    demo = demo_of(tmp_path)
    path = demo.export(live, "tour").path
    other = Live(new_database(live.engine))
    other.run(*TABLES)
    other.run(
        "UPDATE tenants SET slug = 'theirs'",
        "INSERT INTO invoices VALUES (3, 2, 2)",
    )
    demo.load(other, path, new_ids=True)
    assert other.rows(
        "SELECT t.slug, p.title, u.email, q.title, c.body FROM tenants t"
        " JOIN posts p ON p.tenant_id = t.id JOIN users u ON u.id = p.author_id"
        " JOIN posts q ON q.id = p.parent_id"
        " JOIN comments c ON c.commentable_id = p.id AND c.commentable_type LIKE '%Post'"
        " WHERE t.id > 2 ORDER BY p.id"
    ) == [
        ("demo", "demo", "a@x", "two", "on a post"),
        ("demo", "two", "b@x", "demo", "on a post"),
    ]
    assert (
        other.value(
            "SELECT count(*) FROM comments c JOIN videos v ON v.id = c.commentable_id"
            " WHERE v.id > 3 AND c.commentable_type LIKE '%Video'"
        )
        == 1
    )


@engines(*ALL)
def test_what_leads_out_is_treated_as_a_declared_reference(live, new_database, tmp_path):
    live.run("UPDATE posts SET author_id = 1 WHERE id = 2")
    with pytest.raises(ExternalReferenceError, match=r"posts\.author_id -> users\.id: 1 row"):
        demo_of(tmp_path).export(live, "tour")
    rules = (
        RULES.replace(
            '[tables.users]\nfollows = { column = "tenant_id", references = "tenants.id" }\n', ""
        )
        + TYPES
    )
    led: dict[str, object] = {}
    for mode in ('"include"', '{ by-key = ["email"] }', '"null"'):
        directory = tmp_path / str(len(led))
        directory.mkdir()
        demo = demo_of(directory, f"{rules}[references]\nusers = {mode}\n")
        path = demo.export(live, "tour", prove="null" in mode).path
        other = Live(new_database(live.engine))
        other.run(*(text for text in TABLES if text.startswith("CREATE")))
        if "by-key" in mode:
            other.run(
                "INSERT INTO users VALUES (70, 1, 'real@acme.org', NULL), (71, 1, 'b@x', NULL)"
            )
        demo.load(other, path)
        led[mode] = (
            other.rows("SELECT author_id FROM posts ORDER BY id"),
            other.value("SELECT count(*) FROM users"),
        )
    assert list(led.values()) == [
        ([(1,), (3,)], 2),
        ([(70,), (71,)], 2),
        ([(None,), (None,)], 0),
    ]


@engines(*ALL)
def test_dangling_references_are_named(live, tmp_path):
    demo = demo_of(tmp_path)
    path = demo.export(live, "tour").path
    live.run("DELETE FROM users WHERE id = 3")
    found = validate_scenario(demo.config(live), demo.store, "tour")
    assert "posts.author_id: 1 rows reference no row of users" in found.problems
    # A file without those users is refused, as nothing else would say that they are missing.
    forged = edited(path, lambda rows: rows.replace(b"(3,2,'b@x'", b"(4,2,'b@x'"))
    before = live.dump()
    with pytest.raises(VerificationError, match=r"posts\.author_id: 1 demo row references no row"):
        demo.load(live, forged)
    assert live.dump() == before


def branches(tmp_path: Path, new_database: Callable[[str], str]) -> tuple[Demo, Live, Live]:
    """Two databases after an export of one and an import into the other."""
    demo = demo_of(tmp_path)
    ours, theirs = Live(new_database("sqlite")), Live(new_database("sqlite"))
    ours.run(*TABLES)
    theirs.run(*(text for text in TABLES if text.startswith("CREATE")))
    demo.load(theirs, demo.export(ours, "tour").path)
    return demo, ours, theirs


def merge(demo: Demo, ours: Live, theirs: Live) -> MergeResult:
    for live in (ours, theirs):
        demo.export(live, "tour")
    return merge_exports(demo.config(ours), demo.store, "tour", "v2", "v3", base="v1", now=NOW)


def test_two_branches_are_merged_along_them(new_database, tmp_path):
    demo, ours, theirs = branches(tmp_path, new_database)
    for live, words in ((ours, "ours"), (theirs, "theirs")):
        live.run(
            f"INSERT INTO posts VALUES (4, 2, 2, 2, '{words}')",
            f"INSERT INTO comments VALUES (6, 'App\\Models\\Post', 4, '{words}'),"
            f" (7, 'App\\Models\\Video', 4, '{words}')",
            "INSERT INTO videos VALUES (4, 2)",
        )
    merged = merge(demo, ours, theirs)
    assert merged.path is not None
    demo.load(ours, merged.path)
    assert ours.rows(
        "SELECT p.title, c.body FROM posts p JOIN comments c ON c.commentable_id = p.id"
        " AND c.commentable_type LIKE '%Post' WHERE p.id > 3 ORDER BY 1"
    ) == [("ours", "ours"), ("theirs", "theirs")]
    videos = "SELECT id FROM comments WHERE commentable_type LIKE '%Video' AND commentable_id = 4"
    assert len(ours.rows(videos)) == 2


def test_a_merge_notices_what_would_dangle(new_database, tmp_path):
    demo, ours, theirs = branches(tmp_path, new_database)
    ours.run("INSERT INTO comments VALUES (6, 'App\\Models\\Post', 3, 'ours')")
    theirs.run(
        "DELETE FROM comments WHERE id = 4",
        "UPDATE posts SET parent_id = NULL",
        "UPDATE users SET pinned_id = NULL",
        "DELETE FROM posts WHERE id = 3",
    )
    with pytest.raises(MergeError) as caught:
        merge(demo, ours, theirs)
    assert caught.value.problems == (
        "comments.commentable_id -> posts: id=6 would reference a row that the other side deleted",
    )


GOOD = 'follows = { column = "tenant_id", references = "tenants.id" }'
BAD = {
    'follows = { column = "tenant_id", references = "tenants.nr" }': (
        "tables.users.follows: the table tenants has no column 'nr'"
    ),
    'follows = { column = "tenent_id", references = "tenants.id" }': (
        "tables.users.follows: the table users has no column 'tenent_id'"
    ),
    'follows = { column = "tenant_id", references = "tennants.id" }': (
        "tables.users.follows: there is no table tennants"
    ),
    'follows = { column = "email", references = "tenants.id" }': (
        "tables.users.follows: users.email is of the type"
    ),
    'follows = { columns = ["id", "tenant_id"], references = "tenants.id" }': (
        "tables.users.follows: 2 columns cannot reference 1"
    ),
    'follows = "tenant_id"': (
        "tables.users.follows: tenant_id is no foreign key to another table of the configuration"
    ),
}


@pytest.mark.parametrize("line", BAD)
def test_what_cannot_be_is_said_before_anything_changes(sqlite_url, tmp_path, line):
    live = Live(sqlite_url)
    live.run(*TABLES)
    demo = demo_of(tmp_path, RULES.replace(GOOD, line, 1) + TYPES)
    before = live.dump()
    with pytest.raises(ConfigError) as caught:
        demo.export(live, "tour")
    assert caught.value.message.startswith(BAD[line])
    assert live.dump() == before
    if line == 'follows = "tenant_id"':
        assert GOOD in (caught.value.hint or "")


def test_a_circle_leads_nowhere(sqlite_url, tmp_path):
    live = Live(sqlite_url)
    live.run(*TABLES)
    circle = 'follows = { column = "id", references = "comments.id" }'
    where = "where = \"slug = 'demo'\""
    with pytest.raises(
        ConfigError, match="tenants -> comments -> posts -> tenants leads nowhere"
    ) as caught:
        demo_of(tmp_path, RULES.replace(where, circle) + TYPES).export(live, "tour")
    assert "marker" in (caught.value.hint or "")


@engines(*ALL)
def test_a_type_that_nobody_lists_is_counted_and_named(live, tmp_path):
    demo = demo_of(tmp_path)
    path = demo.export(live, "tour").path
    live.run("UPDATE comments SET commentable_type = 'App\\Models\\Page' WHERE id < 3")
    before = live.dump()
    for refused in (lambda: demo.export(live, "tour"), lambda: demo.load(live, path)):
        with pytest.raises(ConfigError) as caught:
            refused()
        assert caught.value.message == (
            'foreign-keys."comments.commentable_id": comments.commentable_type holds types that'
            " are not listed: App\\Models\\Page (2 rows)"
        )
        assert "{ 'App\\Models\\Page' = \"table.id\" }" in (caught.value.hint or "")
    assert live.dump() == before


def test_comments_on_comments_are_not_followed_and_protect(sqlite_url, tmp_path):
    live = Live(sqlite_url)
    live.run(*TABLES, "INSERT INTO comments VALUES (6, 'Comment', 2, 'a reply')")
    types = TYPES.replace("references = { ", "references = { Comment = 'comments.id', ")
    demo = demo_of(tmp_path, RULES + types)
    path = demo.export(live, "tour").path
    live.run(
        "INSERT INTO comments VALUES (9, 'App\\Models\\Post', 2, 'of a visitor')",
        "UPDATE comments SET commentable_id = 9 WHERE id = 6",
    )
    with pytest.raises(RealRowsError, match=r"comments\.commentable_id -> comments: 1 row .* id 6"):
        demo.load(live, path)


def test_an_undo_puts_back_what_dangled(sqlite_url, tmp_path):
    live = Live(sqlite_url)
    live.run(*TABLES)
    demo = demo_of(tmp_path)
    demo.export(live, "tour")
    # The application let a user go whose posts stay.
    live.run("DELETE FROM users WHERE id = 3")
    before = live.dump()
    project = open_project(
        database=live.url, snapshots=demo.directory, config_file=demo.configuration
    )
    project.import_("tour")
    assert live.dump() != before
    project.undo()
    assert live.dump() == before
