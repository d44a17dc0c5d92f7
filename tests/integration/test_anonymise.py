"""Values that tell a person are replaced on the way out, alike wherever they stand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from database_engines import engines
from integration.live import Demo, Live

from demo_snapshots.errors import ConfigError, UsageError
from demo_snapshots.transfer.anonymise import KEY

TABLES = (
    "CREATE TABLE users (id INTEGER PRIMARY KEY, name VARCHAR(60), email VARCHAR(24) UNIQUE,"
    " phone VARCHAR(20), is_demo BOOLEAN)",
    "CREATE TABLE posts (id INTEGER PRIMARY KEY, user_id INTEGER REFERENCES users (id),"
    " author VARCHAR(60), data {json}, is_demo BOOLEAN)",
    "CREATE TABLE logs (line VARCHAR(60), is_demo BOOLEAN)",
)
JSON = {"sqlite": "TEXT", "postgresql": "jsonb", "mariadb": "JSON"}
DATA = '{"n": 1.10, "mails": [{"to": "ada@okafor.de"}, {"to": null}], "to": "kept@post.dk"}'
CONFIG = """
[tables]
users = { marker = "is_demo" }
posts = { marker = "is_demo" }
logs = { marker = "is_demo" }

[people.anonymise]
"users.name" = "name"
"users.email" = "email"
"users.phone" = "phone"
"posts.author" = "name"
"posts.data.mails[*].to" = "email"
"""
SECRET = "a secret of the tests"


@pytest.fixture
def live(database_url: str) -> Live:
    live = Live(database_url)
    live.run(*(table.format(json=JSON[live.engine]) for table in TABLES))
    live.insert(
        "users",
        (1, "Ada Okafor", "ada@okafor.de", "030/8765 4321", True),
        (2, "Eva Brandt", "eva@brandt.fr", None, True),
        (3, "Ada Okafor", "", "", True),
        (4, "Ada Okafor", "ADA@OKAFOR.DE.", "030/8765 4321", False),
    )
    live.insert("posts", (1, 1, "Ada Okafor", DATA, True), (2, 2, None, "{}", True))
    return live


def demo_in(directory: Path, config: str = CONFIG) -> Demo:
    directory.mkdir(exist_ok=True)
    (directory / "demo.toml").write_text(config, "utf-8")
    return Demo(directory / "snapshots", directory / "demo.toml")


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The secret stands in .env beside the configuration."""
    (tmp_path / ".env").write_text(f"{KEY}='{SECRET}'\n", "utf-8")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@engines("sqlite", "postgresql", "mariadb")
def test_stand_ins_are_alike_everywhere(live, secret, new_database):
    demo = demo_in(secret)
    prove = live.engine == "sqlite"
    first = demo.export(live, prove=prove)
    text = first.path.read_text("utf-8")
    assert not re.search("okafor|brandt|8765", text, re.IGNORECASE)
    assert not demo.export(live).written, "the same rows and key give the same stand-ins"
    again = Live(new_database(live.engine))
    again.run(*(table.format(json=JSON[live.engine]) for table in TABLES))
    demo.load(again, first.path)
    users = again.rows("SELECT id, name, email, phone FROM users ORDER BY id")
    posts = again.rows("SELECT author, data FROM posts ORDER BY id")
    assert [row[0] for row in users] == [1, 2, 3]
    assert users[0][1] == users[2][1] == posts[0][0] != users[1][1]
    assert users[0][3].startswith("+1")
    assert [row[3] for row in users[1:]] == [None, ""]
    assert users[0][2] != users[1][2]
    assert users[2][2] == ""
    fits = all(len(row[2]) <= 24 for row in users)
    assert fits or live.engine == "sqlite", "which takes any length"
    stood_in = re.findall(r'"to": "([^"]+)"', str(posts[0][1]).replace("'", '"'))
    assert "kept@post.dk" in stood_in, "only the place named is replaced"
    [mail] = {*stood_in} - {"kept@post.dk"}
    assert mail.endswith((".com", ".test"))


@engines("sqlite")
def test_another_key_gives_other_stand_ins(live, secret):
    demo = demo_in(secret)
    assert demo.export(live).written
    (secret / ".env").write_text(f"{KEY}=another secret of the tests\n", "utf-8")
    assert demo.export(live).written


@engines("sqlite")
@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('"users.id" = "phone"', "is no text"),
        ('"users.nothing" = "email"', "no column nothing"),
        ('"audit.email" = "email"', "in no table whose rows are exported"),
        ('"logs.line" = "name"', "no primary key"),
        ('"users.email" = "telegram"', "expected one of"),
        ('"users.email" = "phone"', "too few phone numbers"),
    ],
)
def test_what_cannot_be_replaced(live, secret, line, message):
    with pytest.raises(ConfigError, match=message):
        demo_in(secret, CONFIG.partition("[people.")[0] + f"[people.anonymise]\n{line}\n").export(
            live
        )


@engines("sqlite")
def test_a_key_and_what_a_rule_reads_stay_as_they_are(database_url, secret):
    live = Live(database_url)
    live.run(
        "CREATE TABLE a (email TEXT PRIMARY KEY, kind TEXT, kinds TEXT)",
        "CREATE TABLE b (id INTEGER PRIMARY KEY, mail TEXT REFERENCES a (email))",
    )
    live.insert("a", ("a@post.dk", "demo", "x"))
    tables = '[tables]\na = { where = "kind = \'demo\'" }\nb = { follows = "mail" }\n'
    for place in ("a.email", "b.mail", "a.kind"):
        demo = demo_in(secret, f'{tables}[people.anonymise]\n"{place}" = "name"\n')
        with pytest.raises(ConfigError, match=rf"{place} cannot be replaced: it"):
            demo.export(live)
    allowed = f'{tables}[people.anonymise]\n"a.kinds" = "name"\n'
    assert demo_in(secret, allowed).export(live).written


@engines("sqlite")
def test_without_a_key_nothing_is_exported(live, tmp_path):
    with pytest.raises(ConfigError, match="there is no key") as failure:
        demo_in(tmp_path).export(live)
    assert KEY in (failure.value.hint or "")


@engines("sqlite")
def test_parts_have_no_stand_ins_and_are_refused(live, secret):
    with pytest.raises(UsageError, match="in parts"):
        demo_in(secret).export(live, parts=2)


@engines("sqlite")
def test_a_delta_has_the_stand_ins_too(live, secret):
    live.insert("users", *((n, "Jo " * 15, None, None, True) for n in range(12, 40)))
    demo = demo_in(secret)
    demo.export(live)
    live.insert("users", (50, "Ada Okafor", "jo@okafor.de", None, True))
    delta = demo.export(live, delta=True)
    assert delta.delta is not None
    assert "kafor" not in delta.path.read_text("utf-8")
