"""Snapshots in JSON and YAML, and rows written by hand, that were tampered with."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from random import Random

from safety.mutating import WITHOUT_GRAMMAR, rows_part
from safety.shapes import Members, as_json, as_yaml, change, recount, shape_of
from unit.documents.forms import JSON, as_form

from demo_snapshots.documents.json.reader import json_items
from demo_snapshots.documents.translation import _Translation
from demo_snapshots.documents.yaml.reader import yaml_items
from demo_snapshots.errors import DocumentError
from demo_snapshots.model.snapshots import DocumentForm

_ANY = [
    *("{", "}", "[", "]", '"', ":", ",", "\n", "\t", "#", " " * 50, "1" * 5000, "'", "\\", "\0"),
    *("\\u0000", "\\ud800", "\x85", "\u2028", "\ufeff", "\x1b[2J", "\r\n", "<<<<<<< HEAD\n"),
    *("null", "true", "digest", "rows", "tables", "$json", "$ref", "$bytes", "$number", "deferred"),
]
_JSON = [
    *("NaN", "-Infinity", "01", "1.", ".5", "+1", "0x10", "1_000", "'x'", "/* */ 1", "tru"),
]
_YAML = [
    *("!!str 1", "!!int 1", "!!binary AA==", "!!python/name:os.system ''", "&a 1", "*a", "&a [*a]"),
    *("<<", "? x", "~", "yes", "0o17", "0x1F", "010", "1_000", "1:30", ".5", "+1", "1.", ".inf"),
    *(".NaN", "-.INF", "1e3", "0b11", "2025-01-15", "2025-01-15 10:00:00", "'it''s'", "x y", "'x"),
    *("- 1", "x: 1", "@x", "`x", "%x", "|\n          a\n          b\n", "NULL", "True", "FALSE"),
    *('"a\\x41\\e\\_\\N"', '"\\U0001F418"', '"a\\\n  b"', ">-\n          a\n\n          b"),
    *("", "# c", "=", "!"),
]
_YAML_LINES = [
    *("---\n", "...\n", "%YAML 1.1\n", "%TAG ! !x\n", "&a\n", "- ", "<<: {a: 1}\n", "? "),
    "!!map\n",
]
_HAND = [
    *("new", "&b new", "*b", "{$ref: b}", "{$ref: nobody}", "&b 5", "[*b, {$ref: b}]", "7", "&c"),
    *("1e3", "*one", "*note", "{$ref: last}", "{a: {$ref: one}}", "2", '"7"', "''", "1.5"),
]


def tampered(random: Random, document: bytes, form: DocumentForm) -> bytes:
    """A snapshot of that form after a few changes; its counts and digest often made right."""
    shape = deepcopy(_shape(document))
    made = document
    if random.random() < 0.7:
        for _ in range(random.choice((0, 1, 1, 1, 2, 3))):
            change(random, shape, _JSON if form is JSON else _YAML)
        if random.random() < 0.8:
            recount(shape)
        made = _spelled(random, shape, form)
    if random.random() < 0.4:
        pieces = [*_ANY, *(_JSON if form is JSON else [*_YAML, *_YAML_LINES])]
        made = _scribbled(random, made, pieces)
    return resealed(made, form) if random.random() < 0.85 else made


@lru_cache
def _shape(document: bytes) -> Members:
    return shape_of(as_form(document, JSON).decode())


def _spelled(random: Random, shape: Members, form: DocumentForm) -> bytes:
    if form is JSON:
        comma = random.choice((", ", ",", ",\n", " ,\t", ",\r\n"))
        text = as_json(shape, comma, random.choice((": ", ":", " : ")))
    else:
        text = as_yaml(shape, random.choice((1, 2, 3, 4, 4, 5, 9))).removeprefix("\n")
    return text.encode("utf-8", "surrogatepass") + b"\n"


def _scribbled(random: Random, made: bytes, pieces: Sequence[str]) -> bytes:
    for _ in range(random.choice((1, 1, 2))):
        place = random.randrange(len(made) + 1)
        match random.randrange(4):
            case 0:
                act = random.choice(WITHOUT_GRAMMAR)
                made = act(made, random.randrange(10_000), random.randrange(10_000))
            case 1:
                made = made[:place] + random.choice(pieces).encode() + made[place:]
            case 2:
                made = made[:place] + made[place + random.choice((1, 1, 2, 9, 40)) :]
            case _:
                # A whole word or string becomes another.
                words = list(re.finditer(rb'"(?:[^"\\\n]|\\.)*"|[\w.+-]+', made))
                if words:
                    word = random.choice(words)
                    piece = random.choice(pieces).encode()
                    made = made[: word.start()] + piece + made[word.end() :]
    return made


def resealed(document: bytes, form: DocumentForm) -> bytes:
    """With the digest of its rows, where they can be read."""
    items = json_items if form is JSON else yaml_items
    try:
        translation = _Translation(items(BytesIO(document)))
        sql = b"".join(iter(lambda: translation.read(1 << 20), b""))
    except (DocumentError, ValueError):
        return document
    part = rows_part(sql)
    if part is None:
        return document
    digest = sha256(sql[slice(*part)]).hexdigest().encode()
    return re.sub(rb"sha256:[0-9a-f]{64}", b"sha256:" + digest, document)


BY_HAND = b"""\
# A small demo.
demo_rows: 1
scenario: general
rows:
  vaults:
    - id: &one new
      name: Vault one
      visited: 0
      price: 12.50
    - id: 2
      name: "it's"
      visited: 7
      metadata: {a: 1, list: [*one, null, true]}
    - {name: 007, visited: 0, seal: {$bytes: AP8=}}
  notes:
    - id: &note new
      vault_id: *one
      body: |
        old 1: it's s3nsitive
        two lines
      done: true
      made: 2025-01-15 10:00:00
    - {id: 9, vault_id: 2, copy_of: *note, body: "null", done: false}
    - {vault_id: {$ref: last}, copy_of: 9, made: null}
  todos:
    - {note_id: *note, title: new, rank_: 0.5}
    - {id: 3, note_id: 9, title: ~, rank_: -2e-3}
"""
_LAST = b"    - {id: &last new, name: Last, visited: 1}\n  notes:\n"
BY_HAND = BY_HAND.replace(b"  notes:\n", _LAST)


def tampered_by_hand(random: Random) -> bytes:
    """Rows written by hand after a few changes to their lines and words."""
    made = BY_HAND
    pieces = [*_HAND, *_HAND, *_YAML, *_YAML_LINES, *_ANY]
    for _ in range(random.choice((1, 1, 2, 3))):
        if random.random() < 0.7:
            # A value becomes another.
            values = list(re.finditer(rb"(?<=: )[^\n,{}]+(?=[\n,}])", made))
            if values:
                value = random.choice(values)
                piece = random.choice([*_HAND, *_YAML]).encode()
                made = made[: value.start()] + piece + made[value.end() :]
        elif random.random() < 0.4:
            act = random.choice(WITHOUT_GRAMMAR[:3])
            made = act(made, random.randrange(10_000), random.randrange(10_000))
        else:
            made = _scribbled(random, made, pieces)
    return made
