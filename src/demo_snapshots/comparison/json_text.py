"""JSON as text: taken apart and put together again, with every byte that is not changed kept."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence

from demo_snapshots.comparison.cells import json_meaning

_SPACE = re.compile(r"[ \t\n\r]*")
_value_at = json.JSONDecoder().raw_decode
_DEEPEST = 50

Settle = Callable[[str, str | None, str | None, str | None], str | None]
"""Which text stands at a place, given what base, ours and theirs have there; None for nothing."""


def merge_json(
    base: str | None, ours: str, theirs: str, settle: Settle, *, canonical: bool = False
) -> str | None:
    """The JSON text that has the changes of both sides, member by member where both are objects;
    None where they are not, and both sides changed the whole.

    ``settle`` is asked for each member that both changed, called as ``.inbox.at``. ``canonical``:
    members are put in the order that PostgreSQL's jsonb has them in.
    """
    if _alike(ours, theirs) or _alike(theirs, base):
        return ours
    if _alike(ours, base):
        return theirs
    if members(ours) is None or members(theirs) is None:
        return None
    return _Merge(settle, canonical).at("", base, ours, theirs, _DEEPEST)


class _Merge:
    def __init__(self, settle: Settle, canonical: bool) -> None:
        self._settle, self._canonical = settle, canonical

    def at(
        self, place: str, base: str | None, ours: str | None, theirs: str | None, deepest: int
    ) -> str | None:
        if _alike(ours, theirs) or _alike(theirs, base):
            return ours
        if _alike(ours, base):
            return theirs
        if ours is not None and theirs is not None and deepest:
            mine, others = members(ours), members(theirs)
            if mine is not None and others is not None:
                before = (members(base) if base is not None else None) or {}
                merged = self._members(place, before, mine, others, deepest - 1)
                text = self._spelled(merged, ours)
                return next((t for t in (ours, theirs) if _alike(t, text)), text)
        return self._settle(place, base, ours, theirs)

    def _members(
        self, place: str, base: Members, ours: Members, theirs: Members, deepest: int
    ) -> dict[str, str]:
        found: dict[str, str] = {}
        for name in dict.fromkeys((*ours, *theirs)):
            was, left, right = (side.get(name) for side in (base, ours, theirs))
            value = self.at(f"{place}.{name}", was, left, right, deepest)
            if value is not None:
                found[name] = value
        return found

    def _spelled(self, values: Mapping[str, str], like: str) -> str:
        comma, colon = (", ", ": ") if self._canonical or ": " in like else (",", ":")
        names = list(values)
        if self._canonical:
            # By length, then by bytes (PostgreSQL, lengthCompareJsonbStringValue).
            names.sort(key=lambda name: (len(name.encode()), name.encode()))
        pairs = (f"{_quoted(name)}{colon}{values[name]}" for name in names)
        return "{" + comma.join(pairs) + "}"


def _quoted(name: str) -> str:
    # Half of a surrogate pair cannot be written as UTF-8.
    return json.dumps(name, ensure_ascii=not name.isprintable())


def _alike(one: str | None, other: str | None) -> bool:
    if one is None or other is None or one == other:
        return one == other
    return json_meaning(one) == json_meaning(other)


Members = Mapping[str, str]
"""The names of an object's members and the text of their values."""


def members(text: str) -> Members | None:
    """The members of the object that ``text`` is, None if it is none, or has a name twice."""
    text = text.strip(" \t\n\r")
    if not text.startswith("{") or not _is_json(text):
        return None
    found: dict[str, str] = {}
    for name, start, end in _parts(text):
        if str(name) in found:
            return None
        found[str(name)] = text[start:end]
    return found


def lead(text: str, path: Sequence[str], fresh: Mapping[str, str]) -> str:
    """``text`` with the keys at ``path`` replaced by those that ``fresh`` has for them: numbers
    and texts; in a path ``[*]`` stands for every item of a list."""

    def spell(value: int | str) -> str | None:
        key = fresh.get(str(value))
        return key if key is None or isinstance(value, int) else json.dumps(key)

    return changed(text, path, spell)


def changed(text: str, path: Sequence[str], spell: Callable[[int | str], str | None]) -> str:
    """As ``lead``, with what ``spell`` gives for a number or a text, as JSON, None to keep it."""

    def respell(value: str) -> str | None:
        said = json.loads(value)
        if isinstance(said, bool) or not isinstance(said, (int, str)):
            return None
        return spell(said)

    return respelled(text, path, respell)


def respelled(text: str, path: Sequence[str], respell: Callable[[str], str | None]) -> str:
    """As ``changed``; ``respell`` is given each value at ``path`` as it is spelled."""
    return _respelled(text, path, respell) if _is_json(text) else text


def _respelled(text: str, path: Sequence[str], respell: Callable[[str], str | None]) -> str:
    if not path:
        spelled = respell(text)
        return text if spelled is None else spelled
    if text.lstrip()[:1] != ("[" if path[0] == "[*]" else "{"):
        return text
    pieces: list[str] = []
    last = 0
    for name, start, end in _parts(text):
        if path[0] in ("[*]", name):
            pieces += [text[last:start], _respelled(text[start:end], path[1:], respell)]
            last = end
    return "".join([*pieces, text[last:]])


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _parts(text: str) -> Iterator[tuple[str | None, int, int]]:
    """Name (None in a list), begin and end of each value in the object or list ``text``."""
    place = _after_space(text, _after_space(text, 0) + 1)
    is_object = text.lstrip()[0] == "{"
    while text[place] not in "}]":
        name = None
        if is_object:
            name, end = _value_at(text, place)
            place = _after_space(text, _after_space(text, end) + 1)
        _, end = _value_at(text, place)
        yield name, place, end
        place = _after_space(text, end)
        if text[place] == ",":
            place = _after_space(text, place + 1)


def _after_space(text: str, place: int) -> int:
    match = _SPACE.match(text, place)
    assert match is not None
    return match.end()
