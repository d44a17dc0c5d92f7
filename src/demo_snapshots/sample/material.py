"""A scenario's sentences, taken apart once and told where they belong."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec import Struct

from demo_snapshots.sample.scenario import Chat, Scenario, Topic
from demo_snapshots.sample.wording import Sentence

_T = TypeVar("_T")
_SAY_LITTLE = (
    "about after again before could every first from have into more much only over read should "
    "than that their them then there they this time what when where which will with would your"
)
ProjectIds = Mapping[str | None, int]
"""The ids of projects by their keys."""


def as_json(value: object) -> str:
    """JSON text in which letters stay letters."""
    return json.dumps(value, ensure_ascii=False)


class Home(Struct, frozen=True):
    """Where fragments belong: the vault's slug, the project's id, the tags as JSON."""

    vault: str
    project_id: int | None
    tags: str


class Line(Struct, frozen=True):
    """A todo to be. ``position`` counts all lines, ``topic`` the topics; ``mentions`` are the
    positions of the people named outright, ``words`` those that conversations may share."""

    position: int
    topic: int
    home: Home
    title: Sentence
    note: Sentence | None
    mentions: tuple[int, ...]
    people: tuple[int, ...]
    """Whom ``{person}`` may mean; empty where the line does not ask."""
    words: frozenset[str]


class Talk(Struct, frozen=True):
    """A conversation to be."""

    home: Home
    title: str
    messages: tuple[Sentence, ...]
    todos: tuple[int, ...]
    """Positions of the project's lines, the most alike first."""


def lines_of(scenario: Scenario, project_ids: ProjectIds) -> list[Line]:
    """Every todo line of every topic, in the order of the file."""
    lines: list[Line] = []
    for number, topic in enumerate(scenario.topics):
        home = _home(scenario, topic, project_ids)
        for todo in topic.todos:
            title = scenario.sentence(todo.title, topic)
            note = scenario.sentence(todo.note, topic) if todo.note else None
            sentences = (title, note) if note else (title,)
            named = dict.fromkeys(person for each in sentences for person in each.people)
            draws = any(sentence.draws for sentence in sentences)
            people = scenario.people_of(topic) if draws else ()
            words = _words([todo.title, todo.note or ""])
            lines.append(Line(len(lines), number, home, title, note, tuple(named), people, words))
    return lines


def talks_of(scenario: Scenario, project_ids: ProjectIds, lines: Sequence[Line]) -> list[Talk]:
    """As many conversations as there are sessions, with as many messages as are counted: the
    longest are cut, or the shortest begin again, where the material does not fit."""
    counts = scenario.counts
    chats = _cycled(scenario.chats, counts.chat_sessions)
    lengths = [len(chat.messages) for chat in chats]
    while lengths and sum(lengths) > counts.chat_messages:
        lengths[lengths.index(max(lengths))] -= 1
    while lengths and sum(lengths) < counts.chat_messages:
        lengths[lengths.index(min(lengths))] += 1
    talks = []
    for chat, length in zip(chats, lengths, strict=True):
        sentences = [scenario.sentence(text, chat) for text in chat.messages]
        home = _home(scenario, chat, project_ids)
        todos = _kindred(chat, [line for line in lines if line.home.project_id == home.project_id])
        talks.append(Talk(home, chat.title, tuple(_cycled(sentences, length)), todos))
    return talks


def _home(scenario: Scenario, place: Topic | Chat, project_ids: ProjectIds) -> Home:
    project = scenario.project(place.project)
    vault = project.vault if project else place.vault
    assert vault is not None
    key = project_ids[project.key] if project else None
    return Home(vault, key, as_json(list(place.tags)))


def _kindred(chat: Chat, lines: Iterable[Line]) -> tuple[int, ...]:
    """The project's lines that a conversation is about, as far as shared words tell: those
    with at least two of them, the most alike first, and in any case the most alike."""
    title, said = _words([chat.title]), _words(chat.messages)
    shared = {line.position: len(line.words & title) + len(line.words & said) for line in lines}
    ranked = sorted(shared, key=lambda position: (-shared[position], position))
    return tuple(ranked[:1] + [position for position in ranked[1:] if shared[position] > 1])


def _words(texts: Iterable[str]) -> frozenset[str]:
    # The keys of people are words like any others; what is said of them is not.
    plain = (re.sub(r"\.(first|company)\}", "}", text.lower()) for text in texts)
    words = frozenset(word for text in plain for word in re.findall(r"\w{4,}", text))
    return words.difference(_SAY_LITTLE.split())


def _cycled(material: Sequence[_T], count: int) -> list[_T]:
    return [material[i % len(material)] for i in range(count)] if material else []
