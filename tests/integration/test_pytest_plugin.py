"""The plugin of pytest in suites of their own: the recipes of docs/pytest.md as they stand."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

import pytest

import demo_snapshots

PAGE = Path(__file__).parents[2] / "docs" / "pytest.md"

SCHEMA = """
CREATE TABLE customers (
    id INTEGER PRIMARY KEY, name VARCHAR(80) NOT NULL, is_demo BOOLEAN NOT NULL
);
CREATE TABLE orders (
    id INTEGER PRIMARY KEY, customer_id INTEGER NOT NULL REFERENCES customers (id),
    total INTEGER NOT NULL
);
"""
SHOP = """
from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Customer(Base):
    __tablename__ = "customers"
    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]
    is_demo: Mapped[bool]


class Order(Base):
    __tablename__ = "orders"
    id: Mapped[int] = mapped_column(primary_key=True)
    customer_id: Mapped[int] = mapped_column(ForeignKey("customers.id"))
    total: Mapped[int]
"""
MODELS = """
from django.db import models


class Customer(models.Model):
    name = models.CharField(max_length=80)
    is_demo = models.BooleanField()

    class Meta:
        db_table = "customers"


class Order(models.Model):
    customer = models.ForeignKey(Customer, models.CASCADE)
    total = models.IntegerField()

    class Meta:
        db_table = "orders"
"""
DEMO_TOML = """
[tables.customers]
marker = "is_demo"

[tables.orders]
follows = "customer_id"
"""


def write_recipe(section: str, directory: Path) -> None:
    """The files of a section of the page."""
    [_, text] = PAGE.read_text("utf-8").split(f"\n## {section}\n")
    text = text.partition("\n## ")[0]
    found = re.findall(r"^```py\n# (\w+\.py)\n(.*?)^```$", text, re.M | re.S)
    assert found
    for name, source in found:
        (directory / name).write_text(source, "utf-8")


def run(directory: Path, *arguments: str, plugins: Sequence[str] = (), **environment: str) -> str:
    """What pytest says of the suite in the directory. Of the plugins that are installed it loads
    ours, and these."""
    named = [word for name in ("demo_snapshots", *plugins) for word in ("-p", name)]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", *named, "-p", "no:cacheprovider", "-q",
         "-Werror", *arguments],
        cwd=directory, text=True, capture_output=True, check=False,
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": "",
             **environment},
    )  # fmt: skip
    assert "Traceback" not in done.stdout, done.stdout
    return done.stdout + done.stderr


@pytest.fixture
def suite(tmp_path: Path) -> Path:
    """A directory with a saved version of ``tour``, for a suite of its own."""
    (tmp_path / "pytest.ini").write_text("[pytest]\n", "utf-8")
    (tmp_path / "demo.toml").write_text(DEMO_TOML, "utf-8")
    (tmp_path / "shop.py").write_text(SHOP, "utf-8")
    (tmp_path / "schema.sql").write_text(SCHEMA, "utf-8")
    with sqlite3.connect(tmp_path / "made.sqlite") as made:
        made.executescript(SCHEMA)
        made.execute("INSERT INTO customers VALUES (1, 'Ada', 1), (2, 'Grace', 1)")
        made.execute("INSERT INTO orders VALUES (1, 1, 100), (2, 2, 250)")
    demo_snapshots.open_project(
        tmp_path,
        environment={},
        database=f"sqlite:///{tmp_path / 'made.sqlite'}",
        clock=lambda: datetime(2025, 1, 15, tzinfo=UTC),
    ).export("tour", connection=made)
    made.close()
    return tmp_path


CHANGES = """
import pytest
from shop import Customer, Order


@pytest.mark.demo("tour")
def test_real_rows_may_come(session, demo_snapshot):
    session.add(Customer(name="Bob", is_demo=False))
    demo_snapshot.assert_demo_unchanged()


@pytest.mark.demo("tour")
def test_a_change_is_shown(session, demo_snapshot):
    session.get(Order, 1).total = 99
    demo_snapshot.assert_demo_unchanged(tables=["customers"])
    demo_snapshot.assert_demo_unchanged(ignore=["total"])
    demo_snapshot.assert_demo_unchanged()


@pytest.mark.demo("tour", version="v1")
def test_paying(session, demo_snapshot):
    session.get(Order, 1).total = 0
    demo_snapshot.assert_demo_matches("paid")


@pytest.mark.demo("tour")
class TestClass:
    @pytest.mark.parametrize("id", [1, pytest.param(2, marks=pytest.mark.demo("tour"))])
    def test_of_a_class(self, session, id):
        assert session.get(Order, id)


