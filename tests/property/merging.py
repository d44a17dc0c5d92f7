"""Three random documents, and what a merge of them should be: by dictionaries in memory, and by
nothing of what the program does it with."""

from __future__ import annotations

import copy
import io
import json
import random
from collections import Counter
from collections.abc import Callable
from contextlib import closing, contextmanager
from typing import Any

from unit.documents.documents import write

from demo_snapshots.comparison.keyed import KeyedDocument
from demo_snapshots.comparison.merged import MergedRows, Relations
from demo_snapshots.model.merging import Conflict, Side
from demo_snapshots.model.tables import Column, ForeignKey, Kind, Table
from demo_snapshots.rows.literals import cells, value_of

Row = tuple[Any, ...]
Rows = dict[Row, Row]
"""Rows by their key."""


def column(name: str, kind: Kind = Kind.TEXT, nullable: bool = True) -> Column:
    return Column(name, kind, nullable)


ID = column("id", Kind.INTEGER, False)


def reference(column: str, table: str, target: str = "id") -> ForeignKey:
    return ForeignKey(f"{column}_{table}", (column,), table, (target,))


PEOPLE = Table(
    "people",
    (ID, column("email"), column("name"), column("data", Kind.JSON)),
    ("id",),
    (("email",),),
)
TAGS = Table("tags", (column("code", nullable=False), column("label")), ("code",))
PETS = Table(
    "pets",
    (
        ID,
        column("name"),
        column("owner", Kind.INTEGER),
        column("friend", Kind.INTEGER),
        column("data", Kind.JSON),
    ),
    ("id",),
    foreign_keys=(reference("owner", "people"), reference("friend", "pets")),
)
PET_TAGS = Table(
    "pet_tags",
    (column("pet", Kind.INTEGER, False), column("tag", nullable=False), column("note")),
    ("pet", "tag"),
    foreign_keys=(reference("pet", "pets"), reference("tag", "tags", "code")),
)
LOG = Table(
    "log", (column("what"), column("pet", Kind.INTEGER)), foreign_keys=(reference("pet", "pets"),)
)
TABLES = {table.name: table for table in (PEOPLE, TAGS, PETS, PET_TAGS, LOG)}
KEYED = [table for table in TABLES.values() if table.key]
JSON_REFERENCES = {"pets": (("data.people[*].id", "people.id"),)}
RELATIONS = Relations(TABLES, {}, JSON_REFERENCES, {})


class World:
    """The rows of one side: by table and key, and the log as a multiset."""

    def __init__(self) -> None:
        self.rows: dict[str, Rows] = {table.name: {} for table in KEYED}
        self.log: Counter[Row] = Counter()

    def document(self) -> bytes:
        sections = []
        for table in TABLES.values():
            rows = self.rows[table.name].values() if table.key else self.log.elements()
            places = _places(table, table.key)
            ordered = sorted(
                rows,
                key=lambda row: (
                    tuple(row[p] if isinstance(row[p], int) else row[p].encode() for p in places)
                    if places
                    else _record(row)
                ),
            )
            sections.append((table, [b"(" + _record(row) + b")" for row in ordered]))
        return write(sections, {"source": "postgresql 18.0"})


def _places(table: Table, names: tuple[str, ...]) -> list[int]:
    there = [column.name for column in table.columns]
    return [there.index(name) for name in names]


def _record(row: Row) -> bytes:
    return b",".join(map(_literal, row))


def _literal(value: object) -> bytes:
    if value is None:
        return b"NULL"
    return str(value).encode() if isinstance(value, int) else f"'{_doubled(str(value))}'".encode()


def _doubled(text: str) -> str:
    return text.replace("'", "''")


# --- Random worlds and random edits ----------------------------------------------------------

WORDS = ("", "a", "it's", "NULL", "),\n(", "ä", "b")


