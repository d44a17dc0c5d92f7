"""Planted leaks: how many real persons in demo rows are found, and how often a row that has none is
taken for one.

``python -m benchmarks.people [--real N] [--demo N] [--presidio PYTHON]``

Faker makes a database of real rows and demo rows. Into one demo row in ten something of a real
person is planted, spelled as people spell things. The other demo rows are invented: half of their
addresses and numbers are set aside for examples, the others look like anybody's. With
``--presidio`` the same rows are given to presidio-analyzer's recognisers of patterns, in another
environment:
``python -m venv presidio; presidio/bin/pip install presidio-analyzer phonenumbers``. The model of a
language that it takes for names is not among its packages.
"""

from __future__ import annotations

import json
import sqlite3
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random
from typing import Any

import click
from faker import Faker

from demo_snapshots.config.rules import PeopleRules
from demo_snapshots.config.settings import load_config
from demo_snapshots.engines.connection import connect
from demo_snapshots.people.rows import PeopleInRows
from demo_snapshots.selection.demo_set import see
from demo_snapshots.transfer.extract import RowSource
from demo_snapshots.transfer.real_people import RealPeople

_TABLE = """
CREATE TABLE users (
    id INTEGER PRIMARY KEY, first_name TEXT, last_name TEXT, email TEXT, phone TEXT,
    date_of_birth TEXT, iban TEXT, notes TEXT, profile TEXT, is_demo BOOLEAN
)
"""
_CONFIG = '[tables.users]\nmarker = "is_demo"\n'
_PLANTED_EVERY = 10
_LOCALES = ("de_DE", "fr_FR", "it_IT")

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Figures:
    """``planted`` and ``found`` by what was planted. Of the demo rows without anything planted
    ``false_alarms`` were reported, and ``namesakes`` share first and last name with a real row."""

    planted: dict[str, int]
    found: dict[str, int]
    false_alarms: int
    namesakes: int
    demo_rows: int
    seconds: float


def _person(faker: Faker, number: int) -> Row:
    first, last = faker.first_name(), faker.last_name()
    return {
        "id": number,
        "first_name": first,
        "last_name": last,
        "email": f"{faker.user_name()}{faker.random_int(1, 9999)}@{faker.free_email_domain()}",
        "phone": faker.phone_number(),
        "date_of_birth": faker.date_of_birth().isoformat(),
        "iban": faker.iban(),
        "notes": faker.sentence(),
        "profile": json.dumps({"city": faker.city(), "job": faker.job()}),
        "is_demo": False,
    }


def _invented(faker: Faker, number: int) -> Row:
    row = _person(faker, number) | {"is_demo": True}
    if number % 2:
        row["email"] = f"{row['first_name'].lower()}{number}@example.com"
        row["phone"] = f"+1 212 555 01{number % 100:02}"
        row["iban"] = None
    return row


def _plants(random: Random, real: Row, row: Row) -> Iterator[tuple[str, Row]]:
    digits = "".join(filter(str.isdigit, real["phone"]))
    spaced = " ".join(real["iban"][at : at + 4] for at in range(0, len(real["iban"]), 4))
    yield "e-mail address", {"email": real["email"].upper()}
    yield "e-mail address in text", {"notes": f"wrote from {real['email']}, answer soon"}
    yield "e-mail address in JSON", {"profile": json.dumps({"to": [{"mail": real["email"]}]})}
    yield "phone number", {"phone": digits if random.random() < 0.5 else real["phone"]}
    yield "IBAN", {"iban": spaced}
    yield "IBAN in text", {"notes": f"paid from {spaced} today"}
    named = {name: real[name] for name in ("first_name", "last_name")}
    yield "name and birthday", named | {"date_of_birth": real["date_of_birth"]}
    yield "name alone", named


def corpus(real: int, demo: int) -> tuple[list[Row], dict[int, str]]:
    """All rows, and what was planted into which, by id. The same for the same numbers."""
    faker, random = Faker(_LOCALES), Random(1)
    Faker.seed(1)
    persons = [_person(faker, number) for number in range(1, real + 1)]
    invented = [_invented(faker, real + number) for number in range(1, demo + 1)]
    planted: dict[int, str] = {}
    for number, row in enumerate(invented[::_PLANTED_EVERY]):
        plants = list(_plants(random, random.choice(persons), row))
        what, values = plants[number % len(plants)]
        row |= values
        planted[row["id"]] = what
    return persons + invented, planted


