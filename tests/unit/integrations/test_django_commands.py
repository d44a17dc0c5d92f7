"""Management commands take what the commands take, and databases are found as Django has them."""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from argparse import ArgumentParser
from pathlib import Path

import click
import pytest

import demo_snapshots
from demo_snapshots.cli import demo
from demo_snapshots.integrations.django.management.arguments import add_argument, words
from demo_snapshots.integrations.django.management.wording import (
    OF_THE_SAMPLE,
    WORDING,
    in_management,
)
from demo_snapshots.model.words import Call, Words

DERIVED = sorted(set(demo.commands) - {*OF_THE_SAMPLE})

MORE = [
    "export general --delta",
    "export general --delta=v3 --jobs=2",
    "compare-exports --files a.sql b.sql --table=x --table=y --limit=3",
    "import general --rename-column a.b=c --rename-column a.d=-e -y",
    "import -y -- general",
    "import general --no-fresh",
    "import general --fresh --as-of=2026-11-24",
    "init --stdout",
    "verify a.sql b.sql --people",
    "convert a.sql --to=json -o b.json",
    "undo 3",
    "merge general v1 v2 --ours",
]


def examples() -> list[str]:
    shown = [
        line.split("  ")[0].split(" | ")[0].removeprefix("demo ")
        for name in DERIVED
        for line in map(str.strip, (demo.commands[name].epilog or "").splitlines())
        if line.startswith("demo ") and "--database" not in line
    ]
    return [*shown, *MORE]


def test_every_command_has_its_management_command() -> None:
    package = Path(demo_snapshots.__file__).parent / "integrations" / "django" / "management"
    found = {path.stem for path in (package / "commands").glob("demo_*.py")}
    assert found == {f"demo_{name.replace('-', '_')}" for name in DERIVED}
    for name in DERIVED:
        module = package / "commands" / f"demo_{name.replace('-', '_')}.py"
        assert f'management_command("{name}")' in module.read_text("utf-8")


def parsed(command: click.Command, arguments: list[str]) -> dict[str, object]:
    return command.make_context(command.name, arguments).params


@pytest.mark.parametrize("example", examples())
def test_what_argparse_takes_is_what_click_takes(example: str) -> None:
    name, *arguments = shlex.split(example)
    command = demo.commands[name]
    parser = ArgumentParser()
    for parameter in command.params:
        add_argument(parser, parameter)
    assert parser.format_help()
    given = vars(parser.parse_args(arguments))
    assert parsed(command, words(command.params, given)) == parsed(command, arguments)


def test_values_from_code_are_told_as_text() -> None:
    command = demo.commands["import"]
    given = dict.fromkeys((parameter.name or "" for parameter in command.params), None)
    told = words(
        command.params,
        {
            **given,
            "scenario": "general",
            "yes": True,
            "force": False,
            "file": Path("a.sql"),
            "defaults": {"a.b": 1},
            "drop_columns": "a.c",
        },
    )
    assert sorted(told[:-2]) == ["--default=a.b=1", "--drop-column=a.c", "--file=a.sql", "--yes"]
    assert told[-2:] == ["--", "general"]


def test_commands_are_worded_as_they_are_typed() -> None:
    hint = Words(Call("import_", new_ids=True), ", ", Call("migrate_fresh"), ", ", Call(keep=1))
    said = "manage.py demo_import --new-ids, demo migrate-fresh, --keep=1"
    assert WORDING.text(hint) == said
    assert in_management("`demo diff` or demo seed-enhanced. A demo is import.") == (
        "`manage.py demo_compare_exports` or demo seed-enhanced. A demo is import."
    )


PROGRAM = """
import json, sys
import pymysql
pymysql.install_as_MySQLdb()
from django.conf import settings
settings.configure(DATABASES=json.load(sys.stdin))
import demo_snapshots.integrations.django.apps, demo_snapshots.integrations.django.checks
assert not {"click", "msgspec"} & {*sys.modules}, "Django would start later"
from demo_snapshots.errors import DemoError
from demo_snapshots.integrations.django.databases import connection_of, database_url
def said(alias):
    try:
        return database_url(connection_of(alias))
    except DemoError as error:
        return error.message
print(json.dumps({alias: said(alias) for alias in (*settings.DATABASES, "none")}))
"""

POSTGRESQL = {"ENGINE": "django.db.backends.postgresql", "NAME": "app", "USER": "a b"}
MYSQL = {"ENGINE": "django.db.backends.mysql", "NAME": "app", "HOST": "db", "PORT": 3307}
DATABASES = {
    "default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "/srv/my app.sqlite3"},
    "memory": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"},
    "uri": {"ENGINE": "django.db.backends.sqlite3", "NAME": "file:memorydb?mode=memory"},
    "postgresql": {**POSTGRESQL, "PASSWORD": "p@ss/w:rd", "HOST": "db.example", "PORT": "5433"},
    "socket": {
        **POSTGRESQL,
        "HOST": "/run/postgresql",
        "OPTIONS": {
            "sslmode": "require",
            "options": "-c search_path=shop",
            "assume_role": "owner",
            "isolation_level": 4,
            "pool": True,
        },
    },
    "hosts": {**POSTGRESQL, "HOST": "a,b", "PORT": "1,2"},
    "service": {**POSTGRESQL, "NAME": "", "USER": "", "OPTIONS": {"service": "app"}},
    "mysql": {**MYSQL, "OPTIONS": {"ssl": {"ca": "/ca.pem"}, "init_command": "SET x = 1"}},
    "odd": {**MYSQL, "OPTIONS": {"ssl": True, "cursors": ["x"]}},
}
URLS = {
    "default": "sqlite:////srv/my app.sqlite3",
    "memory": "sqlite:///:memory:",
    "uri": "sqlite:///:memory:",
    "postgresql": "postgresql://a b:p%40ss%2Fw%3Ard@db.example:5433/app",
    "socket": "postgresql://a b@/app?host=%2Frun%2Fpostgresql"
    "&options=-c+search_path%3Dshop+-c+role%3Downer&sslmode=require",
    "hosts": "postgresql://a b@/app?host=a%2Cb&port=1%2C2",
    "service": "postgresql://?service=app",
    "mysql": "mysql://db:3307/app?ssl_ca=%2Fca.pem",
    "odd": "DATABASES['odd']: OPTIONS: cursors is no option that this tool can pass on",
    "none": "DATABASES has no 'none'",
}


@pytest.mark.slow
def test_databases_are_urls() -> None:
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM],
        input=json.dumps(DATABASES),
        capture_output=True,
        encoding="utf-8",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == URLS
