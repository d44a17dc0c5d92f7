"""A small scenario, a migrated database, and a way to look at all of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, text

from demo_snapshots.sample.engine import make_engine
from demo_snapshots.sample.models import TABLES
from demo_snapshots.sample.scenario import Scenario, parse_scenario
from demo_snapshots.sample.schema import migrate_fresh

AS_OF = datetime(2025, 1, 20, 15, 30, tzinfo=UTC)

SMALL = """\
scenario: small
description: A world for tests.
counts: {todos: 7, contacts: 3, chat_messages: 5, chat_sessions: 2}
span: {days: 10, hours: [9, 17]}
vaults:
  - {slug: attic, name: Attic, description: Up there.}
projects:
  - {key: roof, name: New Roof, vault: attic, description: Tiles.}
people:
  - key: ana
    name: Ana Đurić
    role: Roofer
    company: Đurić & Sons
    email: ana@duric.example
    phone: "+1 512 555 0100"
    vault: attic
    projects: [roof]
    note: Up early.
  - {key: bo, name: Bo, role: Neighbour, email: bo@mail.example, vault: attic, note: Next door.}
words:
  corner: [north corner, south corner]
topics:
  - project: roof
    tags: [tiles]
    todos:
      - "{ana} counts tiles in the {corner}"
      - {title: "Ask {person.first} of {company}", note: "{bo} has the ladder for {project}"}
      - Sweep {{everything}} up
  - vault: attic
    todos: [Find the lamp]
chats:
  - {project: roof, title: Tiles, messages: ["Is {ana.first} here?", "Not yet. ☔"]}
"""


def small_scenario() -> Scenario:
    return parse_scenario(SMALL, "small.yaml")


def fresh(url: str) -> Engine:
    engine = make_engine(url)
    migrate_fresh(engine)
    return engine


def contents(engine: Engine) -> dict[str, list[Any]]:
    """Every row of every table."""
    with engine.connect() as connection:
        return {
            table: [
                tuple(row) for row in connection.execute(text(f"SELECT * FROM {table} ORDER BY id"))
            ]
            for table in TABLES
        }


def execute(engine: Engine, *statements: str) -> None:
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