def measure(real: int, demo: int) -> tuple[Figures, list[Row], dict[int, str]]:
    """Look for the persons as ``demo export --check-people=full`` does."""
    rows, planted = corpus(real, demo)
    with tempfile.TemporaryDirectory() as place:
        directory = Path(place)
        with closing(sqlite3.connect(directory / "shop.sqlite")) as connection, connection:
            connection.execute(_TABLE)
            marks = ", ".join(f":{name}" for name in rows[0])
            connection.executemany(f"INSERT INTO users VALUES ({marks})", rows)
        (directory / "demo.toml").write_text(_CONFIG, "utf-8")
        url = f"sqlite:///{directory}/shop.sqlite"
        config = load_config(file=directory / "demo.toml", database=url)
        begun = time.perf_counter()
        with connect(url) as database, database.reading():
            seen = see(database, config)
            [table] = seen.order.tables
            looking = PeopleInRows(table, [c.name for c in table.carried], rules=PeopleRules())
            records = (row[1:-1] for batch in RowSource(seen).rows(table) for row in batch)
            candidates = (found for record in records for found in looking.found(record))
            keys = {int(found.key or 0) for found in RealPeople(seen, None).meet(list(candidates))}
        seconds = time.perf_counter() - begun
    return _figures(rows, planted, keys, seconds), rows, planted


def _figures(rows: list[Row], planted: dict[int, str], keys: set[int], seconds: float) -> Figures:
    names = {(row["first_name"], row["last_name"]) for row in rows if not row["is_demo"]}
    invented = [row for row in rows if row["is_demo"] and row["id"] not in planted]
    return Figures(
        planted=dict(Counter(planted.values())),
        found=dict(Counter(what for key, what in planted.items() if key in keys)),
        false_alarms=sum(row["id"] in keys for row in invented),
        namesakes=sum((row["first_name"], row["last_name"]) in names for row in invented),
        demo_rows=sum(bool(row["is_demo"]) for row in rows),
        seconds=seconds,
    )


_PRESIDIO = """
import json, sys
from presidio_analyzer.predefined_recognizers import (
    EmailRecognizer, IbanRecognizer, PhoneRecognizer)
recognizers = [EmailRecognizer(), IbanRecognizer(), PhoneRecognizer()]
for line in sys.stdin:
    row = json.loads(line)
    texts = [str(v) for n, v in row.items() if n not in ("id", "is_demo") and v is not None]
    if any(r.analyze(text, r.supported_entities, None) for text in texts for r in recognizers):
        print(row["id"])
"""


def by_presidio(python: str, rows: list[Row], planted: dict[int, str]) -> Figures:
    """The same demo rows, to the recognisers of e-mail addresses, phone numbers and IBANs."""
    lines = "\n".join(json.dumps(row) for row in rows if row["is_demo"])
    begun = time.perf_counter()
    done = subprocess.run(
        [python, "-c", _PRESIDIO], input=lines, capture_output=True, encoding="utf-8", check=True
    )
    keys = {int(line) for line in done.stdout.split()}
    return _figures(rows, planted, keys, time.perf_counter() - begun)


def _show(name: str, figures: Figures) -> None:
    clean = figures.demo_rows - sum(figures.planted.values())
    click.echo(f"\n{name}: {figures.seconds:.1f} s")
    for what, count in figures.planted.items():
        click.echo(f"  {what:24} {figures.found.get(what, 0):5} of {count}")
    alarms = 1000 * figures.false_alarms / clean
    click.echo(f"  false alarms in 1,000 rows {alarms:.1f} ({figures.false_alarms} of {clean})")


@click.command()
@click.option("--real", default=20_000)
@click.option("--demo", default=2_000)
@click.option("--presidio", metavar="PYTHON", help="That of an environment with presidio-analyzer.")
@click.option("--json", "as_json", is_flag=True, help="Print the figures as JSON.")
def main(real: int, demo: int, presidio: str | None, as_json: bool) -> None:
    """Plant leaks and look for them."""
    figures, rows, planted = measure(real, demo)
    if as_json:
        click.echo(json.dumps(asdict(figures)))
        return
    _show("demo-snapshots", figures)
    click.echo(f"  rows that share both names with a real one {figures.namesakes}")
    if presidio:
        _show("presidio-analyzer", by_presidio(presidio, rows, planted))


if __name__ == "__main__":
    main()