@pytest.mark.demo("tour")
def test_a_commit(session):
    session.get(Order, 1).total = 1
    session.commit()


def test_what_a_commit_leaves(session):
    assert session.get(Order, 1) is None


@pytest.fixture
def whole(demo_load, session):
    return demo_load(session, "tour")


def test_of_a_fixture_of_ones_own(whole):
    assert (whole.scenario, whole.version, whole.loaded.total) == ("tour", "v1_2025-01-15", 4)
"""

MISTAKES = """
import sqlite3

import pytest


@pytest.mark.demo("tour")
def test_no_connection():
    pass


class TestOpen:
    @pytest.fixture
    def demo_connection(self):
        connection = sqlite3.connect(":memory:")
        yield connection
        connection.close()

    @pytest.mark.demo("tuor")
    def test_scenario(self):
        pass

    @pytest.mark.demo("tour", version="v9")
    def test_version(self):
        pass

    @pytest.mark.demo("tour", versoin="v1")
    def test_marker(self):
        pass

    @pytest.mark.demo("tour")
    def test_tables(self):
        pass

    def test_no_marker(self, demo_snapshot):
        pass


class TestNone:
    @pytest.fixture(params=[None, 5])
    def demo_connection(self, request):
        return request.param

    @pytest.mark.demo("tour")
    def test_connection(self):
        pass
"""


def test_a_suite_with_sqlalchemy(suite):
    write_recipe("SQLAlchemy", suite)
    (suite / "test_changes.py").write_text(CHANGES, "utf-8")
    told = run(suite)
    assert "2 failed, 8 passed" in told
    assert re.search(r"^E +~ id=1  total: 100 → 99$", told, re.M)
    assert "pytest --demo-update" in told

    assert "9 passed" in run(suite, "--demo-update", "-k", "not shown")
    project = demo_snapshots.open_project(suite, environment={})
    with project.show("paid", tables=["orders"]) as paid:
        assert [row[-1] for orders in paid.tables() for row in orders.rows] == [0, 250]
    assert len(project.list_exports().scenarios) == 2


def test_mistakes_are_told_without_a_traceback(suite):
    (suite / "test_mistakes.py").write_text(MISTAKES, "utf-8")
    told = run(suite)
    assert "8 errors" in told
    for line in (
        "No connection for the demo rows.",
        "no snapshot of scenario 'tuor' in database/demo-snapshots",
        "scenario 'tour' has no version 'v9'",
        "The marker demo takes a scenario, and if need be a version",
        "no table customers, orders in the sqlite connection given",
        "No scenario for demo_snapshot.",
        "The connection for the demo rows is None.",
        "no connection to work on: builtins.int",
    ):
        assert line in told
    assert "demo_snapshots/" not in told
    assert "During handling" not in told


def test_a_suite_of_django_s_startproject(suite):
    (suite / "shop.py").unlink()
    subprocess.run(
        [sys.executable, "-m", "django", "startproject", "website", str(suite)], check=True
    )
    (suite / "shop").mkdir()
    (suite / "shop" / "__init__.py").touch()
    (suite / "shop" / "models.py").write_text(MODELS, "utf-8")
    with (suite / "website" / "settings.py").open("a", encoding="utf-8") as settings:
        settings.write("\nINSTALLED_APPS += ['shop']\n")
    (suite / "pytest.ini").write_text(
        "[pytest]\nDJANGO_SETTINGS_MODULE = website.settings\naddopts = --no-migrations\n", "utf-8"
    )
    write_recipe("Django", suite)
    assert "3 passed" in run(suite, plugins=["django"])


def test_a_suite_with_pytest_postgresql(suite, postgresql_url):
    write_recipe("pytest-postgresql", suite)
    server = urlsplit(postgresql_url)
    told = run(
        suite,
        f"--postgresql-host={server.hostname}",
        f"--postgresql-port={server.port}",
        "--postgresql-user=postgres",
        f"--postgresql-dbname={server.path[1:]}_shop",
        plugins=["pytest_postgresql"],
    )
    assert "1 passed" in told


def test_a_suite_of_several_workers(suite, postgresql_url):
    write_recipe("pytest-xdist", suite)
    for number in range(2):
        (suite / f"test_{number}.py").write_text(CHANGES, "utf-8")
    server = postgresql_url.replace("postgresql:", "postgresql+psycopg:")
    told = run(suite, "-n", "2", "-k", "not paying", plugins=["xdist"], TEST_SERVER=server)
    assert "2 failed, 12 passed" in told
