"""Values that a person wrote -> raw literals, by the kind of their column."""

from __future__ import annotations

import json
import re

from demo_snapshots.documents.sql.grammar import RowGrammar
from demo_snapshots.documents.values import (
    BYTES_TAG,
    JSON_TAG,
    NUMBER_TAG,
    REFERENCE_TAG,
    Number,
    Tree,
    encoded,
    literal_of,
    spelled,
)
from demo_snapshots.documents.yaml.handwritten import Given, Name, Plain
from demo_snapshots.documents.yaml.reader import plain_value
from demo_snapshots.model.tables import Affinity, Column, Kind
from demo_snapshots.rows.literals import encode, value_of

_TEXTUAL = frozenset(
    (Kind.TEXT, Kind.UUID, Kind.DATE, Kind.TIME, Kind.TIMESTAMP, Kind.TIMESTAMPTZ, Kind.NATIVE)
)
_TAGS = (NUMBER_TAG, BYTES_TAG, JSON_TAG, REFERENCE_TAG)
# A constant as the engines' catalogs spell it: a number, a word, or text without escapes, which
# PostgreSQL casts to the column's type.
_CONSTANT = re.compile(
    r"\(*(?:'(?P<text>(?:[^'\\]|'')*)'|(?P<word>-?[0-9]+(?:\.[0-9]+)?|true|false|null))\)*"
    r"(?:::[a-z_\"][a-z0-9_ .\"]*(?:\([0-9, ]+\))?[a-z ]*(?:\[\])*)?\)*",
    re.IGNORECASE,
)
_MOST_NAMED = 1 << 24


class Values:
    """What values mean in a file whose ``names`` stand for these raw literals."""

    def __init__(self, *, typed_cells: bool) -> None:
        """``typed_cells``: whether the database types cells rather than columns (SQLite)."""
        self.names: dict[str, str] = {}
        self._named = 0
        self._typed_cells = typed_cells

    def spelled(self, value: Given, column: Column) -> str:
        """The raw literal that the value is in the column. Raises ValueError."""
        if isinstance(value, Name):
            return self._key_named(value)
        tree = self._tree(value)
        if isinstance(tree, dict) and len(tree) == 1 and next(iter(tree)) in _TAGS:
            return literal_of(tree)
        if isinstance(value, (dict, list)):
            if column.kind not in (Kind.JSON, Kind.TEXT):
                raise ValueError("a mapping or a list, where the column holds no JSON")
            return literal_of(spelled(tree))
        if tree is None:
            return "NULL"
        if column.kind is Kind.JSON:
            return literal_of(_json_text(tree))
        is_text = column.affinity in (None, Affinity.TEXT) and column.kind in _TEXTUAL
        return literal_of(str(value) if is_text else tree)

    def _key_named(self, name: Name) -> str:
        # A key may be long, and a name that stands for it short.
        key = self.names[name]
        self._named += len(key)
        if self._named > _MOST_NAMED:
            raise ValueError("names that stand for more than 16 MiB in all")
        return key

    def _tree(self, value: Given) -> Tree:
        """The value with names replaced by what they stand for, plain words by what they mean."""
        if isinstance(value, Name):
            key = value_of(encoded(self._key_named(value)))
            return key if isinstance(key, str) else Number(key)
        if isinstance(value, Plain):
            return plain_value(str(value))
        if isinstance(value, dict):
            return {name: self._tree(inner) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._tree(inner) for inner in value]
        return value

    def constant(self, column: Column) -> str | None:
        """The raw literal that the column gets where a row says nothing, if it is a constant."""
        if not column.has_default:
            return "NULL" if column.nullable else None
        match = _CONSTANT.fullmatch(column.default or "")
        if match is None:
            return None
        try:
            return self.fitting(_default_given(match, column), column)
        except ValueError:
            return None

    def fitting(self, value: Given, column: Column) -> str:
        """As ``spelled``, of a value that the column takes unchanged. Raises ValueError."""
        literal = self.spelled(value, column)
        form = [(column.name, column.kind, column)]
        if not RowGrammar(form, typed_cells=self._typed_cells).takes(
            encode(encoded(f"({literal})"))
        ):
            raise ValueError("a value that the column does not take")
        return literal

    def default_for(self, value: str | int | float | bool, column: Column) -> str:
        """The raw literal of a value for a column that rows lack: text for a column of text, what
        a plain word means for any other. Raises ValueError for what the column does not take."""
        text = str(value).lower() if isinstance(value, bool) else str(value)
        return self.fitting(text if column.kind in _TEXTUAL else Plain(text), column)


def _default_given(match: re.Match[str], column: Column) -> Given:
    """A constant of the catalog as a file would give it."""
    if match["text"] is None:
        if column.kind in _TEXTUAL and match["word"].lower() in ("true", "false"):
            raise ValueError("a word that the engine spells otherwise as text")
        return Plain(match["word"])
    text = match["text"].replace("''", "'")
    return text if column.kind in _TEXTUAL or column.kind is Kind.JSON else Plain(text)


def _json_text(tree: Tree) -> str:
    """A scalar in a column that holds JSON: text is JSON already."""
    if type(tree) is not str:
        return spelled(tree)
    try:
        json.loads(tree)
    except (ValueError, RecursionError):
        raise ValueError(
            "text that is not JSON; a text within JSON stands in two kinds of quotes: '\"…\"'"
        ) from None
    return tree


def described(column: Column) -> str:
    """What the column holds, for people."""
    wanted = str(column.kind)
    if column.length is not None:
        wanted += f" of at most {column.length}"
    return wanted if column.nullable else f"{wanted}, never null"
