"""Sentences with slots: ``Call {mara} about the {project} invoice``.

A slot is the key of a person (``{mara}``, ``{mara.first}``, ``{mara.company}``), any person of
the topic (``{person}``, ``{person.first}``, ``{company}``, always the same one within a line),
the topic's ``{project}``, or the name of a word list, from which one word is drawn. Braces that
are meant as such are doubled.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from random import Random
from string import Formatter

from msgspec import Struct

_OF_PERSON = ("name", "first", "company")
_DRAWN = {"person": "name", "person.first": "first", "company": "company"}


class Naming(Struct, frozen=True):
    """What a person is called in sentences."""

    name: str
    first: str
    company: str


class Sentence(Struct, frozen=True):
    """A text taken apart: each part is literal text, or a slot.

    ``people`` are the positions of the people it names outright; ``draws`` says that it wants
    one more person from its topic.
    """

    parts: tuple[str | _Person | _Words, ...]
    people: tuple[int, ...]
    draws: bool

    def render(self, people: Sequence[Naming], drawn: int, random: Random) -> str:
        """The sentence with its slots filled; ``drawn`` is the position of the topic's person."""
        if len(self.parts) == 1 and isinstance(self.parts[0], str):
            return self.parts[0]
        return "".join(
            part if isinstance(part, str) else part.fill(people, drawn, random)
            for part in self.parts
        )


class _Person(Struct, frozen=True):
    position: int | None
    attribute: str

    def fill(self, people: Sequence[Naming], drawn: int, _random: Random) -> str:
        naming = people[drawn if self.position is None else self.position]
        text: str = getattr(naming, self.attribute)
        return text


class _Words(Struct, frozen=True):
    words: tuple[str, ...]

    def fill(self, _people: Sequence[Naming], _drawn: int, random: Random) -> str:
        return self.words[int(random.random() * len(self.words))]


def parse_sentence(
    text: str,
    *,
    people: Sequence[str],
    words: dict[str, tuple[str, ...]],
    project: str | None,
    can_draw: bool,
    without_company: Collection[int] = (),
) -> Sentence:
    """Take ``text`` apart. ``people`` are the keys of the scenario's people in their order.

    Raises ValueError for braces that do not pair and for slots that nothing fills.
    """
    parts: list[str | _Person | _Words] = []
    named: list[int] = []
    draws = False
    for literal, slot, format_spec, conversion in Formatter().parse(text):
        if literal:
            parts.append(literal)
        if slot is None:
            continue
        if format_spec or conversion:
            raise ValueError(f"{{{slot}}} takes no format")
        key, _, attribute = slot.partition(".")
        if slot in _DRAWN:
            if not can_draw:
                raise ValueError(f"{{{slot}}} has nobody to stand for: no person belongs here")
            parts.append(_Person(None, _DRAWN[slot]))
            draws = True
        elif slot == "project":
            if project is None:
                raise ValueError("{project} has nothing to stand for: the topic has no project")
            parts.append(project)
        elif slot in words:
            parts.append(_Words(words[slot]))
        elif key in people and (attribute or "name") in _OF_PERSON:
            position = list(people).index(key)
            if attribute == "company" and position in without_company:
                raise ValueError(f"{{{slot}}}: this person has no company")
            parts.append(_Person(position, attribute or "name"))
            if position not in named:
                named.append(position)
        else:
            raise ValueError(f"{{{slot}}} is neither a person's key nor a list of words")
    return Sentence(tuple(parts), tuple(named), draws)
