"""YAML -> items: one document of one mapping, read by libyaml's events as it streams by.

Of YAML only what a snapshot needs is taken: mappings, sequences and scalars. Anchors, aliases,
tags, directives and merge keys are refused, so a small file stays small in memory. Plain scalars
mean what the core schema of YAML 1.2 says (yaml.org/spec/1.2.2, 10.3.2).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Container, Iterator
from typing import Any, BinaryIO

import yaml
from yaml import events

from demo_snapshots.documents.members import (
    DEFERRED,
    FORMAT,
    INCLUDED,
    ROWS,
    Member,
    require_known,
)
from demo_snapshots.documents.sql.window import LONGEST_ROW
from demo_snapshots.documents.translation import Beginning, Item, Row
from demo_snapshots.documents.values import MOST_DEPTH, Number, Tree, shown
from demo_snapshots.errors import DocumentError

_LONGEST_MEMBER = 1 << 24
_HINT = "Write the value itself; see docs/documents.md for what YAML is read."

_NULL = {"null", "Null", "NULL", "~", ""}
_BOOLEANS = {word: word[0] in "tT" for word in ["true", "True", "TRUE", "false", "False", "FALSE"]}
_NUMBER = re.compile(
    r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?"
    r"|0o[0-7]+|0x[0-9a-fA-F]+|[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)"
)
_CONTROL = bytes([*range(0x09), 0x0B, 0x0C, *range(0x0E, 0x20), 0x7F])

# Where PyYAML was built without libyaml, its own parser gives the same events, only later.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Watched:
    """The stream's bytes: UTF-8 without control characters, at most ``most`` at once."""

    def __init__(self, stream: BinaryIO, too_long: str) -> None:
        self._stream = stream
        self._too_long = too_long
        self._decode = codecs.getincrementaldecoder("utf-8")().decode
        self._line = 1
        self._passed = 0
        self._since = 0
        self.most = _LONGEST_MEMBER
        self.fault: DocumentError | None = None

    def mark(self, most: int) -> None:
        """From here on at most so many bytes are read, until it is called again."""
        self._since, self.most = self._passed, most

    def read(self, size: int) -> bytes:
        data = self._stream.read(size)
        try:
            self._require(data)
        except DocumentError as error:
            self.fault = error
            raise
        self._passed += len(data)
        self._line += data.count(b"\n")
        return data

    def _require(self, data: bytes) -> None:
        try:
            self._decode(data, not data)
        except UnicodeDecodeError as error:
            line = self._line + data.count(b"\n", 0, error.start)
            raise DocumentError("not UTF-8", line=line) from None
        if len(data.translate(None, _CONTROL)) != len(data):
            bad = next(place for place, byte in enumerate(data) if byte in _CONTROL)
            line = self._line + data.count(b"\n", 0, bad)
            raise DocumentError("a control character, which YAML does not take", line=line)
        if self._passed - self._since > self.most:
            raise DocumentError(self._too_long, line=self._line)


