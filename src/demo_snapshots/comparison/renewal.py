"""Fresh keys for new rows whose key the other side gave to a row of its own.

Theirs are renewed: every reference of theirs to such a row, by a foreign key or a declared place
in JSON, is led to its fresh key. No row of the base has that key, so theirs alone can mean it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence

from demo_snapshots.comparison.documents import InOrder
from demo_snapshots.comparison.json_text import lead
from demo_snapshots.comparison.keyed import Batches, KeyedDocument, sorted_records
from demo_snapshots.comparison.typed import told_by
from demo_snapshots.errors import MergeError
from demo_snapshots.model.tables import Column, OfType, Table
from demo_snapshots.rows.join import ThreeWayJoin
from demo_snapshots.rows.literals import cells, value_of

JsonReferences = Mapping[str, Sequence[tuple[str, str]]]
"""By table: the places in its JSON that hold keys, and the ``table.column`` they are of."""

Held = tuple[str, str, OfType | None]
"""A column of a table, and the rows in which it holds a key; None for all."""

_UUID = re.compile(rb"'[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}'")
_ITEM = re.compile(r'[^{},"]+')
_WHOLE = re.compile(rb"-?[0-9]+")


class Renewal:
    """Which of their rows get which key. One mapping for each key is held in memory."""

    def __init__(self, tables: Mapping[str, Table], json_references: JsonReferences) -> None:
        """``tables``, by name, as the database has them; in an order in which referenced tables
        come before referencing ones, as far as there is one."""
        self._tables = tables
        self._json = json_references
        self.fresh: dict[str, dict[bytes, bytes]] = {
            name: {} for name, table in tables.items() if self._has_key_of_its_own(table)
        }
        self._origins = self._find_origins()

    def _has_key_of_its_own(self, table: Table) -> bool:
        """Whether its key is one column that references no other of these tables."""
        borrowed = (
            set(key.columns) & set(table.key)
            for key in table.foreign_keys
            if key.referenced_table in self._tables and key.referenced_table != table.name
        )
        return len(table.key) == 1 and not any(borrowed)

    def _find_origins(self) -> dict[Held, str]:
        """The table whose keys a column holds, its own or by a foreign key."""
        origins: dict[Held, str] = {
            (name, self._tables[name].key[0], None): name for name in self.fresh
        }
        grew = True
        while grew:
            grew = False
            for table in self._tables.values():
                for key in table.foreign_keys:
                    for own, theirs in zip(key.columns, key.referenced_columns, strict=True):
                        origin = origins.get((key.referenced_table, theirs, None))
                        if origin and (table.name, own, key.only) not in origins:
                            origins[table.name, own, key.only] = origin
                            grew = True
        return origins

    def find(self, base: KeyedDocument, ours: KeyedDocument, theirs: KeyedDocument) -> None:
        """Give a fresh key to each row of theirs that is new, as is one of ours with its key, and
        not alike; where it references such rows, by the keys that those have by then."""
        grew = True
        while grew:
            grew = False
            documents = [InOrder(document) for document in (base, ours, theirs)]
            for name in self.fresh:
                sides = [document.rows(name) for document in documents]
                sides[2] = self.rewritten(name, sides[2], theirs)
                clashes, highest = self._clashes(name, sides, ours)
                for number, key in enumerate(clashes, 1):
                    self.fresh[name][key] = self._key(name, key, highest + number, theirs.digest)
                    grew = True

    def _clashes(
        self, name: str, sides: Sequence[Batches], like: KeyedDocument
    ) -> tuple[list[bytes], int]:
        """The keys in question, in order; and the highest number that is a key on any side."""
        place = [column.name for column in like.table(name).columns].index(
            self._tables[name].key[0]
        )
        clashes: list[bytes] = []
        highest = 0
        for found in ThreeWayJoin(sides, like.key_of(name)):
            there = found[-1:] if isinstance(found, list) else found
            for record in there:
                key = cells(record)[place] if record else b""
                if _WHOLE.fullmatch(key):
                    highest = max(highest, int(key))
            if isinstance(found, list):
                continue
            before, ours, theirs = found
            if before is None and theirs is not None and ours not in (None, theirs):
                key = cells(theirs)[place]
                if _WHOLE.fullmatch(key) or _UUID.fullmatch(key):
                    clashes.append(key)
        return clashes, highest

    def _key(self, name: str, old: bytes, number: int, digest: str) -> bytes:
        if not _WHOLE.fullmatch(old):
            made = uuid.uuid5(uuid.NAMESPACE_OID, f"{digest} {name} {old.decode()}")
            return b"'" + str(made).encode() + b"'"
        column = self._tables[name].column(self._tables[name].key[0])
        if number > _most(column):
            raise MergeError(
                f"{name}.{column.name}: both sides gave new rows the same keys, and there is no"
                " room for fresh ones",
                hint="Give the column a wider type, or the rows of one side lower keys.",
            )
        return b"%d" % number

    # --- Carrying them through ---------------------------------------------------------------

    def rewritten(self, name: str, batches: Batches, theirs: KeyedDocument) -> Batches:
        """Their records of a table with the fresh keys, in the order of their keys."""
        rewrite = self._rewrite(name, theirs.table(name))
        if rewrite is None:
            return batches
        led = ([rewrite(record) for record in batch] for batch in batches)
        described = theirs.table(name)
        moved = any(
            self.fresh[origin]
            for (table, column, _), origin in self._origins.items()
            if table == name and column in described.key
        )
        return sorted_records(led, theirs.key_of(name)) if moved else led

    def _rewrite(self, name: str, described: Table) -> Callable[[bytes], bytes] | None:
        """What leads a record's references to the fresh keys, None where it can have none."""
        names = [column.name for column in described.columns]
        keys = [
            (names.index(column), told_by(only, names), self.fresh[origin])
            for (table, column, only), origin in self._origins.items()
            if table == name and column in names and self.fresh[origin]
        ]
        inside = [
            (names.index(column), path, _texts(fresh))
            for column, path, fresh in self._json_places(name)
            if fresh
        ]
        if not keys and not inside:
            return None

        def rewrite(record: bytes) -> bytes:
            values = cells(record)
            # Told by the record as it was: a column that says the type may hold a key itself.
            led = [(place, fresh) for place, tells, fresh in keys if tells(values)]
            for place, fresh in led:
                values[place] = fresh.get(values[place], values[place])
            for place, path, texts in inside:
                values[place] = _led(values[place], path, texts)
            return b",".join(values)

        return rewrite

    def _json_places(self, name: str) -> Iterable[tuple[str, list[str], dict[bytes, bytes]]]:
        for place, target in self._json.get(name, ()):
            table, _, column = target.rpartition(".")
            match = re.match(r"[^.\[]+", place)
            origin = self._origins.get((table.rpartition(".")[2], column, None))
            if match is not None and origin is not None:
                path = re.findall(r"\[\*\]|[^.\[\]]+", place[match.end() :])
                yield match[0], path, self.fresh[origin]


def _texts(fresh: Mapping[bytes, bytes]) -> dict[str, str]:
    return {str(value_of(old)): str(value_of(new)) for old, new in fresh.items()}


def _led(literal: bytes, path: Sequence[str], fresh: Mapping[str, str]) -> bytes:
    text = value_of(literal)
    if not isinstance(text, str) or literal[:1] != b"'":
        return literal
    led = lead(text, path, fresh)
    if text[:1] == "{" and list(path) == ["[*]"]:
        # An array as PostgreSQL writes it: no JSON has a list there.
        led = _ITEM.sub(lambda item: fresh.get(item[0], item[0]), text)
    return literal if led == text else b"'" + led.encode().replace(b"'", b"''") + b"'"


def _most(column: Column) -> int:
    """The highest number that an integer column holds."""
    bits = column.bits or 64
    return int((1 << (bits if column.unsigned else bits - 1)) - 1)
