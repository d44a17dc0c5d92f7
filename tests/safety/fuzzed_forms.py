"""What the product promises of files in JSON and YAML, tried with one tampered file at a time.

An accepted snapshot is judged by what others read in it: Python's ``json``, and PyYAML's own
parser with the core schema of YAML 1.2, bound as values in an empty database.
"""

from __future__ import annotations

import json
import re
import sqlite3
from base64 import b64decode
from collections import Counter
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import Any

import yaml
from safety.harness import Harness, Images
from safety.mixed_database import SECRET, TABLES
from safety.mutating import accepted_rows
from safety.tampering_forms import tampered, tampered_by_hand
from unit.documents.forms import JSON, SQL, YAML, as_form

from demo_snapshots.errors import DemoError, DocumentError
from demo_snapshots.model.snapshots import DocumentForm

GOLDEN = Path(__file__).parent.parent / "golden" / "form1"


# --- How others read a file ------------------------------------------------------------------


class Number(str):
    __slots__ = ()


def _twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    assert len(dict(pairs)) == len(pairs), "a member twice was accepted"
    return dict(pairs)


def read_json(document: bytes) -> Any:
    return json.loads(
        document.decode(), parse_int=Number, parse_float=Number, object_pairs_hook=_twice
    )


# YAML 1.2.2, 10.3.2, with the numbers that a snapshot takes.
_WORDS: dict[str, bool | None] = {
    **dict.fromkeys(("null", "Null", "NULL", "~", "")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")


def read_yaml(document: bytes) -> Any:
    """LookupError where PyYAML's parser refuses what libyaml's takes."""
    try:
        node = yaml.compose(document.decode(), yaml.SafeLoader)
    except yaml.YAMLError as error:
        raise LookupError from error
    return _value(node)


def _value(node: Any) -> Any:
    if isinstance(node, yaml.MappingNode):
        return _twice([(name.value, _value(item)) for name, item in node.value])
    if isinstance(node, yaml.SequenceNode):
        return [_value(item) for item in node.value]
    if node.style is not None:
        return str(node.value)
    if node.value in _WORDS:
        return _WORDS[node.value]
    return Number(node.value) if _NUMBER.fullmatch(node.value) else str(node.value)


READERS: dict[DocumentForm, Callable[[bytes], Any]] = {JSON: read_json, YAML: read_yaml}


def _spelled(value: Any) -> str:
    if isinstance(value, dict):
        members = (f"{_spelled(name)}: {_spelled(item)}" for name, item in value.items())
        return "{" + ", ".join(members) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_spelled, value)) + "]"
    return str(value) if isinstance(value, Number) else json.dumps(value, ensure_ascii=False)


def _bound(value: Any) -> Any:
    """What a member of a row is, as a driver takes it."""
    if isinstance(value, dict):
        ((tag, inner),) = value.items()
        if tag == "$bytes":
            return b64decode(inner)
        return _spelled(inner) if tag == "$json" else _bound(Number(inner))
    if isinstance(value, Number):
        whole = re.fullmatch(r"-?[0-9]+", value) and -(2**63) <= int(value) < 2**63
        return int(value) if whole else float(value)
    return value


def fill(raw: sqlite3.Connection, shape: Any) -> None:
    """The rows of a snapshot as others read it, and its deferred references."""
    for table, rows in shape["rows"].items():
        for row in rows:
            names, marks = ", ".join(row), ", ".join("?" * len(row))
            values = [_bound(value) for value in row.values()]
            raw.execute(f"INSERT INTO {table} ({names}) VALUES ({marks})", values)
    for update in shape.get("deferred", []):
        settings = ", ".join(f"{name} = ?" for name in update["set"])
        key = " AND ".join(f"{name} = ?" for name in update["key"])
        values = [_bound(value) for value in (*update["set"].values(), *update["key"].values())]
        raw.execute(f"UPDATE {update['table']} SET {settings} WHERE {key}", values)


# --- Snapshots -------------------------------------------------------------------------------


