"""Trees in which anything may stand: members twice, in any order, what no value is.

A *shape* is a scalar as it is spelled (``str``), a list of shapes, or ``Members``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from copy import deepcopy
from random import Random
from typing import Any

Shape = Any


class Members(list[list[Any]]):
    """An object's members: each is its name as it is spelled, and a shape."""

    def of(self, name: str) -> Shape:
        """The first member of that name, None where there is none."""
        return next((shape for spelled, shape in self if spelled == json.dumps(name)), None)


class _Number(str):
    __slots__ = ()


VALUES = [
    *("null", "true", "false", "0", "-0", "1", "3", "7", "1001", "1002", "-1", "1.50", "1.0"),
    *("2147483648", "9007199254740993", "9223372036854775807", "9223372036854775808", "1e309"),
    *("1e-400", "0.30000000000000004", "1E3", "1e+21", "1.5e-7", "9" * 70, "2e0", "5e-324"),
    *('""', '"x"', '"Demo 1"', '"s3nsitive"', '"it\'s"', '"\\u0000"', '"a\\u0007\\r"', '"\\ud83d"'),
    *('"\\ud83d\\udc18"', '"🐘"', '"null"', '"007"', '"1"', '"a\\nb: #c "', '"\\u2028\\u0085"'),
    *(
        '"2025-01-15 10:00:00"',
        '"2025-02-30 10:00:00"',
        '"NaN"',
        '"{}"',
        '"{"',
        '"' + "x" * 61 + '"',
    ),
    *("[]", "{}", '[{"a": 1}]', '{"$number": "7"}', '{"$number": "1e5"}', '{"$number": 7}'),
    *('{"$number": "1);--"}', '{"$bytes": "AP8="}', '{"$bytes": "AP9="}', '{"$bytes": ""}'),
    *('{"$json": {"demo_seed": true, "scenario": "general"}}', '{"$json": [1.0, null, "\\u0000"]}'),
    *('{"$json": {"demo_seed": 1, "scenario": "other"}}', '{"$json": 1, "$number": "1"}'),
    *('{"$ref": {"table": "vaults", "column": "id", "key": {"name": "Demo 1"}}}', '{"$ref": "a"}'),
    *('{"$json": {"a": 1, "a": 2}}', '{"$evil": 1}', '"DROP TABLE visits;"', '"integer key"'),
    *('"text null"', '"v9_2025-01-15"', '"general"', '"line\\n-- Total Vaults: 9"'),
]
NAMES = [
    *('"id"', '"name"', '"vaults"', '"notes"', '"visits"', '"rows"', '"included"', '"deferred"'),
    *('"digest"', '"sql"', '"tables"', '"demo_snapshot"', '"$json"', '"$ref"', '""', '"a\\u0000b"'),
    *('"\\ud800"', '"<<"', '"other"', '"count"', '"Naïve\\n"', '"' + "n" * 300 + '"'),
]


def shape_of(text: str) -> Members:
    """JSON as a shape."""
    return _shape(json.loads(text, parse_int=_Number, parse_float=_Number))  # type: ignore[no-any-return]


def _shape(value: Any) -> Shape:
    if isinstance(value, dict):
        return Members([json.dumps(name), _shape(item)] for name, item in value.items())
    if isinstance(value, list):
        return [_shape(item) for item in value]
    return str(value) if isinstance(value, _Number) else json.dumps(value, ensure_ascii=False)


# --- Changes ---------------------------------------------------------------------------------


class _Slot:
    """A place in a shape that holds another."""

    def __init__(self, holder: Any, at: int) -> None:
        self.holder = holder
        self.at = at

    @property
    def shape(self) -> Shape:
        found = self.holder[self.at]
        return found[1] if isinstance(self.holder, Members) else found

    @shape.setter
    def shape(self, shape: Shape) -> None:
        if isinstance(self.holder, Members):
            self.holder[self.at][1] = shape
        else:
            self.holder[self.at] = shape


def slots(shape: Shape) -> Iterator[_Slot]:
    """Every place within."""
    for at in range(len(shape)) if isinstance(shape, list) else ():
        slot = _Slot(shape, at)
        yield slot
        yield from slots(slot.shape)


def change(random: Random, root: Members, pieces: list[str]) -> None:
    """One change somewhere; half of them in the rows. ``pieces`` are scalars for the form."""
    rows = root.of("rows")
    places = list(slots(rows if rows and random.random() < 0.5 else root))
    if not places:
        return
    slot, other = random.choice(places), random.choice(places)
    holder, at = slot.holder, slot.at
    match random.randrange(12):
        case 0 | 1 | 2 | 3:
            slot.shape = random.choice(VALUES + pieces)
        case 4:
            slot.shape = deepcopy(other.shape)
        case 5:
            slot.shape, other.shape = deepcopy(other.shape), deepcopy(slot.shape)
        case 6:
            del holder[at]
        case 7:
            holder.insert(random.randrange(len(holder) + 1), deepcopy(holder[at]))
        case 8:
            holder.insert(random.randrange(len(holder)), holder.pop(at))
        case 9:
            slot.shape = _nested(random, slot.shape)
        case 10 if isinstance(holder, Members):
            holder[at][0] = random.choice(NAMES + pieces)
        case _:
            into = other.shape if isinstance(other.shape, Members) else root
            into.insert(
                random.randrange(len(into) + 1), [random.choice(NAMES), deepcopy(slot.shape)]
            )


def _nested(random: Random, shape: Shape) -> Shape:
    spelled = as_json(shape)
    depth = random.choice((1, 1, 2, 60, 64, 66, 300, 3000))
    if random.random() < 0.5:
        return "[" * depth + spelled + "]" * depth
    return '{"a": ' * depth + spelled + "}" * depth


def recount(root: Members) -> None:
    """The header's counts follow the rows."""
    rows, tables, deferred = root.of("rows"), root.of("tables"), root.of("deferred")
    for table in tables if isinstance(tables, list) and isinstance(rows, Members) else ():
        name = table.of("name") if isinstance(table, Members) else None
        for spelled, shapes in rows:
            if spelled == name and isinstance(shapes, list):
                _put(table, "count", str(len(shapes)))
    if isinstance(deferred, list):
        _put(root, "deferred_count", str(len(deferred)))


def _put(members: Members, name: str, value: str) -> None:
    for member in members:
        if member[0] == json.dumps(name):
            member[1] = value


# --- Spelling --------------------------------------------------------------------------------


def as_json(shape: Shape, comma: str = ", ", colon: str = ": ") -> str:
    if isinstance(shape, str):
        return shape
    if isinstance(shape, Members):
        items = (name + colon + as_json(item, comma, colon) for name, item in shape)
        return "{" + comma.join(items) + "}"
    return "[" + comma.join(as_json(item, comma, colon) for item in shape) + "]"


def as_yaml(shape: Shape, block: int, indent: str = "") -> str:
    """In block style as deep as ``block`` says, each line break before what it begins."""
    if isinstance(shape, str) or not block or not shape:
        return " " + as_json(shape)
    deeper = indent + "  "
    if isinstance(shape, Members):
        return "".join(
            f"\n{indent}{name}:{as_yaml(item, block - 1, deeper)}" for name, item in shape
        )
    return "".join(f"\n{indent}-{as_yaml(item, block - 1, deeper)}" for item in shape)
