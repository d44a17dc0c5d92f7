"""A snapshot of ten migrations ago, brought to the tables of today by the project's own
migrations: a real Alembic project and a real Django project."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.command import upgrade
from alembic.config import Config
from database_engines import engines
from integration.live import NOW, Live

from demo_snapshots.config.settings import load_config
from demo_snapshots.errors import UpgradeError
from demo_snapshots.project import Project

ALEMBIC = (sys.executable, "-m", "alembic")
DJANGO = (sys.executable, "manage.py")
ENVIRONMENT = """
import os
from alembic import context
from sqlalchemy import create_engine, pool

url = {url}
for name, driver in (("postgresql", "psycopg"), ("mariadb", "pymysql")):
    url = url.replace(f"{{name}}:", f"{{name}}+{{driver}}:")
with create_engine(url, poolclass=pool.NullPool).begin() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
REVISION = """
from alembic import op
revision = "r{number:02}"
down_revision = {before!r}


def upgrade():
    for statement in {statements!r}:
        op.execute(statement)
"""
REVISIONS = (
    (
        "CREATE TABLE people (id INTEGER PRIMARY KEY, name VARCHAR(40) NOT NULL, is_demo INTEGER)",
        "CREATE TABLE notes (id INTEGER PRIMARY KEY, person_id INTEGER NOT NULL, body VARCHAR(40),"
        " FOREIGN KEY (person_id) REFERENCES people (id))",
    ),
    ("ALTER TABLE people RENAME TO users",),
    ("ALTER TABLE users RENAME COLUMN name TO full_name",),
    ("ALTER TABLE users ADD COLUMN first_name VARCHAR(40)",),
    ("ALTER TABLE users ADD COLUMN locale VARCHAR(5) NOT NULL DEFAULT 'en'",),
    ("UPDATE users SET first_name = substr(full_name, 1, 3)",),
    ("CREATE TABLE plans (id INTEGER PRIMARY KEY, name VARCHAR(40))",),
    ("INSERT INTO plans VALUES (1, 'free')",),
    ("ALTER TABLE users ADD COLUMN plan_id INTEGER REFERENCES plans (id)",),
    ("UPDATE users SET plan_id = 1",),
    ("ALTER TABLE notes RENAME COLUMN body TO text",),
)
BEFORE = """
[tables.{people}]
marker = "is_demo"

[tables.{notes}]
follows = "person_id"
"""
AFTER = """
[tables.{users}]
marker = "is_demo"

[tables.{notes}]
follows = "{follows}"

[references]
{plans} = "include"

[upgrade]
{tool} = {words}
"""


def project(place: Path, url: str, text: str) -> Project:
    (place / "demo.toml").write_text(text, encoding="utf-8")
    config = load_config(database=url, snapshots=place / "snapshots", directory=place)
    return Project(config, lambda: NOW)


def run(place: Path, url: str, *words: str) -> None:
    subprocess.run(words, cwd=place, env={**os.environ, "DATABASE_URL": url}, check=True)