def some_json(draw: random.Random, people: list[int]) -> str | None:
    kind = draw.randrange(8)
    if kind == 0:
        return None
    if kind == 1:
        return draw.choice(("[1, 2]", "[1,2]", "7", "null", '"text"', "not json", "{}"))
    value: dict[str, Any] = {}
    for name in draw.sample("abcd", draw.randrange(4)):
        value[name] = draw.choice((1, "x", None, [1, 2], True, {"e": 1}, {"e": 2, "f": "y"}, {}))
    if people and draw.random() < 0.5:
        value["people"] = [{"id": draw.choice(people), "n": draw.randrange(3)}]
    return json.dumps(value, separators=draw.choice(((",", ":"), (", ", ": "))))


def edited(draw: random.Random, world: World, steps: int) -> World:
    """The world after some random edits, its references and unique keys holding."""
    after = copy.deepcopy(world)
    for _ in range(steps):
        _edit(draw, after)
    _settle(after)
    return after


def _edit(draw: random.Random, world: World) -> None:
    if draw.random() < 0.15:
        pets = [key[0] for key in world.rows["pets"]]
        entry = (draw.choice(WORDS), draw.choice([None, *pets]))
        if world.log and draw.random() < 0.4:
            gone = draw.choice(sorted(world.log, key=repr))
            world.log[gone] -= 1
            world.log = +world.log
        else:
            world.log[entry] += 1
        return
    table = draw.choice(KEYED)
    rows = world.rows[table.name]
    kind = draw.random()
    if kind < 0.2 and rows:
        del rows[draw.choice(sorted(rows))]
    elif kind < 0.5 or not rows:
        row = _new_row(draw, world, table)
        if row is not None:
            rows.setdefault(tuple(row[p] for p in _places(table, table.key)), row)
    else:
        key = draw.choice(sorted(rows))
        new = _new_row(draw, world, table)
        loose = [n for n, c in enumerate(table.columns) if c.name not in table.key]
        if new is not None:
            place = draw.choice(loose)
            old = rows[key]
            rows[key] = (*old[:place], new[place], *old[place + 1 :])


def _new_row(draw: random.Random, world: World, table: Table) -> Row | None:
    people = [key[0] for key in world.rows["people"]]
    pets = [key[0] for key in world.rows["pets"]]
    number = draw.randrange(1, 12)
    word = draw.choice((None, *WORDS))
    match table.name:
        case "people":
            email = draw.choice((None, f"e{draw.randrange(30)}"))
            return number, email, word, some_json(draw, [])
        case "tags":
            return draw.choice("xyz"), word
        case "pets":
            owner, friend = draw.choice([None, *people]), draw.choice([None, number, *pets])
            return number, word, owner, friend, some_json(draw, people)
        case _:
            tags = sorted(world.rows["tags"])
            return (draw.choice(pets), draw.choice(tags)[0], word) if pets and tags else None


def _settle(world: World) -> None:
    """Take away what references nothing, and email addresses that are there twice."""
    emails: set[str] = set()
    for key, row in world.rows["people"].items():
        if row[1] in emails:
            world.rows["people"][key] = (row[0], None, *row[2:])
        emails |= {row[1]} - {None}
    people, pets, tags = (world.rows[name] for name in ("people", "pets", "tags"))
    for key, (number, name, owner, friend, data) in pets.items():
        owner = owner if (owner,) in people else None
        friend = friend if (friend,) in pets else None
        pets[key] = (number, name, owner, friend, data)
    for pet, tag in [*world.rows["pet_tags"]]:
        if (pet,) not in pets or (tag,) not in tags:
            del world.rows["pet_tags"][pet, tag]
    world.log = Counter(
        {entry: n for entry, n in world.log.items() if entry[1] is None or (entry[1],) in pets}
    )


# --- What the merge should be ----------------------------------------------------------------

Choose = Callable[..., Side]
ABSENT = object()