class _Tried(Harness):
    """As Harness, where chance says how a document is imported."""

    def judge(self, random: Random, document: bytes) -> None:
        self.check(document, bare=random.random() < 0.5, asks=random.random() < 0.2)


class FormHarness(_Tried):
    """As Harness, of documents in one form."""

    form: DocumentForm

    def tampered(self, random: Random) -> bytes:
        return tampered(random, random.choice(self.documents), self.form)

    def _held(self, document: bytes) -> Images:
        in_sql = as_form(document, SQL)
        if self.mixed.live.engine != "sqlite":
            return super()._held(in_sql)
        accepted_rows(in_sql)
        try:
            shape = READERS[self.form](document)
        except LookupError:
            self.outcomes["read by us alone"] += 1
            return super()._held(in_sql)
        for table in reversed(TABLES):
            self._query(self._twin, f"DELETE FROM {table}")
        fill(self._twin, shape)
        return self._images(self._twin)

    def _betrays(self, document: bytes, failure: DemoError) -> bool:
        """Whether a value is told that stands in a row, and is taken for no name."""
        if SECRET not in f"{failure.message}\n{failure.hint}":
            return False
        text = document.decode("utf-8", "replace")
        rows = re.search(r'\brows"?\s*:(.*)\b(deferred|digest)"?\s*:', text, re.DOTALL)
        elsewhere = text[: rows.start(1)] + text[rows.end(1) :] if rows else text
        return SECRET not in elsewhere and re.search(SECRET + r"[^:\n]*:", text) is None


class JsonHarness(FormHarness):
    form = JSON

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.documents = [as_form(document, self.form) for document in self.documents]


class YamlHarness(JsonHarness):
    form = YAML


class Golden:
    """Documents that have everything, references and odd names too: refused, or read to rows whose
    digest is right in every form."""

    def __init__(self) -> None:
        self.outcomes: Counter[str] = Counter()
        self.documents = {
            form: [path.read_bytes() for path in sorted(GOLDEN.glob(f"*.{form}"))]
            for form in (JSON, YAML)
        }

    def recover(self) -> None:
        """Nothing is kept."""

    def tampered(self, random: Random) -> bytes:
        form = random.choice((JSON, YAML))
        return tampered(random, random.choice(self.documents[form]), form)

    def judge(self, random: Random, document: bytes) -> None:
        told: str | None = None
        try:
            in_sql = as_form(document, SQL)
        except DocumentError as error:
            told = error.message
        if told is not None:
            self.outcomes["DocumentError"] += 1
            assert told.isprintable(), ascii(told)
            return
        self.outcomes["accepted"] += 1
        digest = sha256(accepted_rows(in_sql)).hexdigest().encode()
        for form in (JSON, YAML):
            again = as_form(in_sql, form)
            assert digest in again
            assert as_form(again, SQL) == in_sql


# --- Rows written by hand --------------------------------------------------------------------


class HandHarness(_Tried):
    """Rows written by hand: refused, and nothing changed; or there, and there again when the file
    is imported once more."""

    def tampered(self, random: Random) -> bytes:
        return tampered_by_hand(random)

    def _judge(self, document: bytes) -> None:
        try:
            rows = read_yaml(document)["rows"]
        except LookupError:
            rows = None
        there = self._images(self._raw)
        for table in TABLES:
            assert set(self._real[table]) <= set(there[table])
            if rows is not None:
                count = len(self._real[table]) + len(rows.get(table, []))
                assert len(there[table]) == count, table
        marked = self._query(
            self._raw,
            "SELECT count(*) FROM vaults WHERE CAST(metadata AS CHAR(999))"
            " LIKE '%\"demo_seed\": true%'",
        )
        assert marked == [(len(there["vaults"]) - len(self._real["vaults"]),)]
        assert self.snapshots.demo.load(self.mixed.live, self._file).changed == 0
        assert self._images(self._raw) == there

    def _betrays(self, document: bytes, failure: DemoError) -> bool:
        return False