def alembic_project(place: Path) -> None:
    (place / "versions").mkdir()
    (place / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s\n", "utf-8")
    (place / "env.py").write_text(ENVIRONMENT.format(url="os.environ['DATABASE_URL']"), "utf-8")
    before = None
    for number, statements in enumerate(REVISIONS, 1):
        text = REVISION.format(number=number, before=before, statements=statements)
        (place / "versions" / f"r{number:02}.py").write_text(text, "utf-8")
        before = f"r{number:02}"


def upgraded(now: Project, live: Live, people: str) -> None:
    """Upgrade, and see that nothing but a new version came of it, which fits and goes in."""
    found = now.validate(schema_only=True)
    assert found.upgrade_due
    assert "of an earlier migration; an upgrade is due" in found.problems[-1]
    before, databases = live.dump(), names_of_databases(live)
    done = now.upgrade("general")
    assert (done.written, done.version.number) == (True, 2)
    assert (live.dump(), names_of_databases(live)) == (before, databases)
    assert now.validate(schema_only=True).valid
    live.run(f"UPDATE {people} SET first_name = 'Eve' WHERE id = 2")
    assert now.import_("general").changed == 1
    assert live.dump() == before


def names_of_databases(live: Live) -> list[str]:
    query = {
        "postgresql": "SELECT datname FROM pg_database WHERE datname LIKE 'demo_proof%'",
        "mariadb": "SELECT schema_name FROM information_schema.schemata"
        " WHERE schema_name LIKE 'demo_proof%'",
    }.get(live.engine)
    return [row[0] for row in live.rows(query)] if query else []


@pytest.mark.slow
@engines("sqlite", "postgresql", "mariadb")
def test_by_alembic(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    live = Live(database_url)
    alembic_project(tmp_path)
    monkeypatch.setenv("DATABASE_URL", database_url)
    alembic = Config(tmp_path / "alembic.ini")
    upgrade(alembic, "r01")
    live.run(
        "INSERT INTO people VALUES (1, 'Real', 0), (2, 'Adaline', 1), (3, 'Bo', 1)",
        "INSERT INTO notes VALUES (1, 1, 'real'), (2, 2, 'demo'), (3, 3, NULL)",
    )
    saved = project(tmp_path, database_url, BEFORE.format(people="people", notes="notes"))
    saved.export("general")
    upgrade(alembic, "heads")
    names = {"users": "users", "notes": "notes", "follows": "person_id", "plans": "plans"}
    text = AFTER.format(**names, tool="alembic", words=list(ALEMBIC))
    now = project(tmp_path, database_url, text)
    upgraded(now, live, "users")
    before = live.dump()
    # Whoever looks at a database that is not there and finds nothing wrong looked at another one.
    for program, message in (
        ("pass", "does not go to the database that DATABASE_URL names"),
        ("raise SystemExit(3)", "current ended with status 3"),
    ):
        words = [sys.executable, "-c", program]
        elsewhere = project(
            tmp_path, database_url, AFTER.format(**names, tool="alembic", words=words)
        )
        with pytest.raises(UpgradeError, match=message):
            elsewhere.upgrade("general", version="v1")
    assert live.dump() == before


SETTINGS = """
import os
from integration.django_site import database_settings

SECRET_KEY = "x"
INSTALLED_APPS = ["django.contrib.contenttypes", "shop"]
DATABASES = {"default": database_settings(os.environ["DATABASE_URL"])}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
"""
MANAGE = """
import os, sys
from django.core.management import execute_from_command_line
os.environ["DJANGO_SETTINGS_MODULE"] = "settings"
execute_from_command_line(sys.argv)
"""
MIGRATION = """
from django.db import migrations, models


def fill(apps, schema_editor):
    for user in apps.get_model("shop", "User").objects.all():
        user.first_name = user.full_name[:3]
        user.save()


class Migration(migrations.Migration):
    dependencies = {before}
    operations = [{operation}]
"""
KEY = '("id", models.BigAutoField(primary_key=True))'
OPERATIONS = (
    f'migrations.CreateModel("Person", [{KEY}, ("name", models.CharField(max_length=40)),'
    ' ("is_demo", models.BooleanField(default=False))]),'
    f' migrations.CreateModel("Note", [{KEY}, ("body", models.TextField(null=True)),'
    ' ("person", models.ForeignKey("shop.person", models.CASCADE))])',
    'migrations.RenameModel("Person", "User")',
    'migrations.RenameField("user", "name", "full_name")',
    'migrations.AddField("user", "first_name", models.CharField(max_length=40, default=""))',
    "migrations.RunPython(fill)",
    'migrations.AddField("user", "locale", models.CharField(max_length=5, default="en"))',
    f'migrations.CreateModel("Plan", [{KEY}])',
    'migrations.RunSQL("INSERT INTO shop_plan (id) VALUES (1)")',
    'migrations.AddField("user", "plan", models.ForeignKey("shop.plan", models.CASCADE,'
    " null=True))",
    'migrations.RunSQL("UPDATE shop_user SET plan_id = 1")',
    'migrations.RenameField("note", "person", "user")',
)


@pytest.mark.slow
@engines("sqlite", "postgresql")
def test_by_django(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[1]))
    place = tmp_path / "shop" / "migrations"
    place.mkdir(parents=True)
    for package in (place.parent, place):
        (package / "__init__.py").write_text("", "utf-8")
    (tmp_path / "settings.py").write_text(SETTINGS, "utf-8")
    (tmp_path / "manage.py").write_text(MANAGE, "utf-8")
    before = "[]"
    for number, operation in enumerate(OPERATIONS, 1):
        text = MIGRATION.format(before=before, operation=operation)
        (place / f"{number:04}_step.py").write_text(text, "utf-8")
        before = f'[("shop", "{number:04}_step")]'
    live = Live(database_url)
    run(tmp_path, database_url, *DJANGO, "migrate", "-v0", "shop", "0001")
    live.run(
        "INSERT INTO shop_person (id, name, is_demo) VALUES (1, 'Real', FALSE),"
        " (2, 'Adaline', TRUE), (3, 'Bo', TRUE)",
        "INSERT INTO shop_note (id, body, person_id) VALUES (1, 'real', 1), (2, 'demo', 2)",
    )
    names = {"people": "shop_person", "notes": "shop_note"}
    project(tmp_path, database_url, BEFORE.format(**names)).export("general")
    run(tmp_path, database_url, *DJANGO, "migrate", "-v0")
    names = {"users": "shop_user", "notes": "shop_note", "follows": "user_id", "plans": "shop_plan"}
    text = AFTER.format(**names, tool="django", words=list(DJANGO))
    upgraded(project(tmp_path, database_url, text), live, "shop_user")


DRIFT = """
[tables.users]
marker = "is_demo"

[[drift]]
rename-tables = { people = "users" }
rename-columns = { "users.name" = "full_name" }
defaults = { "users.locale" = "en" }
"""


@pytest.mark.parametrize("kind", ["deltas", "parts"])
def test_versions_that_are_not_one_whole_file(sqlite_url: str, tmp_path: Path, kind: str) -> None:
    live = Live(sqlite_url)
    live.run(REVISIONS[0][0], "INSERT INTO people VALUES (0, 'Real', 0)")
    live.insert("people", *((number, f"n{number}", 1) for number in range(1, 900)))
    saved = project(tmp_path, sqlite_url, '[tables.people]\nmarker = "is_demo"\n')
    if kind == "parts":
        assert saved.export("general", parts=3).parts > 1
    else:
        saved.export("general")
        live.run(
            "UPDATE people SET name = 'edited' WHERE id = 7", "DELETE FROM people WHERE id = 8"
        )
        assert saved.export("general", delta=True).delta is not None
        live.run("INSERT INTO people VALUES (8, 'again', 1), (1000, 'new', 1)")
        assert saved.export("general", delta=True).delta is not None
    live.run(
        *REVISIONS[1],
        *REVISIONS[2],
        "ALTER TABLE users ADD COLUMN locale VARCHAR(5) NOT NULL DEFAULT 'en'",
    )
    now = project(tmp_path, sqlite_url, DRIFT)
    assert now.validate(schema_only=True).upgrade_due
    before = live.dump()
    done = now.upgrade("general")
    assert (done.written, live.dump()) == (True, before)
    assert now.validate(schema_only=True).valid
    live.run(
        "UPDATE users SET full_name = 'spoilt' WHERE is_demo", "DELETE FROM users WHERE id = 9"
    )
    alone = project(tmp_path, sqlite_url, '[tables.users]\nmarker = "is_demo"\n')
    alone.import_("general")
    assert live.dump() == before
    assert alone.verify().valid