class Oracle:
    """The merge by dictionaries: ``merged``, and the ``places`` of all conflicts."""

    def __init__(self, base: World, ours: World, theirs: World, choose: Choose) -> None:
        self.choose = choose
        self.places: set[tuple[str, str, str]] = set()
        theirs = self._renewed(base, ours, theirs)
        self.merged = World()
        for table in KEYED:
            sides = [world.rows[table.name] for world in (base, ours, theirs)]
            for key in sorted({key for side in sides for key in side}):
                row = self._row(table, key, *(side.get(key) for side in sides))
                if row is not None:
                    self.merged.rows[table.name][key] = row
        for entry in {*base.log, *ours.log, *theirs.log}:
            added = ours.log[entry] + theirs.log[entry] - base.log[entry]
            if added > 0:
                self.merged.log[entry] = added

    def _renewed(self, base: World, ours: World, theirs: World) -> World:
        fresh: dict[str, dict[int, int]] = {"people": {}, "pets": {}}
        while True:
            led = _led(theirs, fresh)
            before = {name: len(keys) for name, keys in fresh.items()}
            for name, keys in fresh.items():
                led = _led(theirs, fresh)
                worlds = (base, ours, led)
                highest = max((k[0] for w in worlds for k in w.rows[name]), default=0)
                for key in sorted(led.rows[name]):
                    mine = ours.rows[name].get(key)
                    if key not in base.rows[name] and mine not in (None, led.rows[name][key]):
                        highest += 1
                        keys[key[0]] = highest
            if before == {name: len(keys) for name, keys in fresh.items()}:
                return led

    def _row(
        self, table: Table, key: Row, base: Row | None, ours: Row | None, theirs: Row | None
    ) -> Row | None:
        if theirs in (ours, base):
            return ours
        if ours == base:
            return theirs
        row = ", ".join(f"{n}={_literal(v).decode()}" for n, v in zip(table.key, key, strict=True))
        if base is None or ours is None or theirs is None:
            picked: Row | None = self._pick(table.name, row, "", base, ours, theirs)
            return picked
        found = []
        for place, col in enumerate(table.columns):
            values = base[place], ours[place], theirs[place]
            if col.kind is Kind.JSON:
                found.append(self._json_cell(table.name, row, col.name, *values))
            else:
                found.append(self._value(table.name, row, col.name, *values))
        return tuple(found)

    def _pick(self, table: str, row: str, cell: str, base: Any, ours: Any, theirs: Any) -> Any:
        self.places.add((table, row, cell))
        side = self.choose(table, row, cell, has_base=bool(cell) or base is not None)
        return {Side.OURS: ours, Side.THEIRS: theirs, Side.BASE: base}[side]

    def _value(self, table: str, row: str, cell: str, base: Any, ours: Any, theirs: Any) -> Any:
        if same(ours, theirs) or same(theirs, base):
            return ours
        if same(ours, base):
            return theirs
        if isinstance(ours, dict) and isinstance(theirs, dict):
            before = base if isinstance(base, dict) else {}
            made = {}
            for name in {*ours, *theirs}:
                values = (side.get(name, ABSENT) for side in (before, ours, theirs))
                value = self._value(table, row, f"{cell}.{name}", *values)
                if value is not ABSENT:
                    made[name] = value
            return made
        return self._pick(table, row, cell, base, ours, theirs)

    def _json_cell(self, table: str, row: str, cell: str, *values: Any) -> str | None:
        value = self._value(table, row, cell, *map(meaning, values))
        return None if value is ABSENT else value if isinstance(value, Text) else json.dumps(value)


def _led(world: World, fresh: dict[str, dict[int, int]]) -> World:
    people, pets = fresh["people"], fresh["pets"]
    led = World()
    for (number,), row in world.rows["people"].items():
        new = people.get(number, number)
        led.rows["people"][(new,)] = (new, *row[1:])
    led.rows["tags"] = dict(world.rows["tags"])
    for (number,), (_, name, owner, friend, data) in world.rows["pets"].items():
        new = pets.get(number, number)
        row = (
            new,
            name,
            people.get(owner, owner),
            pets.get(friend, friend),
            _json_led(data, people),
        )
        led.rows["pets"][(new,)] = row
    for (pet, tag), (_, _, note) in world.rows["pet_tags"].items():
        new = pets.get(pet, pet)
        led.rows["pet_tags"][new, tag] = (new, tag, note)
    for (what, pet), count in world.log.items():
        led.log[what, pets.get(pet, pet)] += count
    return led