class EventReader:
    """The parser's events, one by one; ``line`` is where the last one begins. More than 16 MiB,
    or what ``mark`` says, is ``too_long``."""

    def __init__(
        self, stream: BinaryIO, too_long: str = "a value longer than any snapshot holds"
    ) -> None:
        self._watched = _Watched(stream, too_long)
        self.line = 1
        try:
            self._get = _Loader(self._watched).get_event
        except yaml.YAMLError as error:
            raise self._refused(error) from None

    def next(self) -> Any:
        try:
            event = self._get()
        except yaml.YAMLError as error:
            raise self._refused(error) from None
        self.line = event.start_mark.line + 1
        return event

    def _refused(self, error: yaml.YAMLError) -> DocumentError:
        if self._watched.fault is not None:
            return self._watched.fault
        mark = getattr(error, "problem_mark", None)
        what = getattr(error, "problem", None) or "a character that it does not take"
        line = mark.line + 1 if mark is not None else self.line
        return DocumentError(f"not YAML: {what}", line=line)

    def error(self, message: str, hint: str | None = _HINT) -> DocumentError:
        """About the event that came last."""
        return DocumentError(message, line=self.line, hint=hint)

    def mark(self, most: int) -> None:
        """At most so many bytes until it is called again."""
        self._watched.mark(most)

    def take(self, kind: type, what: str) -> Any:
        """The next event, which is of that kind."""
        event = self.next()
        self.require_plain(event)
        if not isinstance(event, kind):
            raise self.error(f"expected {what}", None)
        return event

    def require_plain(self, event: Any) -> None:
        if isinstance(event, events.AliasEvent):
            raise self.error("an alias, which no snapshot has")
        if getattr(event, "anchor", None) is not None:
            raise self.error("an anchor, which no snapshot has")
        if getattr(event, "tag", None) is not None:
            raise self.error("a tag, which no snapshot has")

    def name(self, event: Any, names: Container[str]) -> str:
        """The name of a mapping's member, none of ``names``, that begins with ``event``."""
        self.require_plain(event)
        if not isinstance(event, events.ScalarEvent):
            raise self.error("expected the name of a member", None)
        name: str = event.value
        if name == "<<" and event.implicit[0]:
            raise self.error("a merge key, which no snapshot has")
        if name in names:
            raise self.error(f"the member {shown(name)} is there twice", None)
        return name

    def value(self, event: Any, depth: int = 0) -> Tree:
        """The whole value that begins with ``event``."""
        self.require_plain(event)
        if isinstance(event, events.ScalarEvent):
            return plain_value(event.value) if event.implicit[0] else event.value
        if depth > MOST_DEPTH:
            raise self.error(f"values within values deeper than {MOST_DEPTH}", None)
        if isinstance(event, events.SequenceStartEvent):
            items: list[Tree] = []
            while not isinstance(event := self.next(), events.SequenceEndEvent):
                items.append(self.value(event, depth + 1))
            return items
        members: dict[str, Tree] = {}
        while not isinstance(event := self.next(), events.MappingEndEvent):
            name = self.name(event, members)
            members[name] = self.value(self.next(), depth + 1)
        return members


def plain_value(text: str) -> Tree:
    """What a scalar without quotes says."""
    if text in _NULL:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    return Number(text) if _NUMBER.fullmatch(text) else text


def yaml_items(stream: BinaryIO) -> Iterator[Item]:
    """What the document says, in its order. Raises DocumentError with the line for whatever is
    not YAML, more of YAML than a snapshot has, or not built as a snapshot is."""
    parsed = EventReader(stream)
    parsed.take(events.StreamStartEvent, "a document")
    start = parsed.take(events.DocumentStartEvent, "a document")
    if start.version is not None or start.tags is not None:
        raise parsed.error("a directive, which no snapshot has")
    parsed.take(events.MappingStartEvent, "a mapping")
    names: set[str] = set()
    while not isinstance(event := parsed.next(), events.MappingEndEvent):
        parsed.mark(_LONGEST_MEMBER)
        name, line = parsed.name(event, names), parsed.line
        names.add(name)
        if len(names) == 1 and name != FORMAT:
            raise parsed.error("not a demo snapshot", f"Its first member is {FORMAT}.")
        if name in (INCLUDED, ROWS):
            yield from _tables(parsed, name)
        elif name == DEFERRED:
            yield from _rows(parsed, DEFERRED, "")
        else:
            member = Member(name, parsed.value(parsed.next()), line)
            if name == FORMAT:
                require_known(member)
            yield member
    parsed.take(events.DocumentEndEvent, "the end")
    if not isinstance(parsed.next(), events.StreamEndEvent):
        raise parsed.error("a second document", None)


def _tables(parsed: EventReader, member: str) -> Iterator[Item]:
    parsed.take(events.MappingStartEvent, "a mapping of tables")
    names: set[str] = set()
    while not isinstance(event := parsed.next(), events.MappingEndEvent):
        name = parsed.name(event, names)
        names.add(name)
        yield from _rows(parsed, member, name)


def _rows(parsed: EventReader, member: str, table: str) -> Iterator[Item]:
    parsed.take(events.SequenceStartEvent, "a sequence of rows")
    yield Beginning(member, table, parsed.line)
    while not isinstance(event := parsed.next(), events.SequenceEndEvent):
        parsed.mark(LONGEST_ROW)
        line = parsed.line
        yield Row(parsed.value(event), line)