def _json_led(text: str | None, people: dict[int, int]) -> str | None:
    value = meaning(text)
    if text is None or not isinstance(value, dict) or not isinstance(value.get("people"), list):
        return text
    compact = ": " not in text
    for item in value["people"]:
        item["id"] = people.get(item["id"], item["id"])
    led = json.dumps(value, separators=(",", ":") if compact else (", ", ": "))
    return text if json.loads(text) == value else led


def same(one: Any, other: Any) -> bool:
    """Whether two values are one: true is not 1."""
    return type(one) is type(other) and repr(_sorted(one)) == repr(_sorted(other))


def _sorted(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: _sorted(value[name]) for name in sorted(value)}
    return [_sorted(item) for item in value] if isinstance(value, list) else value


class Text(str):
    """A text that is not JSON."""


def meaning(text: Any) -> Any:
    """What JSON says: SQL's NULL is ABSENT, for JSON's own null is None."""
    if text is None:
        return ABSENT
    try:
        return json.loads(text)
    except ValueError:
        return Text(text)


def holds(world: World) -> bool:
    """Whether all references and unique keys of the world hold."""
    people, pets, tags = (world.rows[name] for name in ("people", "pets", "tags"))
    emails = [row[1] for row in people.values() if row[1] is not None]
    return (
        len(emails) == len(set(emails))
        and all(r[2] is None or (r[2],) in people for r in pets.values())
        and all(r[3] is None or (r[3],) in pets for r in pets.values())
        and all((pet,) in pets and (tag,) in tags for pet, tag in world.rows["pet_tags"])
        and all(pet is None or (pet,) in pets for _, pet in world.log)
    )


# --- The two beside one another --------------------------------------------------------------


@contextmanager
def _bytes(content: bytes):
    yield io.BytesIO(content)


def keyed(world: World) -> KeyedDocument:
    content = world.document()
    return KeyedDocument(lambda: _bytes(content))


def told(rows: Any) -> list[Row]:
    return [tuple(map(value_of, cells(record))) for batch in rows for record in batch]


def comparable(table: Table, row: Row) -> Row:
    """With JSON by what it means."""
    return tuple(
        repr(_sorted(meaning(value))) if column.kind is Kind.JSON else value
        for column, value in zip(table.columns, row, strict=True)
    )


def check(seed: int) -> tuple[int, int, bool]:
    """Merge the random case ``seed`` and hold it to the oracle: how many conflicts, how many rows
    of theirs got a fresh key, and whether all held together. AssertionError if it differs."""
    draw = random.Random(seed)
    base = edited(draw, World(), draw.randrange(30))
    ours = edited(draw, base, draw.randrange(20))
    theirs = edited(draw, base, draw.randrange(20))

    def choose(*place: str, has_base: bool) -> Side:
        sides = list(Side) if has_base else [Side.OURS, Side.THEIRS]
        return random.Random(f"{seed} {place}").choice(sides)

    seen: list[tuple[str, str, str]] = []

    def decide(conflict: Conflict) -> Side:
        seen.append(conflict.place)
        return choose(*conflict.place, has_base=bool(conflict.cell) or conflict.base is not None)

    expected = Oracle(base, ours, theirs, choose)
    with (
        closing(keyed(base)) as one,
        closing(keyed(ours)) as two,
        closing(keyed(theirs)) as three,
        closing(MergedRows(one, two, three, RELATIONS, decide)) as merged,
    ):
        assert sorted(seen) == sorted(expected.places)
        for table in KEYED:
            wanted = [
                expected.merged.rows[table.name][k]
                for k in sorted(expected.merged.rows[table.name])
            ]
            found = told(merged.rows(table.name))
            assert [comparable(table, r) for r in found] == [
                comparable(table, r) for r in wanted
            ], table.name
        assert Counter(told(merged.rows("log"))) == expected.merged.log
        problems = merged.problems()
        assert (not problems) == holds(expected.merged), problems
        renewed = sum(table.renewed for table in merged.tables)
    return len(seen), renewed, not problems
